"""The embedded bus by itself: its log and its groups under concurrency, its server hurt, what it costs when idle."""

import asyncio
import os
import random
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import pytest

from shared.bus.embedded import EmbeddedBus
from shared.bus.port import PARTITIONS, BusUnavailable, Record, TopicPartition
from shared.postgres.embedded import EmbeddedPostgres
from tests.contract.bus_support import eventually, polling, read, records, send, values_by_key

TOPIC = "test.events"


@pytest.fixture
async def bus(embedded_bus: EmbeddedBus) -> EmbeddedBus:
    """The bus, with TOPIC."""
    await embedded_bus.ensure_topics([TOPIC])
    return embedded_bus


@pytest.fixture
async def connection(bus: EmbeddedBus) -> AsyncIterator[asyncpg.Connection]:
    """A look into its tables."""
    opened = await asyncpg.connect(bus.url)
    yield opened
    await opened.close()


@pytest.fixture
async def own_postgres(tmp_path: Path) -> AsyncIterator[EmbeddedPostgres]:
    """A server that the test may hurt, with the database laurel_bus."""
    async with EmbeddedPostgres(tmp_path / "postgres") as server:
        await server.ensure_databases(["laurel_bus"])
        yield server


@pytest.fixture
async def hurt_bus(own_postgres: EmbeddedPostgres) -> AsyncIterator[EmbeddedBus]:
    """The bus on that server, with TOPIC."""
    made = EmbeddedBus(own_postgres.url("laurel_bus"))
    await made.ensure_topics([TOPIC])
    yield made
    await made.close()


async def test_processes_that_first_use_the_bus_at_once_make_its_tables_once(embedded_bus):
    async with AsyncExitStack() as stack:
        others = [EmbeddedBus(embedded_bus.url) for _ in range(4)]
        for other in others:
            stack.push_async_callback(other.close)
        await asyncio.gather(*(other.ensure_topics([TOPIC, f"t{n}"]) for n, other in enumerate(others)))
        await send(others[3].producer(), [Record("t0", b"k", b"v", [])])


async def test_offsets_are_dense_and_seen_in_order_while_many_append(bus):
    """A reader that goes on behind the last it saw never misses one that was slower to commit."""
    member = bus.subscribe("group", [TOPIC], instance="one")
    await member.start()
    randomness = random.Random(7)

    async def produce(number: int) -> None:
        producer = bus.producer()
        for n in range(40):
            batch = [Record(TOPIC, b"%d-%d" % (number, n), b"%d" % k, []) for k in range(randomness.randint(1, 9))]
            counts.append(len(batch))
            randomness.shuffle(batch)
            await send(producer, [*batch, Record(TOPIC, b"shared", b"%d" % number, [])])

    counts: list[int] = []
    async with polling(member) as found:
        await asyncio.gather(*(produce(number) for number in range(8)))
        total = sum(counts) + 320
        await eventually(lambda: len(found) >= total)
    offsets: dict[int, list[int]] = {}
    for record in found:
        offsets.setdefault(record.partition, []).append(record.offset)
    assert all(of_one == list(range(len(of_one))) for of_one in offsets.values())
    assert len(found) == total
    await member.stop()


async def test_batches_over_the_same_partitions_in_opposite_order_do_not_wait_for_each_other(bus):
    forward = records(TOPIC, 60, 5)
    for _ in range(5):
        batches = [forward, forward[::-1]] * 4
        await asyncio.gather(*(send(bus.producer(), batch) for batch in batches))


@pytest.mark.parametrize("members", [1, 2, 3, 5])
async def test_partitions_are_dealt_out_fairly(bus, connection, members):
    async with AsyncExitStack() as stack:
        joined = [bus.subscribe("group", [TOPIC], instance=f"{n}") for n in range(members)]
        for member in joined:
            stack.push_async_callback(member.stop)
            await member.start()
            await stack.enter_async_context(polling(member))
        held = await settled(connection)
        assert sum(held) == PARTITIONS
        assert (len(held), max(held) - min(held) <= 1) == (members, True)


async def settled(connection: asyncpg.Connection) -> list[int]:
    """How many partitions each member of "group" holds, once each has what it should have."""
    deadline = time.monotonic() + 10
    while await connection.fetchval("SELECT count(*) FROM bus_offset WHERE holder <> assigned"):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    return [row["held"] for row in await connection.fetch("SELECT count(*) AS held FROM bus_offset GROUP BY holder")]


async def test_a_member_of_more_topics_shares_each_with_those_that_have_it(bus, connection):
    """As during an update of a service that begins to listen to one topic more."""
    await bus.ensure_topics(["test.new"])
    old = bus.subscribe("group", [TOPIC], instance="old")
    new = bus.subscribe("group", [TOPIC, "test.new"], instance="new")
    await old.start()
    await new.start()
    async with polling(old) as of_old, polling(new) as of_new:
        assert sorted(await settled(connection)) == [6, 18]
        await send(bus.producer(), records(TOPIC, 48, 1) + records("test.new", 48, 1))
        await eventually(lambda: len(of_old) + len(of_new) >= 96)
    assert {record.topic for record in of_old} == {TOPIC}
    assert sum(record.topic == "test.new" for record in of_new) == 48
    await new.stop()
    await old.stop()


async def test_what_is_older_than_the_retention_is_dropped_and_missed_by_who_had_not_read_it(bus, connection):
    producer = bus.producer()
    await send(producer, [Record(TOPIC, b"k", b"%d" % n, []) for n in range(2500)])
    member = bus.subscribe("group", [TOPIC], instance="one")
    await member.start()
    batches = await member.poll(100, 1)
    [(place, batch)] = batches.items()
    await member.commit({place: batch[-1].offset + 1})
    await member.stop()
    await connection.execute("UPDATE bus_record SET at = at - interval '14 days 1 minute' WHERE \"offset\" < 2400")
    await bus.ensure_topics([TOPIC])
    assert await connection.fetchval("SELECT count(*) FROM bus_record") == 100
    await member.start()
    assert await member.expired() == {place: 2300}
    assert [int(record.value) for record in await read(member, 100)] == list(range(2400, 2500))
    assert await member.expired() == {}
    await member.stop()


async def test_a_running_member_steps_over_what_expired_under_it(bus, connection):
    member = bus.subscribe("group", [TOPIC], instance="one")
    await member.start()
    await send(bus.producer(), [Record(TOPIC, b"k", b"%d" % n, []) for n in range(10)])
    await connection.execute("UPDATE bus_record SET at = at - interval '15 days' WHERE \"offset\" < 7")
    await bus.expire()
    assert [int(record.value) for record in await read(member, 3)] == [7, 8, 9]
    await member.stop()


async def test_an_idle_member_costs_a_handful_of_statements_a_second(bus, connection):
    """The services of an idle `laurel up` must not keep the machine busy."""
    member = bus.subscribe("group", [TOPIC], instance="one")
    await member.start()
    async with polling(member, 0.5):
        await asyncio.sleep(2)
        used = "SELECT sum(xact_commit) FROM pg_stat_database WHERE datname = current_database()"
        await connection.execute("SELECT pg_stat_force_next_flush()")
        before = await connection.fetchval(used)
        await asyncio.sleep(3)
        await connection.execute("SELECT pg_stat_force_next_flush()")
        assert await connection.fetchval(used) - before <= 4 * 3 + 3
    await member.stop()


async def test_without_its_notifications_records_come_by_polling_and_they_come_back(bus, connection):
    member = bus.subscribe("group", [TOPIC], instance="one")
    await member.start()
    async with polling(member) as found:
        await asyncio.sleep(0.5)
        listening = (
            "SELECT pid FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'laurel-bus-wakeups'"
        )
        [row] = await connection.fetch(listening)
        await connection.execute("SELECT pg_terminate_backend($1)", row["pid"])
        await send(bus.producer(), records(TOPIC, 10, 1))
        await eventually(lambda: len(found) == 10, seconds=2)
        await eventually_listening(connection, listening)
    await member.stop()


async def eventually_listening(connection: asyncpg.Connection, statement: str) -> None:
    deadline = time.monotonic() + 5
    while not await connection.fetch(statement):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


async def test_records_and_offsets_survive_a_crash_of_the_server_and_clients_go_on(own_postgres, hurt_bus):
    producer, member = hurt_bus.producer(), hurt_bus.subscribe("group", [TOPIC], instance="one")
    await member.start()
    await send(producer, records(TOPIC, 24, 1))
    await read(member, 24)
    os.kill(own_postgres.pid, signal.SIGQUIT)
    await asyncio.sleep(0.2)
    with pytest.raises(BusUnavailable):
        await member.poll(10, 0.1)
    assert isinstance((await producer.send_all(records(TOPIC, 1, 1), 5))[0], BusUnavailable)
    await own_postgres.start()
    await send(producer, [Record(TOPIC, b"key-0", b"1", [])])
    assert [record.value for record in await read(member, 1)] == [b"1"]
    await member.stop()


async def test_a_frozen_server_holds_up_nothing_for_ever(own_postgres, hurt_bus):
    producer, member = hurt_bus.producer(), hurt_bus.subscribe("group", [TOPIC], instance="one")
    await member.start()
    await send(producer, records(TOPIC, 24, 1))
    await read(member, 24, commit=False)
    family = await server_processes(own_postgres)
    for pid in family:
        os.kill(pid, signal.SIGSTOP)
    try:
        started = time.monotonic()
        work = [member.commit({TopicPartition(TOPIC, 0): 1}), member.poll(10, 1), hurt_bus.ensure_topics([TOPIC])]
        outcomes = await asyncio.gather(*work, producer.send_all(records(TOPIC, 1, 1), 2), return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [*[BusUnavailable] * 3, list]
        assert isinstance(outcomes[3][0], BusUnavailable)
        assert time.monotonic() - started < 6
        started = time.monotonic()
        await member.stop()
        await producer.stop()
        assert time.monotonic() - started < 2.5
    finally:
        for pid in family:
            os.kill(pid, signal.SIGCONT)
    await send(producer, records(TOPIC, 1, 1))


async def server_processes(server: EmbeddedPostgres) -> list[int]:
    """The postmaster and all it started."""
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    return [server.pid, *map(int, children)]


async def test_order_holds_while_members_come_and_go(bus):
    """Each second another member joins or leaves; nothing is lost and each key's first occurrences stay in order."""
    async with AsyncExitStack() as stack:
        permanent = bus.subscribe("group", [TOPIC], instance="permanent")
        await permanent.start()
        stack.push_async_callback(permanent.stop)
        found = await stack.enter_async_context(polling(permanent))
        visitors = []
        for round_ in range(6):
            visitor = bus.subscribe("group", [TOPIC], instance="visitor")
            await visitor.start()
            async with polling(visitor) as seen:
                await send(bus.producer(), [Record(TOPIC, b"%d" % k, b"%d" % round_, []) for k in range(60)])
                await asyncio.sleep(0.6)
            visitors += seen
            await visitor.stop()
        await eventually(lambda: len({(r.key, r.value) for r in [*found, *visitors]}) == 360)
    for of_one in (found, visitors):
        for values in values_by_key(of_one).values():
            first = list(dict.fromkeys(values))
            assert first == sorted(first)
