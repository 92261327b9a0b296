"""Have schemas evaluated in a process of their own, at a bounded cost and by turns among clients."""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path
from weakref import WeakValueDictionary

import orjson
import structlog

from services.verifier.commands.schema_process import HEAD_BYTES, frame
from services.verifier.domain.evaluation import Evaluation, unusable

log = structlog.get_logger()

CPU_SECONDS = 0.5
WAIT_SECONDS = 3.0
_MODULE = "services.verifier.commands.schema_process"
_ROOT = Path(__file__).parents[3]


class Evaluator:
    """Holds the process: started when it is first needed, and again after an evaluation that ended it."""

    def __init__(self, cpu_seconds: float = CPU_SECONDS) -> None:
        self._cpu_seconds = cpu_seconds
        self._process: Process | None = None
        self._busy = asyncio.Lock()
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def evaluate(self, schema: bytes, document: bytes, client: str) -> Evaluation:
        """What a schema says of a document, both as JSON. Never raises; what takes too long is indeterminate.

        A client waits for its own evaluations, so that costly ones of one client delay others by one at a time.
        """
        turn = self._turns.setdefault(client, asyncio.Lock())
        try:
            async with asyncio.timeout(WAIT_SECONDS), turn, self._busy:
                return await self._ask(schema, document)
        except TimeoutError:
            return unusable("it was not evaluated in time", "schema-too-expensive")

    async def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def _ask(self, schema: bytes, document: bytes) -> Evaluation:
        try:
            process = await self._running()
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(frame(schema) + frame(document))
            await process.stdin.drain()
            head = await process.stdout.readexactly(HEAD_BYTES)
            said = orjson.loads(await process.stdout.readexactly(int.from_bytes(head)))
        except (asyncio.IncompleteReadError, OSError):
            await self.close()
            log.warning("schema.evaluation_ended", schema_bytes=len(schema), document_bytes=len(document))
            return unusable("evaluating it takes more time or memory than it may", "schema-too-expensive")
        except asyncio.CancelledError:
            await self.close()  # or its answer would be taken for the next one's
            raise
        return Evaluation(**{**said, "path": tuple(said["path"])})

    async def _running(self) -> Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await self._start()
        return self._process

    async def _start(self) -> Process:
        command = [sys.executable, "-m", _MODULE, str(self._cpu_seconds)]
        environment = {"PYTHONPATH": str(_ROOT)}  # and none of the service's secrets
        return await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=environment)
