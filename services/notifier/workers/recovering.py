"""Goes on with tasks, a batch at a time, with pauses in which the dispatcher gets at the endpoint."""

import asyncio
import contextlib
from collections.abc import Callable

import structlog

from services.notifier.commands.step_task import step_task
from shared.postgres.database import Database, Unavailable

log = structlog.get_logger()

IDLE_SECONDS = 1.0
BETWEEN_SECONDS = 0.05


class Recovering:
    """A component. `wake` tells the dispatcher that there is something to send."""

    name = "recovering"

    def __init__(self, db: Database, wake: Callable[[], None]) -> None:
        self._db, self._wake = db, wake
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Step by step until `stop`; what an outage of the database undid is done again."""
        while not self._stopping.is_set():
            pause = IDLE_SECONDS
            with contextlib.suppress(Unavailable):
                if await self._step():
                    pause = BETWEEN_SECONDS
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)

    async def stop(self) -> None:
        """No further step."""
        self._stopping.set()

    async def _step(self) -> bool:
        async with self._db.worker() as tx:
            task = await step_task(tx)
            tx.after_commit(self._wake)
        if task is not None and task.state != "running":
            log.info("task.ended", task_id=str(task.id), kind=task.kind, state=task.state, queued=task.queued)
        return task is not None
