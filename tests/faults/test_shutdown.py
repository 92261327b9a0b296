"""Stopping under load, starting in the wrong order, and going on without the others."""

import asyncio
import time

import httpx

from services.cli.deployment import SERVICES
from tests.faults import invariants
from tests.faults.load import Load
from tests.fixtures.kafka_broker import KafkaBroker
from tests.fixtures.receiver import Receiver
from tests.fixtures.services import StartStack

LATE_SECONDS = 15


async def test_sigterm_under_load_ends_in_time_and_resets_no_accepted_request(
    start_stack: StartStack, receiver: Receiver
) -> None:
    """F20: each service gets SIGTERM while 16 clients issue; refused connections are fair, cut answers are not."""
    stack = start_stack()
    async with stack.api() as api:
        load = await Load.prepare(api, receiver)
        took: dict[str, float] = {}
        async with load.running(clients=16, pause=0.01):
            for name in SERVICES:
                await asyncio.sleep(1)
                started = time.monotonic()
                assert await asyncio.to_thread(stack[name].stop, 10) == 0, name
                took[name] = time.monotonic() - started
                stack[name].start()
                await asyncio.to_thread(stack[name].wait_ready)
        cut = [problem for problem in load.problems if not problem.startswith("ConnectError")]
        assert cut == [], cut[:3]
        await invariants.end_leases(stack)
        await invariants.hold(api, stack, receiver, load.endpoint, load.answered, seconds=30)
    rounded = {name: round(seconds, 1) for name, seconds in took.items()}
    print(f"F20: exit 0 after {rounded} s; {len(load.answered)} issued, {load.outcomes['cut']} connections refused")


async def test_dependencies_that_come_late_are_waited_for(
    start_stack: StartStack, own_kafka: KafkaBroker, receiver: Receiver
) -> None:
    """F21: services start in reverse while the broker is down; they are ready, issue, and catch up when it comes."""
    stack = start_stack(kafka=own_kafka.bootstrap, start=False)
    own_kafka.kill()
    for name in reversed(SERVICES):
        stack[name].start()
    await stack.ready()
    async with stack.api() as api:
        load = await Load.prepare(api, receiver)
        async with load.running(clients=2, pause=0.2):
            await asyncio.sleep(LATE_SECONDS)
            assert set(load.outcomes) == {"201"}, load.outcomes
            await asyncio.to_thread(own_kafka.start)
        took = await invariants.hold(api, stack, receiver, load.endpoint, load.answered, seconds=40)
    assert {stack[name].exit_code for name in SERVICES} == {None}
    print(f"F21: {len(load.answered)} issued without a broker, all events through {took:.1f} s after it came")


async def test_verifying_goes_on_when_issuer_and_registry_are_gone(start_stack: StartStack, receiver: Receiver) -> None:
    """F21, second half: the verifier answers from its own store."""
    stack = start_stack()
    async with stack.api() as api:
        load = await Load.prepare(api, receiver)
        await load.issue_many(5, clients=2)
        await invariants.settle(stack, 20)
        for name in ("issuer", "registry"):
            stack.kill(name)
        for document in load.answered.values():
            assert (await api.verify(document))["verdict"] == "valid"
        stack.kill("verifier")
        stack.start("verifier")
        for document in load.answered.values():
            assert (await api.verify(document))["verdict"] == "valid"
        answer = await api.http.get(
            f"{api.urls['notifier']}/v1/endpoints", headers={"Authorization": f"Bearer {load.institution.token}"}
        )
        assert answer.status_code == httpx.codes.OK
