"""What bench does when it is told to end: stop what it started, in order, and go with the signal's exit code.

Without this, SIGTERM and SIGHUP ended the process on the spot, and left Postgres, Kafka and the receiver running.
"""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run `main` to its end; at the first of the signals it is cancelled. Further ones change nothing: what is being
    stopped is killed after a while by itself."""
    return asyncio.run(_cancelled_by_signals(main))


async def _cancelled_by_signals(main: Coroutine[Any, Any, T]) -> T:
    loop, task, heard = asyncio.get_running_loop(), asyncio.ensure_future(main), list[int]()

    def end(number: int) -> None:
        if not heard:
            task.cancel()
        heard.append(number)

    for number in SIGNALS:
        loop.add_signal_handler(number, end, number)
    try:
        return await task
    except asyncio.CancelledError:
        sys.exit(128 + heard[0])


async def finished(work: Awaitable[T]) -> T:
    """The result of `work`, which is waited for when this is cancelled meanwhile: what has half started cannot be
    stopped."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise


def exit_on_signals() -> None:
    """The same where no loop runs: the first signal raises SystemExit wherever the program is."""

    def end(number: int, _frame: object) -> None:
        for each in SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        sys.exit(128 + number)

    for number in SIGNALS:
        signal.signal(number, end)
