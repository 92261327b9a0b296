"""Services that die by SIGKILL: at random, at chosen socket writes, and between a webhook's POST and its record."""

import asyncio
import random
import signal
import sys
import time
from collections import Counter
from pathlib import Path

from services.cli.deployment import SERVICES
from tests.faults import invariants
from tests.faults.load import Load
from tests.fixtures.receiver import Receiver
from tests.fixtures.services import StartStack
from tests.fixtures.stack import Stack

RETRIES = {"LAUREL_WEBHOOK_SCHEDULE": ",".join(["1"] * 40)}
KILLER = Path(__file__).with_name("killer.py")
# The writes of a process after which it dies, before (b) or after (a) they leave. The issuer's first ten or so are the
# issuing transaction, its answer and the relay's pass; the others' are their consumer's batch, relay and dispatcher.
FATAL = {
    "issuer": [*((n, mode) for n in range(1, 7) for mode in "ba"), *((n, "a") for n in (8, 10, 12, 15, 20, 30, 40))],
    "registry": [(1, "a"), (2, "b"), (3, "a"), (5, "a"), (8, "a"), (12, "a")],
    "notifier": [(1, "a"), (2, "a"), (4, "b"), (6, "a"), (9, "a"), (12, "a")],
    "verifier": [(1, "a"), (3, "b")],
}

STALL = (
    "CREATE FUNCTION stall() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM pg_sleep(3600); RETURN new; END$$",
    "CREATE TRIGGER stall BEFORE INSERT ON attempt FOR EACH ROW EXECUTE FUNCTION stall()",
)


async def test_random_kills_of_all_four_lose_and_double_nothing(start_stack: StartStack, receiver: Receiver) -> None:
    """F2: 1,000 issues by 16 clients while services are killed at random."""
    stack = start_stack(env=RETRIES)
    async with stack.api() as api:
        load = await Load.prepare(api, receiver)
        work = asyncio.create_task(load.issue_many(1000, clients=16, pause=0.1))
        killed = await kill_at_random(stack, work, random.Random(20))
        await work
        assert load.outcomes["cut"] > 0, "the issuer was never killed under load"
        await stack.ready()
        await invariants.end_leases(stack)
        took = await invariants.hold(api, stack, receiver, load.endpoint, load.answered, seconds=30)
        assert len(load.answered) == 1000
        await load.repeat(random.Random(20).sample(sorted(load.keys), 50))
    print(f"F2: kills {dict(killed)}, answers {dict(load.outcomes)}, settled in {took:.1f} s")


async def kill_at_random(stack: Stack, work: "asyncio.Task[None]", chance: random.Random) -> Counter[str]:
    """SIGKILL service after service, in rounds of a random order, each started again at once, until `work` is done."""
    killed: Counter[str] = Counter()
    while not work.done():
        for name in chance.sample(sorted(SERVICES), len(SERVICES)):
            await asyncio.sleep(chance.uniform(0.2, 1.0))
            stack.kill(name)
            killed[name] += 1
            await asyncio.sleep(chance.uniform(0, 0.3))
            stack[name].start()
        for service in stack.services.values():
            await asyncio.to_thread(service.wait_ready)
    return killed


async def test_death_at_a_write_is_made_good_wherever_it_happens(
    start_stack: StartStack, receiver: Receiver, tmp_path: Path
) -> None:
    """F1: each service in turn dies at its N-th socket write after the client's request, and is started again."""
    orders = {name: tmp_path / f"{name}.order" for name in SERVICES}
    wrappers = {name: [sys.executable, str(KILLER), str(order)] for name, order in orders.items()}
    stack = start_stack(env={**RETRIES, "LAUREL_UVLOOP": "off"}, wrappers=wrappers)
    deaths: Counter[str] = Counter()
    async with stack.api() as api:
        load = await Load.prepare(api, receiver)
        await load.issue()
        for name, writes in FATAL.items():
            for number, mode in writes:
                orders[name].write_text(f"{number} {mode}")
                stack.kill(name, signal.SIGUSR1)
                deaths[name] += await die_and_return(stack, name, load)
            stack.kill(name)
            stack[name].start()
        await stack.ready()
        await invariants.end_leases(stack)
        took = await invariants.hold(api, stack, receiver, load.endpoint, load.answered, seconds=15)
    assert deaths == {name: len(writes) for name, writes in FATAL.items()}
    print(f"F1: deaths {dict(deaths)}, answers {dict(load.outcomes)}, settled in {took:.1f} s")


async def die_and_return(stack: Stack, name: str, load: Load) -> bool:
    """Issue until the death that was ordered, for at most 10 s, then start the service again; tells whether it died."""
    orders_end = time.monotonic() + 10
    work = asyncio.create_task(load.issue())
    while stack[name].exit_code is None and time.monotonic() < orders_end:
        if work.done():
            await work
            work = asyncio.create_task(load.issue())
        await asyncio.sleep(0.01)
    died = stack[name].exit_code == -signal.SIGKILL
    if died:
        stack[name].start()
        await asyncio.to_thread(stack[name].wait_ready)
    await asyncio.wait_for(work, 30)
    return died


async def test_a_dispatcher_that_dies_between_sending_and_recording_sends_again(
    start_stack: StartStack, receiver: Receiver
) -> None:
    """F18: the platform has the message, the notifier does not know; it sends again, same id, next number."""
    stack = start_stack(env=RETRIES)
    async with stack.api() as api:
        load = await Load.prepare(api, receiver)
        for statement in STALL:
            await invariants.rows(stack, "notifier", statement)
        await load.issue()
        await receiver.wait(load.endpoint.name, 1)
        asleep = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"
        while not await invariants.rows(stack, "notifier", asleep):
            await asyncio.sleep(0.05)
        stack.kill("notifier")
        first = {delivery.message_id for delivery in await receiver.received(load.endpoint.name)}
        await invariants.rows(stack, "notifier", f"SELECT pg_terminate_backend(pid) FROM ({asleep}) AS stalled")
        await invariants.rows(stack, "notifier", "DROP TRIGGER stall ON attempt")
        await asyncio.to_thread(stack.start, "notifier")
        await invariants.end_leases(stack)
        await invariants.hold(api, stack, receiver, load.endpoint, load.answered, seconds=15)
        again = Counter(delivery.message_id for delivery in await receiver.received(load.endpoint.name))
        assert first
        assert all(again[message] == 2 for message in first), again
        for message in first:
            url = f"{api.urls['notifier']}/v1/messages/{message}/attempts"
            attempts = (await api.http.get(url, headers=load.institution.headers)).json()["items"]
            told = sorted((attempt["number"], attempt["error"], attempt["status"]) for attempt in attempts)
            assert told == [(1, "interrupted", None), (2, None, 200)]
