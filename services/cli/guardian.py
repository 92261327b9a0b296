"""`python -m services.cli.guardian`: ends what `laurel up` started, should `laurel up` itself be killed.

It reads lines from its standard input: `service PID` and `postgres PID` when a process was started, `gone PID` when
it has ended. The end of the input is the end of `laurel up`, however that came about: whatever is still listed is
then ended in order, the services first (SIGTERM, after 12 s SIGKILL), Postgres after them (SIGINT, then SIGQUIT).
"""

import os
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path

SERVICE_GRACE = 12.0
POSTGRES_GRACE = 10.0
Started = dict[str, set[int]]


def listen(lines: Iterable[str]) -> Started:
    """Follow the messages to their end and return what is still running, by kind."""
    started: Started = {"service": set(), "postgres": set()}
    for line in lines:
        kind, _, number = line.strip().partition(" ")
        if kind == "gone":
            for pids in started.values():
                pids.discard(int(number))
        elif kind in started:
            started[kind].add(int(number))
    return started


def end(pids: set[int], polite: signal.Signals, firm: signal.Signals, grace: float) -> None:
    """Signal every process, wait up to `grace` seconds, and signal what is left once more."""
    _signal(pids, polite)
    deadline = time.monotonic() + grace
    while pids and time.monotonic() < deadline:
        time.sleep(0.05)
        pids = {pid for pid in pids if _alive(pid)}
    _signal(pids, firm)


def _signal(pids: set[int], number: int) -> set[int]:
    """Send a signal; return those that were there to get it."""
    reached = set()
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
        reached.add(pid)
    return reached


def _alive(pid: int) -> bool:
    """Whether it still runs; one that has ended may stay listed until somebody takes note (a zombie)."""
    status = Path(f"/proc/{pid}/stat")
    try:
        return bool(_signal({pid}, 0)) and not (
            status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z"
        )
    except OSError:
        return False


def main() -> None:
    """Wait for the end of the input, then end what is left."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # its only way out is the end of its input
    started = listen(sys.stdin)
    end(started["service"], signal.SIGTERM, signal.SIGKILL, SERVICE_GRACE)
    end(started["postgres"], signal.SIGINT, signal.SIGQUIT, POSTGRES_GRACE)


if __name__ == "__main__":
    main()
