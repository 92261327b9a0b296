"""The verifier over HTTP, knowing what it knows from events on the bus; no issuer runs."""

import asyncio
import copy
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import timedelta
from typing import Any

import httpx
import orjson
import pytest

from shared.bus.port import Bus
from shared.credentials import CRYPTOSUITES, Cryptosuite, generate
from shared.events.catalogue import CredentialReinstated, CredentialRevoked, CredentialSuspended
from tests.fixtures.services import Stacks
from tests.fixtures.stack import Stack
from tests.integration.lone_service import client, only, open_bus, paper_issuer
from tests.integration.paper_issuer import Issued, PaperIssuer, publish, utc_now

HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def stack(stacks: Stacks, bus_kind: str) -> Iterator[Stack]:
    """The verifier alone, on each bus."""
    with only("verifier", stacks, bus_kind) as made:
        yield made


@pytest.fixture
async def bus(stack: Stack) -> AsyncIterator[Bus]:
    async with open_bus(stack) as made:
        yield made


@pytest.fixture
async def http(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    async with client(stack, "verifier") as made:
        yield made


@pytest.fixture
async def issuer(stack: Stack, bus: Bus) -> PaperIssuer:
    """An institution the verifier has heard of."""
    made = paper_issuer(stack)
    await publish(bus, *made.introduction())
    return made


async def verify(http: httpx.AsyncClient, document: Any) -> dict[str, Any]:
    answer = await http.post("/v1/verify", json={"credential": document})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    assert [check["check"] for check in body["checks"]] == ["proof", "schema", "issuer", "validity", "status"]
    assert body["verified"] is (body["verdict"] in ("valid", "valid-with-warnings"))
    return body


async def until(http: httpx.AsyncClient, document: Any, verdict: str, seconds: float = 15) -> dict[str, Any]:
    """Verify until the verdict is that: the verifier learns by events."""
    deadline = time.monotonic() + seconds
    while (body := await verify(http, document))["verdict"] != verdict:
        assert time.monotonic() < deadline, body
        await asyncio.sleep(0.05)
    return body


def check(body: dict[str, Any], name: str) -> tuple[str, str | None]:
    """Outcome and problem code of a check."""
    found = next(each for each in body["checks"] if each["check"] == name)
    return found["outcome"], found["problem"]["type"].rpartition("/")[2].rpartition("#")[
        2
    ] if "problem" in found else None


@pytest.mark.parametrize("suite", CRYPTOSUITES)
async def test_a_credential_is_valid_without_any_issuer_running(
    http: httpx.AsyncClient, bus: Bus, issuer: PaperIssuer, suite: Cryptosuite
) -> None:
    if suite.startswith("ecdsa"):
        issuer.keys.append(generate("P-256"))
        await publish(bus, issuer.activation(utc_now() - timedelta(hours=1)))
    issued = issuer.issue(suite=suite)
    await publish(bus, issued.event)
    body = await until(http, issued.document, "valid")
    assert [each["outcome"] for each in body["checks"]] == ["pass"] * 5
    assert all("problem" not in each for each in body["checks"])
    assert body["credential"]["id"] == issued.document["id"]
    assert body["credential"]["issuer"] == {"id": issuer.did, "name": f"University {issuer.slug}"}


async def test_revocation_and_suspension_arrive_by_event(
    http: httpx.AsyncClient, bus: Bus, issuer: PaperIssuer
) -> None:
    issued = issuer.issue()
    await publish(bus, issued.event)
    await until(http, issued.document, "valid")
    for kind, version, verdict, code in (
        (CredentialSuspended, 2, "revoked-or-suspended", "credential-suspended"),
        (CredentialReinstated, 3, "valid", None),
        (CredentialRevoked, 4, "revoked-or-suspended", "credential-revoked"),
    ):
        await publish(bus, issued.changed(kind, version))  # type: ignore[type-abstract]
        body = await until(http, issued.document, verdict)
        assert check(body, "status")[1] == code


async def test_a_status_event_that_comes_again_late_does_not_undo_a_newer_one(
    http: httpx.AsyncClient, bus: Bus, issuer: PaperIssuer
) -> None:
    issued, marker = issuer.issue(), issuer.issue()
    suspended, reinstated = issued.changed(CredentialSuspended, 2), issued.changed(CredentialReinstated, 3)
    await publish(bus, issued.event, suspended, reinstated)
    await until(http, issued.document, "valid")
    await publish(bus, suspended, marker.event)  # another id, as when the inbox has forgotten the first
    await until(http, marker.document, "valid")
    await asyncio.sleep(0.3)
    assert (await verify(http, issued.document))["verdict"] == "valid"


async def test_a_key_counts_in_its_time(http: httpx.AsyncClient, bus: Bus, issuer: PaperIssuer) -> None:
    before = issuer.issue(created=utc_now() - HOUR)
    after = issuer.issue()
    await publish(bus, before.event, after.event)
    await until(http, after.document, "valid")
    await publish(bus, issuer.retirement(utc_now() - HOUR / 2))
    body = await until(http, after.document, "forged")
    assert check(body, "issuer") == ("fail", "key-retired")
    assert (await verify(http, before.document))["verdict"] == "valid"


async def test_of_a_leaked_key_only_originals_are_believed(
    http: httpx.AsyncClient, bus: Bus, issuer: PaperIssuer
) -> None:
    original = issuer.issue(created=utc_now() - 2 * HOUR)
    backdated = issuer.issue(created=utc_now() - 2 * HOUR)
    altered = issuer.issue(created=utc_now() - 2 * HOUR, change={"id": original.document["id"], "name": "Doctor"})
    await publish(bus, original.event)
    await until(http, original.document, "valid")
    await publish(bus, issuer.compromise(utc_now() - HOUR))
    deadline = time.monotonic() + 15
    while check(await verify(http, backdated.document), "issuer") != ("fail", "key-compromised"):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    assert check(await verify(http, altered.document), "issuer") == ("fail", "key-compromised")
    assert (await verify(http, original.document))["verdict"] == "valid"


async def test_outside_its_dates(http: httpx.AsyncClient, bus: Bus, issuer: PaperIssuer) -> None:
    issued = issuer.issue(created=utc_now() - 2 * HOUR, valid_until=utc_now() - HOUR)
    await publish(bus, issued.event)
    body = await until(http, issued.document, "outside-dates")
    assert check(body, "validity") == ("fail", "credential-expired")


async def test_an_unknown_key_of_ours_is_cannot_tell_while_the_issuer_is_away(
    http: httpx.AsyncClient, bus: Bus, issuer: PaperIssuer
) -> None:
    known = issuer.issue()
    await publish(bus, known.event)
    await until(http, known.document, "valid")
    late = issuer.issue(method=f"{issuer.did}#key-7")
    body = await verify(http, late.document)
    assert body["verdict"] == "cannot-tell"
    assert check(body, "issuer") == ("unknown", "did-unresolvable")


async def test_a_credential_not_heard_of_whose_list_is_away_is_cannot_tell(
    http: httpx.AsyncClient, bus: Bus, issuer: PaperIssuer
) -> None:
    known, unheard = issuer.issue(), issuer.issue()
    await publish(bus, known.event)
    await until(http, known.document, "valid")
    body = await verify(http, unheard.document)
    assert body["verdict"] == "cannot-tell"
    assert check(body, "status") == ("unknown", "STATUS_RETRIEVAL_ERROR")


async def test_a_forgery_is_called_so_and_its_list_is_not_fetched(
    http: httpx.AsyncClient, bus: Bus, issuer: PaperIssuer
) -> None:
    issued = issuer.issue()
    await publish(bus, issued.event)
    await until(http, issued.document, "valid")
    changed = copy.deepcopy(issued.document)
    changed["credentialSubject"]["achievement"]["name"] = "Doctor of Everything"
    body = await verify(http, changed)
    assert body["verdict"] == "forged"
    assert check(body, "proof") == ("fail", "CRYPTOGRAPHIC_SECURITY_ERROR")
    unheard = copy.deepcopy(issuer.issue().document)
    unheard["name"] = "Doctor"
    assert check(await verify(http, unheard), "status") == ("unknown", "STATUS_RETRIEVAL_ERROR")


async def test_verifications_of_ours_are_announced_and_numbered(
    http: httpx.AsyncClient, stack: Stack, bus: Bus, issuer: PaperIssuer
) -> None:
    issued, forged = issuer.issue(), issuer.issue()
    await publish(bus, issued.event, forged.event)
    await until(http, issued.document, "valid")
    await until(http, forged.document, "valid")
    for _ in range(4):
        await verify(http, issued.document)
    changed = copy.deepcopy(forged.document)
    changed["name"] = "Doctor"
    for _ in range(3):
        assert (await verify(http, changed))["verdict"] == "forged"
    ids = {str(issued.id), str(forged.id)}
    heard = [event for event in await collect(bus, issued, at_least=5) if event["credential_id"] in ids]
    versions = [int(event["version"]) for event in heard if event["credential_id"] == str(issued.id)]
    assert versions == list(range(1, len(versions) + 1))
    assert {event["verdict"] for event in heard} <= {"valid", "cannot-tell", "valid-with-warnings"}
    assert all(set(event) == EVENT_FIELDS for event in heard), "nothing about the learner, nor about who asked"
    assert {event["achievement_id"] for event in heard} == {str(issuer.achievement_id)}


async def test_an_achievement_that_is_none_of_ours_is_not_told(
    http: httpx.AsyncClient, bus: Bus, issuer: PaperIssuer
) -> None:
    achievement = {**issuer.achievement(), "id": "https://another.example/achievements/1"}
    subject = {"id": "did:example:learner", "type": ["AchievementSubject"], "achievement": achievement}
    issued = issuer.issue(change={"credentialSubject": subject})
    await publish(bus, issued.event)
    await until(http, issued.document, "valid")
    await verify(http, issued.document)
    heard = [event for event in await collect(bus, issued, at_least=2) if event["credential_id"] == str(issued.id)]
    assert all(set(event) == EVENT_FIELDS - {"achievement_id"} for event in heard)


async def test_it_starts_and_answers_without_the_bus(
    http: httpx.AsyncClient, stack: Stack, bus: Bus, issuer: PaperIssuer
) -> None:
    issued = issuer.issue()
    await publish(bus, issued.event)
    await until(http, issued.document, "valid")
    process = stack["verifier"]
    before = process.environment
    process.stop()
    process.environment = without_bus(before)
    try:
        process.start()
        await asyncio.to_thread(process.wait_ready)
        assert (await verify(http, issued.document))["verdict"] == "valid"
        checks = (await http.get("/readyz")).json()["checks"]
        assert checks["relay"] != "ok"
    finally:
        assert process.stop() == 0
        process.environment = before
        process.start()
        await asyncio.to_thread(process.wait_ready)
    await until(http, issued.document, "valid")


def without_bus(environment: Mapping[str, str]) -> dict[str, str]:
    """The same, with the bus at a port where nobody listens."""
    dead = {"LAUREL_KAFKA": "127.0.0.1:9", "LAUREL_BUS_DATABASE_URL": "postgresql://u:p@127.0.0.1:9/none"}
    return {**environment, **{name: value for name, value in dead.items() if name in environment}}


EVENT_FIELDS = {
    "version", "verification_id", "credential_id", "institution_id", "achievement_id", "verdict", "verified_at",
}  # fmt: skip


async def collect(bus: Bus, issued: Issued, *, at_least: int) -> list[dict[str, Any]]:
    """The events on verifier.events until that many are about a credential, and a little longer."""
    subscription = bus.subscribe(f"test-{issued.id}", ["verifier.events"], instance="1")
    await subscription.start()
    heard: list[dict[str, Any]] = []
    deadline = time.monotonic() + 20
    quiet = 0
    try:
        while quiet < 2:
            assert time.monotonic() < deadline, heard
            batches = await subscription.poll(500, 0.5)
            for batch in batches.values():
                heard += [orjson.loads(record.value or b"{}") for record in batch]
            mine = sum(event["credential_id"] == str(issued.id) for event in heard)
            quiet = quiet + 1 if mine >= at_least and not batches else 0
    finally:
        await subscription.stop()
    return heard
