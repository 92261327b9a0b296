"""Waiting for what comes in its own time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from services.cli.output import UserError

WAIT_SECONDS = 60.0


async def until(ask: Callable[[], Awaitable[Any]], what: str) -> Any:
    """Ask again and again until the answer is not None. Raises UserError after a minute."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        answer = await ask()
        if answer is not None:
            return answer
        if time.monotonic() > deadline:
            raise UserError(f"waited {WAIT_SECONDS:.0f} s in vain for {what}")
        await asyncio.sleep(0.05)
