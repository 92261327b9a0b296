"""What every bus promises of consumer groups (shared/bus/port.py), on both adapters. What dies is a real process."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from uuid import uuid4

import pytest

from shared.bus.port import Bus, Record
from tests.contract.bus_support import MemberProcess, eventually, polling, read, records, send

Spawn = Callable[..., Awaitable[MemberProcess]]


@pytest.fixture
async def spawn(bus: Bus, topic: str) -> AsyncIterator[Spawn]:
    """`await spawn(group, instance)` starts a member in a process of its own; all are killed at the end."""
    async with AsyncExitStack() as stack:

        async def start(group: str, instance: str = "one") -> MemberProcess:
            member = await MemberProcess.start(bus, topic, group, instance)
            stack.push_async_callback(member.kill)
            return member

        yield start


async def test_without_a_commit_records_come_again_after_a_crash(join, spawn, producer, topic, group):
    await send(producer, records(topic, 10, 10))
    crashed = await spawn(group)
    await crashed.read(100)
    await crashed.kill()
    again = await read(await join(group), 100)
    assert len({(record.partition, record.offset) for record in again}) == 100


async def test_after_a_commit_the_restarted_member_goes_on_behind_it(join, producer, topic, group):
    await send(producer, records(topic, 10, 10))
    member = await join(group)
    await read(member, 100)
    await member.stop()
    await send(producer, [Record(topic, b"key-0", b"10", [])])
    member = await join(group)
    assert [record.value for record in await read(member, 1)] == [b"10"]
    assert await member.poll(10, 0.5) == {}


async def test_an_instance_that_comes_back_from_a_kill_takes_its_place_at_once(join, spawn, producer, topic, group):
    """Its membership is still alive then, and nobody waits for the end of it."""
    await send(producer, records(topic, 24, 1))
    killed = await spawn(group)
    await killed.read(24)
    assert await killed.commit() == "committed"
    await killed.kill()
    await send(producer, [Record(topic, f"key-{key}".encode(), b"1", []) for key in range(24)])
    started = time.monotonic()
    found = await read(await join(group), 24)
    assert {record.value for record in found} == {b"1"}
    assert time.monotonic() - started < 2


async def test_every_group_gets_every_record(join, producer, topic):
    await send(producer, records(topic, 10, 10))
    groups = [await join(f"group-{uuid4().hex[:10]}") for _ in range(3)]
    for member in groups:
        assert len(await read(member, 100)) == 100


async def test_members_of_a_group_share_the_partitions_and_take_over_from_one_that_leaves(join, producer, topic, group):
    one, two = await asyncio.gather(join(group, "one"), join(group, "two"))
    async with polling(one) as of_one, polling(two) as of_two:

        async def both_have_some() -> bool:
            before = len(of_one), len(of_two)
            await send(producer, records(topic, 48, 1))
            await asyncio.sleep(0.5)
            return len(of_one) > before[0] and len(of_two) > before[1]

        deadline = time.monotonic() + 20
        while not await both_have_some():
            assert time.monotonic() < deadline
        del of_one[:], of_two[:]
        await send(producer, records(topic, 48, 1))
        await eventually(lambda: len(of_one) + len(of_two) >= 48)
        partitions = {record.partition for record in of_one}, {record.partition for record in of_two}
        assert not partitions[0] & partitions[1]
        assert min(len(partitions[0]), len(partitions[1])) >= 3
    async with polling(one) as of_one:
        await two.stop()
        await send(producer, records(topic, 48, 1))
        await eventually(lambda: len(of_one) >= 48)


async def test_a_member_that_died_loses_its_partitions_within_seconds(join, spawn, producer, topic, group):
    """Nobody of its name comes back."""
    alive = await join(group, "alive")
    async with polling(alive) as found:
        dead = await spawn(group, "dead")
        reading = asyncio.create_task(dead.read(1))
        while not reading.done():  # until it has partitions
            await send(producer, records(topic, 48, 1))
            await asyncio.sleep(0.2)
        await dead.kill()
        found.clear()
        await send(producer, records(topic, 48, 1))
        await eventually(lambda: len({record.key for record in found}) == 48, seconds=20)


async def test_a_frozen_member_loses_its_partitions_and_its_late_commit_raises_commit_lost(
    join, spawn, producer, topic, group
):
    await send(producer, records(topic, 48, 1))
    frozen = await spawn(group, "frozen")
    await frozen.read(48)
    os.kill(frozen.pid, signal.SIGSTOP)
    successor = await join(group, "successor")
    async with polling(successor) as found:
        await eventually(lambda: len(found) == 48, seconds=20)
        os.kill(frozen.pid, signal.SIGCONT)
        assert await frozen.commit() == "CommitLost"


async def test_the_commit_of_a_replaced_member_raises_commit_lost_and_changes_nothing(
    join, spawn, producer, topic, group
):
    await send(producer, records(topic, 48, 1))
    replaced = await spawn(group)
    await replaced.read(48)
    successor = await join(group)
    await read(successor, 48)
    await send(producer, records(topic, 48, 1))
    await read(successor, 48)
    assert await replaced.commit() == "CommitLost"
    await replaced.kill()
    await successor.stop()
    assert await (await join(group)).poll(10, 1) == {}, "the late commit took something back"
