"""Endpoints that stop answering all at once, as those behind one fallen host do."""

import time
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from tests.fixtures.receiver import Receiver
from tests.fixtures.services import Stacks
from tests.integration.lone_notifier import LoneNotifier, Platform

SLOTS, TIMEOUT = 4, 30.0
ENDPOINTS = 6


@pytest.fixture(scope="module")
def notifier(stacks: Stacks) -> Iterator[LoneNotifier]:
    """With few slots, and so long a time-out that nobody is saved by it."""
    env = {"LAUREL_WEBHOOK_SLOTS": str(SLOTS), "LAUREL_WEBHOOK_TIMEOUT": str(TIMEOUT)}
    env["LAUREL_WEBHOOK_ENDPOINTS_EACH"] = str(ENDPOINTS)
    with LoneNotifier.on(stacks, "kafka", **env) as made:
        yield made


@pytest.fixture
async def http(notifier: LoneNotifier) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=notifier.url, timeout=30, trust_env=False, verify=False) as client:
        yield client


async def test_as_many_that_hang_as_there_are_slots_hold_up_nobody(
    notifier: LoneNotifier, receiver: Receiver, http: httpx.AsyncClient
) -> None:
    healthy = await Platform.join(notifier, receiver, http)
    hanging = [await Platform.join(notifier, receiver, http, "hang") for _ in range(SLOTS)]
    for platform in hanging:
        await platform.tell()
    for platform in hanging:
        await platform.heard(1)
    begun = time.monotonic()
    await healthy.tell(20)
    await healthy.heard(20)
    assert time.monotonic() - begun < TIMEOUT / 2
    for platform in hanging:
        assert not (await platform.attempts((await platform.messages())[0]["id"], 0)), "none has ended yet"


async def test_a_tenant_has_no_more_endpoints_than_the_operator_allows(
    notifier: LoneNotifier, receiver: Receiver, http: httpx.AsyncClient
) -> None:
    tenant = notifier.tenant()
    mine = [await Platform.join(notifier, receiver, http, tenant=tenant) for _ in range(ENDPOINTS)]
    body = {"url": receiver.url("one-too-many"), "events": ["*"]}
    refused = await http.post("/v1/endpoints", json=body, headers=tenant.headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "too-many-endpoints")
    await Platform.join(notifier, receiver, http)
    assert (await http.delete(f"/v1/endpoints/{mine[0].id}", headers=tenant.headers)).status_code == 204
    assert (await http.post("/v1/endpoints", json=body, headers=tenant.headers)).status_code == 201
