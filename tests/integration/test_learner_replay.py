"""What learners did is told by a replay to platforms that the bus had kept it from, and to no others."""

import asyncio
import json
import os
import subprocess
import sys
import time
from typing import Any
from uuid import uuid4

import asyncpg

from services.cli.deployment import REPOSITORY, SERVICES
from tests.faults import invariants
from tests.fixtures.api import Api, Institution, expect
from tests.fixtures.receiver import Receiver
from tests.fixtures.services import StartStack
from tests.fixtures.stack import Stack
from tests.integration.learners import Learner, known, letters


async def test_a_platform_hears_once_of_what_was_lost_and_of_what_was_not(
    start_stack: StartStack, receiver: Receiver
) -> None:
    stack = start_stack("embedded")
    async with stack.api() as api, letters(stack) as post:
        institution, platform, name = await api.institution(), await api.platform(), uuid4().hex
        await listen(api, platform, receiver.url(name))
        school = uuid4().hex
        await api.endpoint(institution, receiver.url(school), ["credential.claimed"])
        issued = await api.issue(institution, await api.achievement(institution))
        await known(api, platform.id)
        learner = await Learner.of(api, post, issued["id"])
        await learner.act("share", platform.slug, 201)
        await receiver.wait(name, 1)
        await receiver.wait(school, 1)

        stack["notifier"].stop()
        await learner.act("unshare", platform.slug)
        second = await learner.act("share", platform.slug, 201)
        await api.change(institution, issued["id"], "suspend")
        await told(stack, second["share_id"], "suspended")
        await learner.act("unshare", platform.slug)
        await lose_what_was_published(stack)
        stack.start("notifier")
        for _ in range(2):
            replay(stack)
        await api.change(institution, issued["id"], "reinstate")
        await told(stack, second["share_id"], "active")
        await learner.act("share", platform.slug, 201)  # on the heels of all that was told again of the credential
        await receiver.wait(name, 6)
        await nothing_waits(stack)

        heard = [json.loads(delivery.body) for delivery in await receiver.received(name)]
        assert [body["type"].removeprefix("credential.") for body in heard] == [
            *("shared", "unshared", "shared", "suspended", "unshared", "shared"),
        ]
        assert [body["data"]["share_id"] for body in heard[2:5]] == [second["share_id"]] * 3
        assert len(await receiver.received(school)) == 1


async def listen(api: Api, platform: Institution, url: str) -> None:
    """An endpoint that wants order."""
    body: dict[str, Any] = {"url": url, "events": ["*"], "ordered": True}
    endpoints = f"{api.urls['notifier']}/v1/endpoints"
    expect(201, await api.http.post(endpoints, json=body, headers=platform.headers))


async def told(stack: Stack, share_id: str, status: str, seconds: float = 10) -> None:
    """Wait until the registry knows the credential of the share to be that."""
    deadline = time.monotonic() + seconds
    query = "SELECT count(*) FROM share WHERE share_id::text = $1 AND status = $2"
    while not await invariants.value(stack, "registry", query, share_id, status):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


async def lose_what_was_published(stack: Stack) -> None:
    """Wait until all of it is on the bus, and take it off."""
    await nothing_waits(stack)
    connection = await asyncpg.connect(stack.deployment.bus_database_url)
    try:
        await connection.execute("DELETE FROM bus_record")
        await connection.execute("UPDATE bus_partition SET first_offset = next_offset")
    finally:
        await connection.close()


async def nothing_waits(stack: Stack, seconds: float = 20) -> None:
    """Until all outboxes are empty, and so is the notifier's queue."""
    deadline = time.monotonic() + seconds
    while await at_work(stack):
        assert time.monotonic() < deadline, stack.logs()
        await asyncio.sleep(0.2)


async def at_work(stack: Stack) -> int:
    waiting = [await invariants.value(stack, service, "SELECT count(*) FROM outbox") for service in SERVICES]
    waiting.append(await invariants.value(stack, "notifier", "SELECT count(*) FROM delivery WHERE state = 'pending'"))
    return int(sum(waiting))


def replay(stack: Stack) -> None:
    """`laurel replay`, which tells nothing of as missing."""
    urls = {f"LAUREL_{name.upper()}_URL": stack[name].url for name in SERVICES}
    done = subprocess.run(
        [sys.executable, "-m", "services", "replay"],
        cwd=REPOSITORY,
        env={**os.environ, **urls, "LAUREL_OPERATOR_TOKEN": stack.deployment.operator_token},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "could not" not in done.stdout
