"""Where the operator requires it, an endpoint gets nothing before it answered its challenge."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from tests.fixtures.api import expect
from tests.fixtures.receiver import Receiver
from tests.fixtures.services import Stacks
from tests.integration.lone_notifier import LoneNotifier, Platform
from tests.integration.test_notifier_contract import post
from tests.integration.test_notifier_endpoints import refusal


@pytest.fixture(scope="module")
def notifier(stacks: Stacks) -> Iterator[LoneNotifier]:
    """The notifier alone, of an operator who requires challenges."""
    with LoneNotifier.on(stacks, "embedded", LAUREL_WEBHOOK_REQUIRE_CHALLENGE="true") as made:
        yield made


@pytest.fixture
async def http(notifier: LoneNotifier) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=notifier.url, timeout=30, trust_env=False, verify=False) as client:
        yield client


async def test_a_new_endpoint_gets_nothing_until_it_is_verified_and_then_what_waited(
    notifier: LoneNotifier, receiver: Receiver, http: httpx.AsyncClient
) -> None:
    platform = await Platform.join(notifier, receiver, http, "echo")
    assert (await platform.endpoint())["state"] == "unverified"
    [credential] = await platform.tell()
    await platform.message("pending")
    for refused in (
        await post(platform, "enable"),
        await post(platform, "test", {"type": "credential.issued"}),
        await http.patch(
            f"/v1/endpoints/{platform.id}",
            json={"state": "active"},
            headers={**platform.tenant.headers, "If-Match": '"1"'},
        ),
    ):
        refusal(refused, 409, "wrong-state")
    assert await receiver.received(platform.name) == []

    assert expect(200, await post(platform, "verify"))["state"] == "active"
    challenge, first = await platform.heard(2)
    assert challenge.verified(platform.secret)["type"] == "endpoint.challenge"
    assert first.verified(platform.secret)["data"]["credential_id"] == str(credential)


async def test_one_that_moves_has_to_be_verified_again(
    notifier: LoneNotifier, receiver: Receiver, http: httpx.AsyncClient
) -> None:
    platform = await Platform.join(notifier, receiver, http, "echo")
    expect(200, await post(platform, "verify"))
    path, match = f"/v1/endpoints/{platform.id}", {**platform.tenant.headers, "If-Match": '"2"'}
    moved = expect(200, await http.patch(path, json={"url": receiver.url(platform.name, "ok")}, headers=match))
    assert (moved["state"], moved["verified_at"]) == ("unverified", None)
    await platform.tell()
    await platform.message("pending")
    assert len(await receiver.received(platform.name)) == 1, "the challenge alone"


async def test_one_that_is_paused_before_it_was_verified_stays_closed(
    notifier: LoneNotifier, receiver: Receiver, http: httpx.AsyncClient
) -> None:
    platform = await Platform.join(notifier, receiver, http, "echo")
    path, match = f"/v1/endpoints/{platform.id}", {**platform.tenant.headers, "If-Match": '"1"'}
    expect(200, await http.patch(path, json={"state": "paused"}, headers=match))
    refusal(await post(platform, "enable"), 409, "wrong-state")
    assert expect(200, await post(platform, "verify"))["state"] == "paused"
    assert expect(200, await post(platform, "enable"))["state"] == "active"
