"""Letters from the running notifier: from events on the bus to a real mail server, and what its API says of them."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import httpx
import pytest

from shared.events.catalogue import PlatformRegistered
from tests.fixtures.api import expect
from tests.fixtures.delivery_report import notification_of
from tests.fixtures.mail_server import MailServer, run_server
from tests.fixtures.receiver import Receiver
from tests.fixtures.services import Stacks
from tests.integration.lone_notifier import LoneNotifier, Platform
from tests.integration.mail_learner import SCOPES, Learner, join, mailing_notifier


@pytest.fixture(scope="module")
def server() -> Iterator[MailServer]:
    yield from run_server(MailServer())


@pytest.fixture(scope="module")
def notifier(stacks: Stacks, bus_kind: str, server: MailServer) -> Iterator[LoneNotifier]:
    with mailing_notifier(stacks, bus_kind, server) as made:
        yield made


@pytest.fixture
async def http(notifier: LoneNotifier) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=notifier.url, timeout=30, trust_env=False, verify=False) as client:
        yield client


@pytest.fixture
async def zoe(notifier: LoneNotifier, server: MailServer, http: httpx.AsyncClient) -> Learner:
    return await join(notifier, server, http)


async def test_an_event_becomes_a_letter_and_the_institution_sees_its_state(zoe: Learner) -> None:
    event = await zoe.earn()
    [letter] = await zoe.server.wait(1, zoe.address)
    assert f"https://registry.example/claim/{event.credential_id}#code" in letter.text
    assert letter.sender == "letters@laurel.example"

    shown = await zoe.until("sent")
    assert (shown["kind"], shown["credential_id"]) == ("earned", str(event.credential_id))
    assert (shown["attempts"], shown["reason"], shown["next_at"]) == (1, None, None)
    whole = expect(200, await zoe.http.get(f"/v1/letters/{shown['id']}", headers=zoe.tenant.headers))
    assert [(each["number"], each["code"], each["status"]) for each in whole["tries"]] == [(1, 250, "2.0.0")]
    assert zoe.address not in str(whole)
    assert zoe.address.encode() not in zoe.notifier.stack["notifier"].log.read_bytes()


async def test_letters_are_listed_by_kind_state_and_credential(zoe: Learner) -> None:
    first, second = await zoe.earn(), await zoe.earn()
    await zoe.until("sent", credential=str(second.credential_id))
    await zoe.offer(first, "asked")
    await zoe.until("sent", kind="claim-link")
    everything = await zoe.letters()
    assert [each["created_at"] for each in everything] == sorted((e["created_at"] for e in everything), reverse=True)
    assert len(await zoe.letters(kind="earned")) == 2
    assert len(await zoe.letters(credential=str(first.credential_id))) == 2
    assert await zoe.letters(state="bounced") == []
    answer = await zoe.http.get("/v1/letters", params={"limit": "2"}, headers=zoe.tenant.headers)
    rest = await zoe.letters(cursor=expect(200, answer)["next"])
    assert answer.json()["items"] + rest == everything


async def test_another_institution_sees_and_resends_none_of_it(zoe: Learner) -> None:
    await zoe.earn()
    letter = await zoe.until("sent")
    stranger = zoe.notifier.tenant(SCOPES).headers
    assert expect(200, await zoe.http.get("/v1/letters", headers=stranger))["items"] == []
    expect(404, await zoe.http.get(f"/v1/letters/{letter['id']}", headers=stranger))
    expect(404, await zoe.http.post(f"/v1/letters/{letter['id']}/resend", headers=stranger))
    assert len(zoe.server.to(zoe.address)) == 1


async def test_a_platform_hears_that_its_endpoint_was_switched_off_and_sees_the_letter(
    notifier: LoneNotifier, server: MailServer, http: httpx.AsyncClient, receiver: Receiver
) -> None:
    tenant = notifier.tenant("endpoints:read endpoints:write shares:write")
    address = f"hooks-{uuid4().hex[:8]}@profiles.example"
    profile = {"slug": "p", "name": "Profiles", "url": "https://profiles.example", "email": address}
    await notifier.publish(
        PlatformRegistered(version=1, platform_id=tenant.id, registered_at=datetime.now(UTC), **profile)
    )
    platform = await Platform.join(notifier, receiver, http, "status/410", tenant=tenant)
    await platform.tell()
    await platform.until("disabled")
    [letter] = await server.wait(1, address)
    assert f"POST /v1/endpoints/{platform.id}/enable" in " ".join(letter.text.split())
    [shown] = (await platform.get("/v1/letters", state="sent"))["items"]
    assert (shown["kind"], shown["endpoint_id"], shown["credential_id"]) == ("endpoint-disabled", platform.id, None)
    assert (await platform.get(f"/v1/letters/{shown['id']}"))["tries"][0]["code"] == 250
    expect(202, await http.post(f"/v1/letters/{shown['id']}/resend", headers=tenant.headers))
    await server.wait(2, address)


async def test_whoever_may_see_endpoints_sees_letters_about_them_and_no_learners(
    zoe: Learner, receiver: Receiver
) -> None:
    await zoe.earn()
    learners = await zoe.until("sent")
    everything = zoe.notifier.narrowed(zoe.tenant, f"{SCOPES} endpoints:read endpoints:write")
    platform = await Platform.join(zoe.notifier, receiver, zoe.http, "status/410", tenant=everything)
    await platform.tell()
    about_endpoint = await zoe.until("sent", kind="endpoint-disabled")
    assert [each["id"] for each in await zoe.letters()] == [about_endpoint["id"], learners["id"]]

    narrow = zoe.notifier.narrowed(zoe.tenant, "endpoints:read endpoints:write").headers
    for params in ({}, {"kind": "endpoint-disabled"}, {"limit": "1"}):
        answer = expect(200, await zoe.http.get("/v1/letters", params=params, headers=narrow))
        assert ([each["id"] for each in answer["items"]], answer["next"]) == ([about_endpoint["id"]], None)
    for params in ({"kind": "earned"}, {"credential": learners["credential_id"]}):
        assert expect(200, await zoe.http.get("/v1/letters", params=params, headers=narrow))["items"] == []
    for method, path in (("GET", ""), ("POST", "/resend")):
        answer = await zoe.http.request(method, f"/v1/letters/{learners['id']}{path}", headers=narrow)
        assert expect(403, answer)["code"] == "insufficient-scope"
        assert 'scope="credentials:' in answer.headers["www-authenticate"]
        fine = await zoe.http.request(method, f"/v1/letters/{about_endpoint['id']}{path}", headers=narrow)
        assert fine.status_code in (200, 202)
    assert len(zoe.server.to(zoe.address)) == 1
    for scope in ("achievements:write", "credentials:write endpoints:write"):
        none = zoe.notifier.narrowed(zoe.tenant, scope).headers
        assert expect(403, await zoe.http.get("/v1/letters", headers=none))["code"] == "insufficient-scope"


async def test_a_letter_can_be_sent_again_under_a_new_message_id(zoe: Learner) -> None:
    await zoe.earn()
    letter = await zoe.until("sent")
    headers = {**zoe.tenant.headers, "Idempotency-Key": uuid4().hex}
    for _ in range(2):
        answer = expect(202, await zoe.http.post(f"/v1/letters/{letter['id']}/resend", headers=headers))
        assert (answer["state"], answer["edition"]) == ("pending", 2)
    first, second = await zoe.server.wait(2, zoe.address)
    assert first.message["Message-ID"] != second.message["Message-ID"]
    assert first.text == second.text
    assert (await zoe.until("sent"))["attempts"] == 2


async def test_a_letter_whose_link_has_expired_is_not_sent_again(zoe: Learner) -> None:
    await zoe.earn()
    letter = await zoe.until("sent")
    await zoe.notifier.execute("UPDATE letter SET link_expires_at = now() WHERE id = $1", letter["id"])
    answer = await zoe.http.post(f"/v1/letters/{letter['id']}/resend", headers=zoe.tenant.headers)
    assert expect(409, answer)["code"] == "claim-link-expired"


async def test_a_bounce_is_recorded_and_resending_vouches_for_the_mailbox(
    notifier: LoneNotifier, server: MailServer, http: httpx.AsyncClient
) -> None:
    learner = await join(notifier, server, http, "gone")
    await learner.earn()
    letter = await learner.until("bounced")
    assert letter["reason"] == "refused"
    event = await learner.earn()
    spared = await learner.until("suppressed", credential=str(event.credential_id))
    assert spared["reason"] == "address-bounced"
    server.answer = "250 2.1.5 back again"
    try:
        expect(202, await http.post(f"/v1/letters/{spared['id']}/resend", headers=learner.tenant.headers))
        deadline = time.monotonic() + 20
        while server.tries[learner.address] < 2:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
    finally:
        server.answer = None


async def test_a_notification_from_a_mail_server_is_a_bounce(zoe: Learner) -> None:
    await zoe.earn()
    await zoe.until("sent")
    [letter] = await zoe.letters()
    raw = notification_of(UUID(letter["id"]))
    operator = {**zoe.notifier.operator, "content-type": "message/rfc822"}
    answer = expect(200, await zoe.http.post("/v1/bounces/report", content=raw, headers=operator))
    assert (answer["state"], answer["reason"]) == ("bounced", "reported")
    await zoe.until("bounced")
    other = await zoe.earn()
    await zoe.until("suppressed", credential=str(other.credential_id))


async def test_a_bounce_can_be_told_in_json(zoe: Learner) -> None:
    await zoe.earn()
    await zoe.until("sent")
    message_id = str(zoe.server.to(zoe.address)[0].message["Message-ID"])
    send = {"json": {"message_id": message_id, "status": "5.2.2"}, "headers": zoe.notifier.operator}
    assert expect(200, await zoe.http.post("/v1/bounces", **send))["state"] == "bounced"
    assert expect(403, await zoe.http.post("/v1/bounces", json=send["json"], headers=zoe.tenant.headers))["code"]


@pytest.mark.parametrize(
    ("path", "body", "kind", "status", "code"),
    [
        ("", b'{"message_id":"<x@y>","status":"5.1.1"}', "application/json", 404, "not-found"),
        ("", b'{"message_id":"<x@y>","status":"no"}', "application/json", 422, "invalid-value"),
        ("", b'{"status":"5.1.1"}', "application/json", 422, "required"),
        ("/report", b"Subject: x\r\n\r\nhello", "message/rfc822", 422, "no-delivery-report"),
        ("/report", b"", "message/rfc822", 422, "no-delivery-report"),
        ("/report", b"{}", "application/json", 415, "unsupported-media-type"),
        ("/report", notification_of(uuid4()), "message/rfc822", 404, "not-found"),
    ],
)
async def test_a_report_that_says_nothing_is_a_problem(
    notifier: LoneNotifier, http: httpx.AsyncClient, path: str, body: bytes, kind: str, status: int, code: str
) -> None:
    headers = {**notifier.operator, "content-type": kind}
    assert expect(status, await http.post(f"/v1/bounces{path}", content=body, headers=headers))["code"] == code


async def test_the_operator_can_have_an_address_erased(zoe: Learner) -> None:
    event = await zoe.earn()
    await zoe.until("sent")
    erase = {"json": {"email": zoe.address.upper()}, "headers": zoe.notifier.operator}
    assert expect(200, await zoe.http.post("/v1/learners/erase", **erase)) == {"credentials": 1}
    assert expect(200, await zoe.http.post("/v1/learners/erase", **erase)) == {"credentials": 0}
    await zoe.offer(event, "asked")
    assert (await zoe.until("suppressed", kind="claim-link"))["reason"] == "no-address"
    wrong = await zoe.http.post("/v1/learners/erase", json={"email": "a b@c"}, headers=zoe.notifier.operator)
    assert expect(422, wrong)["code"] == "invalid-email"


async def test_metrics_count_letters_and_the_mailer_is_ready(zoe: Learner) -> None:
    await zoe.earn()
    await zoe.until("sent")
    metrics = (await zoe.http.get("/metrics")).text
    assert re.search(r'mail_attempts_total\{kind="earned",state="sent"\} [1-9]', metrics)
    assert expect(200, await zoe.http.get("/readyz"))["checks"]["mailer"] == "ok"
