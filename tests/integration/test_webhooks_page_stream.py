"""What docs/webhooks.md shows for reading the stream reads it: the command, and the Python, over an outage too."""

import asyncio
import itertools
import json
import re
import urllib.error
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.services import Stacks
from tests.integration.lone_notifier import LoneNotifier, Tenant, revoked

PAGE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text()
Listen = Callable[..., Iterator[tuple[str, dict[str, Any]]]]


@pytest.fixture(scope="module")
def notifier(stacks: Stacks) -> Iterator[LoneNotifier]:
    """The notifier alone."""
    with LoneNotifier.on(stacks, "embedded") as made:
        yield made


@pytest.fixture
def listen() -> Listen:
    """The function on the page."""
    found = re.search(r"<!-- tested: stream -->\n```python\n(.*?)```", PAGE, re.DOTALL)
    assert found
    scope: dict[str, Any] = {}
    exec(found[1], scope)
    return scope["listen"]  # type: ignore[no-any-return]


def token_of(tenant: Tenant) -> str:
    return tenant.headers["Authorization"].removeprefix("Bearer ")


async def take(events: Iterator[tuple[str, dict[str, Any]]], count: int) -> list[tuple[str, dict[str, Any]]]:
    """That many events, from a thread of their own."""
    return await asyncio.wait_for(asyncio.to_thread(lambda: list(itertools.islice(events, count))), 40)


async def tell(notifier: LoneNotifier, tenant: Tenant, count: int) -> list[str]:
    """Let so many credentials be revoked; their ids."""
    events = [revoked(tenant.id) for _ in range(count)]
    for event in events:
        await notifier.publish(event)
    return [str(event.credential_id) for event in events]


def credentials(events: list[tuple[str, dict[str, Any]]]) -> list[str]:
    return [body["data"]["credential_id"] for _, body in events]


async def test_the_python_hears_all_once_and_in_order_though_the_notifier_goes_away(
    notifier: LoneNotifier, listen: Listen
) -> None:
    tenant = notifier.tenant()
    tokens = 0

    def token() -> str:
        nonlocal tokens
        tokens += 1
        return token_of(tenant)

    events = listen(notifier.url, token)
    first = await tell(notifier, tenant, 3)
    heard = await take(events, 3)
    assert sorted(credentials(heard)) == sorted(first), "credentials have no order among them"
    notifier.stack["notifier"].stop()
    second = await tell(notifier, tenant, 2)
    waiting = asyncio.create_task(take(events, 2))
    await asyncio.sleep(1)
    notifier.stack.start("notifier")
    heard += await waiting
    assert sorted(credentials(heard[3:])) == sorted(second)
    assert tokens > 1, "a new connection asks for a token of its own"
    events.close()  # type: ignore[attr-defined]

    later = listen(notifier.url, token, heard[1][0])
    assert await take(later, 3) == heard[2:]
    later.close()  # type: ignore[attr-defined]


async def test_the_python_says_so_when_the_stream_is_not_for_it(notifier: LoneNotifier, listen: Listen) -> None:
    tenant = notifier.tenant("credentials:read")
    with pytest.raises(urllib.error.HTTPError, match="403"):
        await take(listen(notifier.url, lambda: token_of(tenant)), 1)
    with pytest.raises(urllib.error.HTTPError, match="400"):
        await take(listen(notifier.url, lambda: token_of(notifier.tenant()), "no-cursor"), 1)


async def test_the_command_prints_events_as_they_come(notifier: LoneNotifier) -> None:
    tenant = notifier.tenant()
    async with command(notifier, tenant) as lines:
        assert await anext(lines) == "retry: 2000"
        [credential] = await tell(notifier, tenant, 1)
        async for line in lines:
            if line.startswith("event:"):
                break
        assert line == "event: credential.revoked"
        body = json.loads((await anext(lines)).removeprefix("data: "))
        assert body["data"]["credential_id"] == credential


@asynccontextmanager
async def command(notifier: LoneNotifier, tenant: Tenant) -> AsyncIterator[AsyncIterator[str]]:
    """The page's curl, sent to this notifier; gives the lines it prints."""
    [told] = re.findall(r"^    (curl .*events/stream.*)$", PAGE, re.MULTILINE)
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", f"exec {told.replace('localhost:8004', notifier.url)}"),
        env={"token": token_of(tenant), "PATH": "/usr/bin:/bin"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        yield (line.decode().rstrip("\n") async for line in process.stdout)
    finally:
        process.kill()
        await process.wait()
