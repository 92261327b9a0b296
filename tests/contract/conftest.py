"""Fixtures of the bus's contract tests."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from uuid import uuid4

import pytest

from shared.bus.port import Bus, Producer, Subscription
from tests.contract.bus_support import Join


@pytest.fixture
async def topic(bus: Bus) -> str:
    """A topic of this test's own."""
    name = f"test.{uuid4().hex[:10]}"
    await bus.ensure_topics([name])
    return name


@pytest.fixture
async def producer(bus: Bus) -> AsyncIterator[Producer]:
    """A started producer."""
    made = bus.producer()
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def group() -> str:
    """A consumer group nobody knows."""
    return f"group-{uuid4().hex[:10]}"


@pytest.fixture
async def join(bus: Bus, topic: str) -> AsyncIterator[Join]:
    """`await join(group, instance)` starts a member; all are stopped at the end."""
    async with AsyncExitStack() as stack:

        async def start(group: str, instance: str = "one") -> Subscription:
            member = bus.subscribe(group, [topic], instance=instance)
            stack.push_async_callback(member.stop)
            await member.start()
            return member

        yield start
