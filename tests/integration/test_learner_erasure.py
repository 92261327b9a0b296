"""A learner is forgotten, end to end on both buses: at the issuer, and by its event everywhere else, for good."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from tests.fixtures.api import Api, expect
from tests.fixtures.stack import Stack
from tests.integration.learners import Learner, Letters, known, letters
from tests.integration.surface import fault

EMAIL = "zoe.canary@example.org"


@pytest.fixture
async def post(running: Stack) -> AsyncIterator[Letters]:
    async with letters(running) as reader:
        yield reader


async def rows(stack: Stack, service: str, query: str, *args: Any) -> list[Any]:
    connection = await asyncpg.connect(stack.deployment.databases[service].owner)
    try:
        await connection.execute("SET ROLE laurel_worker")
        return list(await connection.fetch(query, *args))
    finally:
        await connection.close()


async def kept(stack: Stack, credential_id: str) -> dict[str, int]:
    """How many rows of each service still have something of the learner of a credential."""
    places = {
        "issuer": "SELECT FROM credential WHERE id = $1 AND (recipient_ciphertext IS NOT NULL OR"
        " recipient_index IS NOT NULL)",
        "registry": "SELECT FROM claim_code WHERE credential_id = $1",
        "notifier": "SELECT FROM addressee a LEFT JOIN letter l USING (credential_id) WHERE credential_id = $1"
        " AND (a.address IS NOT NULL OR a.address_index IS NOT NULL OR l.link IS NOT NULL OR l.state = 'pending')",
    }
    return {name: len(await rows(stack, name, query, UUID(credential_id))) for name, query in places.items()}


async def until(stack: Stack, credential_id: str, *, gone: bool, seconds: float = 20) -> None:
    """Wait until every service has forgotten the learner, or until every one knows them."""
    deadline = time.monotonic() + seconds
    while True:
        found = await kept(stack, credential_id)
        if all(gone != bool(count) for count in found.values()):
            return
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.1)


async def erase(api: Api, headers: dict[str, str]) -> int:
    answer = await api.http.post(f"{api.urls['issuer']}/v1/learners/erase", json={"email": EMAIL}, headers=headers)
    return int(expect(200, answer)["credentials"])


async def replay(api: Api, service: str) -> None:
    cursor: str | None = None
    while True:
        body = {"cursor": cursor} if cursor else {}
        answer = await api.http.post(f"{api.urls[service]}/v1/replay", json=body, headers=api.operator)
        cursor = expect(200, answer)["next"]
        if cursor is None:
            return


async def test_an_erased_learner_is_forgotten_everywhere_and_stays_so(api: Api, post: Letters, running: Stack) -> None:
    institution, platform = await api.institution(), await api.platform()
    await known(api, platform.id)
    achievement = await api.achievement(institution)
    shared = await api.issue(institution, achievement, email=EMAIL)
    unclaimed = await api.issue(institution, achievement, email=EMAIL.upper())
    learner = await Learner.of(api, post, shared["id"])
    await learner.act("share", platform.slug, 201)
    code = await post.code(unclaimed["id"])
    for made in (shared, unclaimed):
        await until(running, made["id"], gone=False)

    assert await erase(api, institution.headers) == 2
    for made in (shared, unclaimed):
        await until(running, made["id"], gone=True)
    claimed = await api.http.post(f"{api.urls['registry']}/v1/claims", json={"code": code})
    assert fault(claimed, {404}, {"not-found"}) is None
    await api.verdict(shared["credential"], "valid")
    assert (await learner.act("unshare", platform.slug))["state"] == "withdrawn"

    for service in ("issuer", "registry"):
        await replay(api, service)
    for made in (shared, unclaimed):
        await api.change(institution, made["id"], "suspend")
        await suspended(running, made["id"])  # and so all that was told of it again has been heard
    await no_longer_told(post, shared["id"], unclaimed["id"])
    again = await api.issue(institution, achievement, email=EMAIL)
    await until(running, again["id"], gone=False)
    assert not [count for made in (shared, unclaimed) for count in (await kept(running, made["id"])).values() if count]
    assert await erase(api, institution.headers) == 1, "whoever is issued another is known anew"


async def suspended(stack: Stack, credential_id: str, seconds: float = 20) -> None:
    """Wait until the notifier has heard of it."""
    deadline = time.monotonic() + seconds
    query = "SELECT FROM addressee WHERE credential_id = $1 AND status = 'suspended'"
    while not await rows(stack, "notifier", query, UUID(credential_id)):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)


async def no_longer_told(post: Letters, *credential_ids: str) -> None:
    """Each credential was issued twice in the topics, and the second time to nobody."""
    deadline = time.monotonic() + 20
    while True:
        await post.read()
        told = [
            [b'"recipient":{' in (record.value or b"") for record in post.records if is_issue(record, credential_id)]
            for credential_id in credential_ids
        ]
        if all(len(each) == 2 for each in told):
            assert told == [[True, False]] * len(credential_ids)
            return
        assert time.monotonic() < deadline, told


def is_issue(record: Any, credential_id: str) -> bool:
    headers = dict(record.headers)
    return headers["ce_type"] == b"org.laurel.credential.issued.v1" and record.key == credential_id.encode()
