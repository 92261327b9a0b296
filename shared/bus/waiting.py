"""Waits that end, whatever is waited for."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import structlog

log = structlog.get_logger()


async def bounded(work: Awaitable[Any], seconds: float) -> bool:
    """Wait for a clean-up at most `seconds`, whatever it raises; tells whether it succeeded by then.

    Not `wait_for`: that waits for what it cancelled, and a cancelled clean-up may hang too.
    """
    task = asyncio.ensure_future(work)
    await asyncio.wait({task}, timeout=seconds)
    if not task.done():
        task.cancel()
        task.add_done_callback(lambda late: late.cancelled() or late.exception())
        return False
    if task.cancelled():
        return False
    if (error := task.exception()) is not None:
        log.debug("bus.close_failed", error=type(error).__name__)
    return error is None
