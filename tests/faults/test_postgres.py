"""The issuer's Postgres dies, freezes, and loses the connection between a COMMIT and its answer."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psutil
import pytest

from shared.postgres.embedded import EmbeddedPostgres
from tests.faults import invariants
from tests.faults.load import Load
from tests.faults.proxy import Proxy, proxied
from tests.fixtures.receiver import Receiver
from tests.fixtures.services import StartStack
from tests.fixtures.stack import Stack

COUNT = "SELECT count(*) FROM credential"
CUTS = [*range(1, 60, 6), *range(60, 600, 30), *range(600, 1500, 100)]


@pytest.fixture
async def own_postgres(tmp_path: Path) -> AsyncIterator[EmbeddedPostgres]:
    """A server of the test's own, as durable as a real one."""
    async with EmbeddedPostgres(tmp_path / "postgres") as server:
        await server.ensure_databases(["issuer"])
        yield server


def give_issuer(stack: Stack, server: EmbeddedPostgres, port: int | None = None) -> None:
    """Let the issuer keep its data in `server`; its own login goes by `port`, that of a proxy, where one is given."""
    owner = server.url("issuer")
    login = urlunsplit(
        urlsplit(owner)._replace(netloc=f"laurel_fault:laurel-fault-password@127.0.0.1:{port or server.port}")
    )
    given = stack["issuer"].environment
    stack["issuer"].environment = {**given, "LAUREL_DATABASE_URL": login, "LAUREL_DATABASE_OWNER_URL": owner}


async def test_an_immediate_stop_under_load_costs_503_and_no_answered_commit(
    own_postgres: EmbeddedPostgres, start_stack: StartStack, receiver: Receiver
) -> None:
    """F5: five seconds without the issuer's database."""
    stack = start_stack(start=False)
    give_issuer(stack, own_postgres)
    stack.start()
    async with stack.api() as api:
        load = await Load.prepare(api, receiver)
        async with load.running(clients=8, pause=0.01):
            await asyncio.sleep(3)
            os.kill(own_postgres.pid, signal.SIGQUIT)
            await asyncio.sleep(5)
            await own_postgres.start()
            back = time.monotonic()
            await load.issue()
            recovery = time.monotonic() - back
            await asyncio.sleep(2)
        took = await invariants.hold(api, stack, receiver, load.endpoint, load.answered, seconds=30)
    print(f"F5: answers {dict(load.outcomes)}, first success {recovery:.1f} s after the start, settled in {took:.1f} s")
    assert set(load.outcomes) == {"201", "503"}, load.outcomes


async def test_a_frozen_postgres_is_answered_for_in_time_and_forgotten_at_once(
    own_postgres: EmbeddedPostgres, start_stack: StartStack, receiver: Receiver
) -> None:
    """F6: 20 s of SIGSTOP for the postmaster and every backend."""
    stack = start_stack(start=False)
    give_issuer(stack, own_postgres)
    stack.start()
    async with stack.api() as api:
        load = await Load.prepare(api, receiver)
        async with load.running(clients=8, pause=0.05):
            await asyncio.sleep(2)
            postmaster = psutil.Process(own_postgres.pid)
            frozen = [postmaster, *postmaster.children(recursive=True)]
            for process in frozen:
                process.suspend()
            try:
                await asyncio.sleep(20)
            finally:
                for process in frozen:
                    process.resume()
            back, before = time.monotonic(), len(load.answered)
            while len(load.answered) == before:
                await asyncio.sleep(0.02)
            recovery = time.monotonic() - back
        await invariants.hold(api, stack, receiver, load.endpoint, load.answered, seconds=30)
    print(f"F6: answers {dict(load.outcomes)}, slowest call {max(load.seconds):.1f} s, recovery {recovery:.2f} s")
    assert load.outcomes["503"] > 0
    assert set(load.outcomes) == {"201", "503"}, load.outcomes
    assert max(load.seconds) <= 10
    assert recovery <= 2


async def test_a_commit_whose_answer_was_lost_is_found_by_its_key(
    own_postgres: EmbeddedPostgres, start_stack: StartStack, receiver: Receiver
) -> None:
    """F7: the connection is cut so many bytes into Postgres's answers, for every place that there is in a request."""
    async with proxied("127.0.0.1", own_postgres.port) as proxy:
        stack = start_stack(start=False)
        give_issuer(stack, own_postgres, proxy.port)
        await asyncio.to_thread(stack.start)
        async with stack.api() as api:
            load = await Load.prepare(api, receiver)
            await load.issue()
            found = 0
            for cut in CUTS:
                proxy.cut_answers_after(cut)
                found += await committed_unanswered(stack, proxy, load, f"cut-{cut}")
            proxy.lose_commit_of = b"cut-at-commit"
            certain = await committed_unanswered(stack, proxy, load, "cut-at-commit")
            assert certain == 1, "the answer to the COMMIT was not lost"
            await invariants.hold(api, stack, receiver, load.endpoint, load.answered, seconds=20)
    print(f"F7: answers {dict(load.outcomes)}, committed without an answer {found + certain} times")


async def committed_unanswered(stack: Stack, proxy: Proxy, load: Load, key: str) -> int:
    """Try under trouble, then without. 1 where the first left a credential unanswered: the second must find it."""
    before = await invariants.value(stack, "issuer", COUNT)
    first = await load.try_once(key)
    proxy.cut_after = proxy.lose_commit_of = None
    await asyncio.sleep(0.05)  # the server may be in the midst of the commit
    kept = int(await invariants.value(stack, "issuer", COUNT) - before)
    made = await load.issue(key)
    assert await invariants.value(stack, "issuer", COUNT) - before == 1
    if first is None or first.status_code != 201:
        return kept
    assert made == first.json()["id"]
    return 0
