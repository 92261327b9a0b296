"""Secrets of endpoints are replaced: what signs beside what, for how long, and what ends at once after a leak."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

import httpx
import pytest
from standardwebhooks.webhooks import WebhookVerificationError

from tests.fixtures.api import expect
from tests.fixtures.receiver import Delivery, Receiver
from tests.fixtures.services import Stacks
from tests.integration.lone_notifier import LoneNotifier, Platform
from tests.integration.test_notifier_contract import checks, post
from tests.integration.test_notifier_endpoints import refusal


@pytest.fixture(scope="module")
def notifier(stacks: Stacks) -> Iterator[LoneNotifier]:
    """The notifier alone."""
    with LoneNotifier.on(stacks, "embedded") as made:
        yield made


@pytest.fixture
async def http(notifier: LoneNotifier) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=notifier.url, timeout=30, trust_env=False, verify=False) as client:
        yield client


@pytest.fixture
def join(notifier: LoneNotifier, receiver: Receiver, http: httpx.AsyncClient) -> Any:
    """Registers an endpoint."""

    async def joined(**asked: Any) -> Platform:
        return await Platform.join(notifier, receiver, http, **asked)

    return joined


async def test_old_keys_sign_beside_the_new_until_the_grace_is_over(join: Any) -> None:
    platform = await join(signatures=["v1", "v1a"])
    before = await platform.endpoint()
    await platform.tell()
    await platform.heard(1)
    rotated = expect(200, await post(platform, "secret/rotate"))
    assert rotated["secret"].startswith("whsec_")
    assert rotated["secret"] != platform.secret
    assert rotated["public_key"] != before["public_key"]
    assert expect(200, await post(platform, "enable")) == {k: v for k, v in rotated.items() if k != "secret"}

    await platform.tell()
    second = (await platform.heard(2))[1]
    second.verified(platform.secret)
    second.verified(rotated["secret"])
    assert checks(second, before["public_key"])
    assert checks(second, rotated["public_key"])
    assert len(second.headers["webhook-signature"].split()) == 4
    first = second.headers["webhook-signature"].split()[0]
    Delivery(0, {**second.headers, "webhook-signature": first}, second.body).verified(rotated["secret"])

    await platform.notifier.execute(
        "UPDATE endpoint_secret SET expires_at = now() - interval '1 second' WHERE expires_at IS NOT NULL"
    )
    await platform.notifier.execute("UPDATE endpoint SET version = version + 1 WHERE id = $1", UUID(platform.id))
    await platform.tell()
    third = (await platform.heard(3))[2]
    third.verified(rotated["secret"])
    with pytest.raises(WebhookVerificationError):
        third.verified(platform.secret)
    assert not checks(third, before["public_key"])


async def test_a_grace_of_nothing_ends_the_old_key_at_once(join: Any) -> None:
    platform = await join()
    rotated = expect(200, await post(platform, "secret/rotate", {"grace_seconds": 0}))
    await platform.tell()
    [delivery] = await platform.heard(1)
    delivery.verified(rotated["secret"])
    assert len(delivery.headers["webhook-signature"].split()) == 1


async def test_a_key_that_ends_while_its_endpoint_stays_the_same_signs_no_more(join: Any) -> None:
    platform = await join()
    expect(200, await post(platform, "secret/rotate", {"grace_seconds": 1}))
    signatures = 2
    for number in range(1, 100):
        await platform.tell()
        delivery = (await platform.heard(number))[-1]
        signatures = len(delivery.headers["webhook-signature"].split())
        if signatures == 1:
            break
    assert signatures == 1


async def test_a_repeated_rotation_is_one_and_shows_the_same_secret(join: Any) -> None:
    platform = await join()
    answers = [await post(platform, "secret/rotate", {}, **{"Idempotency-Key": "rotate"}) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert answers[0].headers["etag"] == answers[1].headers["etag"] == '"2"'
    dump = await platform.notifier.execute(
        "SELECT string_agg(t, '') AS text FROM (SELECT endpoint_secret::text FROM endpoint_secret UNION ALL"
        " SELECT convert_from(body, 'utf-8') FROM idempotency) AS rows(t)"
    )
    secret = answers[0].json()["secret"].removeprefix("whsec_")
    assert secret not in dump[0]["text"]


async def test_three_old_secrets_are_the_most_and_what_ended_is_deleted(join: Any) -> None:
    platform = await join()
    for _ in range(3):
        expect(200, await post(platform, "secret/rotate", {"grace_seconds": 604_800}))
    refused = await post(platform, "secret/rotate")
    refusal(refused, 409, "too-many-secrets")
    assert 604_000 < int(refused.headers["retry-after"]) <= 604_800
    await platform.notifier.execute(
        "UPDATE endpoint_secret SET expires_at = now() WHERE n = 1 AND endpoint_id = $1", UUID(platform.id)
    )
    expect(200, await post(platform, "secret/rotate"))
    await gone(platform, 1)


async def test_three_old_secrets_can_all_be_ended_at_once(join: Any) -> None:
    platform = await join(signatures=["v1", "v1a"])
    before = (await platform.endpoint())["public_key"]
    for _ in range(3):
        leaked = expect(200, await post(platform, "secret/rotate", {"grace_seconds": 604_800}))
    rotated = expect(200, await post(platform, "secret/rotate", {"grace_seconds": 0}))
    await platform.tell()
    [delivery] = await platform.heard(1)
    delivery.verified(rotated["secret"])
    assert checks(delivery, rotated["public_key"])
    assert len(delivery.headers["webhook-signature"].split()) == 2
    for secret in (platform.secret, leaked["secret"]):
        with pytest.raises(WebhookVerificationError):
            delivery.verified(secret)
    assert not checks(delivery, before)
    assert not checks(delivery, leaked["public_key"])


async def test_a_short_grace_bounds_what_was_given_a_long_one(join: Any) -> None:
    platform = await join(signatures=["v1", "v1a"])
    expect(200, await post(platform, "secret/rotate", {"grace_seconds": 604_800}))
    expect(200, await post(platform, "secret/rotate", {"grace_seconds": 60}))
    expect(200, await post(platform, "secret/rotate", {"grace_seconds": 604_800}))
    ends = await platform.notifier.execute(
        "SELECT kind, ceil(extract(epoch FROM expires_at - now()))::int AS left FROM endpoint_secret"
        " WHERE endpoint_id = $1 AND expires_at IS NOT NULL",
        UUID(platform.id),
    )
    for kind in ("v1", "v1a"):
        left = sorted(row["left"] for row in ends if row["kind"] == kind)
        assert left[0] <= left[1] <= 60 < 604_000 < left[2], left


async def test_a_key_pair_that_is_not_in_use_ends_with_the_others(join: Any) -> None:
    platform = await join(signatures=["v1", "v1a"])
    before = await platform.endpoint()
    url, headers = f"/v1/endpoints/{platform.id}", platform.tenant.headers
    expect(200, await platform.http.patch(url, json={"signatures": ["v1"]}, headers={**headers, "If-Match": '"1"'}))
    rotated = expect(200, await post(platform, "secret/rotate", {"grace_seconds": 0}))
    assert rotated["public_key"] is None
    asked = {"signatures": ["v1", "v1a"]}
    again = expect(200, await platform.http.patch(url, json=asked, headers={**headers, "If-Match": '"3"'}))
    await platform.tell()
    [delivery] = await platform.heard(1)
    assert checks(delivery, again["public_key"])
    assert not checks(delivery, before["public_key"])


@pytest.mark.parametrize("grace", [-1, 604_801, "1", 1.5, None])
async def test_a_grace_that_is_none_is_refused(join: Any, grace: Any) -> None:
    answer = await post(await join(), "secret/rotate", {"grace_seconds": grace})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "#/grace_seconds"


async def gone(platform: Platform, n: int) -> None:
    """Wait until upkeep has deleted a secret."""
    for _ in range(200):
        query = "SELECT FROM endpoint_secret WHERE endpoint_id = $1 AND n = $2"
        if not await platform.notifier.execute(query, UUID(platform.id), n):
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the secret is still there")
