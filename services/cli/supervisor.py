"""Keeps one service process running until it is asked to stop, and sees to it that none outlives its supervisor."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from services.cli.deployment import process_environment, service_command
from services.cli.guardian import SERVICE_GRACE

FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0
STABLE_SECONDS = 60.0  # a service that ran this long starts again without having to wait longer than the first time


class Guardian:
    """The line to `services.cli.guardian`, which holds the descriptors `keep_open` (a lock) while it lives."""

    def __init__(self, keep_open: Sequence[int] = ()) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "services.cli.guardian"],
            stdin=subprocess.PIPE,
            env=process_environment({}, os.environ),
            pass_fds=keep_open,
            start_new_session=True,  # a Ctrl-C in the terminal is not for it
        )

    def watch(self, kind: str, pid: int) -> None:
        """End process `pid` should this process be killed; `kind` is `service` or `postgres`."""
        self._tell(f"{kind} {pid}")

    def forget(self, pid: int) -> None:
        """Process `pid` has ended; its number may come to mean another."""
        self._tell(f"gone {pid}")

    def dismiss(self) -> None:
        """End the guardian, which first ends whatever is still watched."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait()

    def _tell(self, message: str) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # somebody killed it; the services are still ours to stop
            self._process.stdin.write(f"{message}\n".encode())
            self._process.stdin.flush()


class Supervised:
    """One service: `run()` starts it, and again after each crash with a growing wait, until `stop()`."""

    def __init__(
        self, name: str, environment: Mapping[str, str], log: Path, guardian: Guardian, say: Callable[[str], None]
    ) -> None:
        self.name = name
        self.log = log
        self.crashes = 0
        self._environment = process_environment(environment, os.environ)
        self._guardian = guardian
        self._say = say
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Return only after `stop()`, when the process has ended."""
        wait = FIRST_WAIT
        while not self._stopping.is_set():
            began = time.monotonic()
            code = await self._run_once()
            if self._stopping.is_set():
                return
            self.crashes += 1
            wait = FIRST_WAIT if time.monotonic() - began > STABLE_SECONDS else wait
            self._say(f"{self.name} ended ({describe_exit(code)}); starting it again in {wait:.1f} s; log: {self.log}")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), wait)
            wait = min(wait * 2, LONGEST_WAIT)

    async def stop(self) -> None:
        """Ask the process to end (SIGTERM), wait at most 12 s, then kill it."""
        self._stopping.set()
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), SERVICE_GRACE)
        except TimeoutError:
            self._say(f"{self.name} did not end within {SERVICE_GRACE:.0f} s and is killed")
            self.kill()
            await process.wait()

    def kill(self) -> None:
        """End the process at once."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    def last_lines(self, count: int = 5) -> str:
        """The end of the service's log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:])

    async def _run_once(self) -> int:
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *service_command(self.name),
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # a Ctrl-C in the terminal reaches it once, from here
            )
        self._guardian.watch("service", self._process.pid)
        try:
            return await self._process.wait()
        finally:
            if self._process.returncode is not None:
                self._guardian.forget(self._process.pid)


def describe_exit(code: int) -> str:
    """An exit code in words: `exit code 1`, `killed by SIGKILL`."""
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
