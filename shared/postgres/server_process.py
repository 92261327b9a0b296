"""The operating system's side of the embedded Postgres: the account it runs as, its port, and ending it by pid."""

import contextlib
import os
import pwd
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

STOP_SECONDS = 10.0


def account() -> str | None:
    """Postgres refuses to run as root; root therefore runs it as `postgres` where that account exists, or `nobody`."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in names)


def run_as(account: str | None) -> dict[str, Any]:
    """The arguments of `subprocess` that make a process run as `account`; None is this process's own."""
    if account is None:
        return {}
    return {"user": account, "group": pwd.getpwnam(account).pw_gid, "extra_groups": []}


def let_through(path: Path) -> None:
    """Let the other account traverse (not list) the way to `path`."""
    for directory in (path, *path.parents):
        mode = directory.stat().st_mode
        if not mode & 0o001:
            directory.chmod(mode | 0o001)


def is_free(port: int) -> bool:
    """Whether a server can listen on this port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def end(process: subprocess.Popen[bytes]) -> None:
    """Stop a postmaster and wait for its end: fast, else immediately, else by force, 10 s for each."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
            return


def end_leftover(cluster: Path) -> None:
    """End the server that a killed predecessor left running here.

    A lock file whose process number now belongs to another program is removed, because Postgres would refuse to start.
    """
    lock = cluster / "postmaster.pid"
    try:
        pid = int(lock.read_text().split()[0])
        os.kill(pid, 0)
    except (FileNotFoundError, ProcessLookupError, IndexError):
        return  # Postgres itself clears what a dead process left, and watches for its orphaned backends
    if str(cluster) not in _command_of(pid):
        lock.unlink()
        return
    deadline = time.monotonic() + STOP_SECONDS
    os.kill(pid, signal.SIGINT)
    while lock.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    if lock.exists():
        os.kill(pid, signal.SIGQUIT)


def _command_of(pid: int) -> str:
    listing = Path(f"/proc/{pid}/cmdline")
    if listing.exists():
        return listing.read_bytes().replace(b"\0", b" ").decode(errors="replace")
    shown = subprocess.run(["ps", "-p", str(pid), "-o", "command="], capture_output=True, text=True)  # noqa: S603, S607 - a number
    return shown.stdout
