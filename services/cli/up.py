"""`laurel up`: the whole product on one machine."""

import asyncio
import signal
from collections.abc import Callable

from services.cli.deployment import SERVICES
from services.cli.output import say, table
from services.cli.stack import Stack, StackOptions, open_stack


def run(options: StackOptions) -> None:
    """Start, say `ready`, and stop at SIGINT or SIGTERM. A second signal ends the services at once."""
    asyncio.run(_up(options))


class StopSignals:
    """SIGINT and SIGTERM as something to wait for; from the second one on, `hurry` is called."""

    def __init__(self) -> None:
        self._arrived = asyncio.Event()
        self.hurry: Callable[[], None] = lambda: None
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._arrive)

    def _arrive(self) -> None:
        if self._arrived.is_set():
            self.hurry()
        self._arrived.set()

    async def wait(self) -> None:
        """Return once the first signal has come."""
        await self._arrived.wait()


async def _up(options: StackOptions) -> None:
    stop = StopSignals()
    async with open_stack(options) as stack:
        stop.hurry = stack.kill_services
        if await ready_before(stack, stop):
            show(stack)
            say("ready")
            await stop.wait()
        say("stopping")
    say("stopped")


async def ready_before(stack: Stack, stop: StopSignals) -> bool:
    """True when the stack became ready, False when it is to stop before that. Raises what `Stack.ready` raises."""
    ready, stopped = asyncio.create_task(stack.ready()), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({ready, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if ready.done():
            ready.result()
        return ready.done()
    finally:
        ready.cancel()
        stopped.cancel()


def show(stack: Stack) -> None:
    """Where everything is."""
    rows = [(name, stack.deployment.url(name), f"{stack.deployment.url(name)}/docs") for name in SERVICES]
    table(("service", "url", "API"), rows)
    bus = f"Kafka at {stack.deployment.kafka}" if stack.deployment.kafka else "embedded"
    say(f"data: {stack.data}, bus: {bus}, operator token: {stack.data / 'operator.token'}")
    say(f"letters: {stack.letters}")
