"""`laurel up` as people use it: it comes up, comes back with everything in it, and leaves nothing behind."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from services.cli.deployment import REPOSITORY, SERVICES
from services.cli.ports import free_ports
from tests.fixtures.api import Api
from tests.fixtures.services import Stacks

READY_SECONDS = 60.0


class Up:
    """One running `laurel up`."""

    def __init__(self, data: Path, ports: dict[str, int], *options: str) -> None:
        chosen = [text for name, port in ports.items() for text in (f"--{name}-port", str(port))]
        self.data = data
        self.urls = {name: f"http://localhost:{port}" for name, port in ports.items()}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "services", "up", "--data", str(data), *chosen, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=REPOSITORY,
            env={**os.environ, "LAUREL_LOG_LEVEL": "info"},
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            for line in output:
                self.lines.append(line.rstrip())

    def wait_for(self, pattern: str, seconds: float = READY_SECONDS) -> str:
        """The first line printed that matches."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for line in self.lines:
                if re.search(pattern, line):
                    return line
            assert self.process.poll() is None or self._reader.is_alive() or pattern in "\n".join(self.lines), (
                self.lines
            )
            time.sleep(0.05)
        raise AssertionError(f"no line {pattern!r} within {seconds} s:\n" + "\n".join(self.lines))

    def family(self) -> list[psutil.Process]:
        """Every process started by it."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def service(self, name: str) -> psutil.Process:
        """A service's process."""
        return next(one for one in self.family() if f"services.{name}.main" in one.cmdline())

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Ask it to stop; its exit code."""
        self.process.send_signal(number)
        code = self.process.wait(30)
        self.join()
        return code

    def join(self) -> None:
        """Wait until all it printed is in `lines`."""
        self._reader.join(20)

    @property
    def operator_token(self) -> str:
        """From the file it made."""
        return (self.data / "operator.token").read_text().strip()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A directory outside pytest's own, which other runs of pytest close to the account Postgres runs as."""
    with tempfile.TemporaryDirectory(prefix="laurel-up-") as path:
        yield Path(path)


@pytest.fixture
def up(folder: Path) -> Iterator[Callable[..., Up]]:
    """Starts `laurel up` in the test's directory, on ports that stay the same, and ends whatever is left."""
    ports = free_ports()
    started: list[Up] = []

    def start(data: Path = folder / "data") -> Up:
        started.append(Up(data, ports))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.stop()
        one.join()


def all_gone(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Those still running after `seconds`; a zombie has ended."""
    deadline = time.monotonic() + seconds
    while True:
        left = [one for one in processes if is_alive(one)]
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.05)


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def test_everything_is_there_again_after_a_stop(up: Callable[..., Up]) -> None:
    first = up()
    first.wait_for("^ready$")
    assert f"letters: written to {first.data / 'mail'}, shown by laurel mail --data {first.data}" in first.lines
    family = first.family()
    async with Api.open(first.urls, first.operator_token) as api:
        institution = await api.institution()
        issued = await api.issue(institution, await api.achievement(institution))
        await api.registered(issued["id"])
    assert first.stop() == 0
    assert first.lines[-1] == "stopped"
    assert all_gone(family, 1) == []
    assert not any("\x1b" in line for line in first.lines), "no colours where nobody can see them"

    second = up()
    second.wait_for("^ready$")
    async with Api.open(second.urls, second.operator_token) as api:
        assert await api.registered(issued["id"]) == issued["credential"]
        assert (await api.verify(issued["credential"]))["verdict"] == "valid"
        await api.token(institution.client_id, institution.client_secret)
    assert second.stop(signal.SIGTERM) == 0


async def test_events_can_go_through_kafka_instead(folder: Path, stacks: Stacks) -> None:
    address = stacks.fresh_kafka()
    running = Up(folder / "data", free_ports(), "--bus", "kafka", "--kafka", address)
    try:
        running.wait_for("^ready$")
        running.wait_for(f"bus: Kafka at {address}")
        async with Api.open(running.urls, running.operator_token) as api:
            institution = await api.institution()
            issued = await api.issue(institution, await api.achievement(institution))
            assert await api.registered(issued["id"]) == issued["credential"]
    finally:
        code = running.stop()
    assert code == 0


def test_a_second_one_and_a_port_in_use_are_refused_in_one_line(up: Callable[..., Up], folder: Path) -> None:
    first = up()
    first.wait_for("^ready$")
    same_ports = up(folder / "other")
    assert same_ports.process.wait(20) == 1
    same_ports.wait_for(r"port \d+ is in use; choose another with --issuer-port", 5)
    same_directory = Up(folder / "data", free_ports())
    assert same_directory.process.wait(20) == 1
    same_directory.wait_for(rf"in use by another `laurel up` \(process {first.process.pid}\)", 5)
    assert not any("Traceback" in line for line in same_ports.lines + same_directory.lines)
    assert all(httpx.get(f"{url}/readyz", verify=False).status_code == 200 for url in first.urls.values())


def test_a_crashed_service_is_started_again_and_said_so(up: Callable[..., Up]) -> None:
    running = up()
    running.wait_for("^ready$")
    before = running.service("registry")
    before.kill()
    running.wait_for(r"registry ended \(killed by SIGKILL\); starting it again")
    deadline = time.monotonic() + 20
    while not answers_ready(running.urls["registry"]):
        assert time.monotonic() < deadline, running.lines
        time.sleep(0.1)
    assert running.service("registry").pid != before.pid


def test_nothing_outlives_it_when_it_is_killed(up: Callable[..., Up]) -> None:
    first = up()
    first.wait_for("^ready$")
    family = first.family()
    assert len(family) >= len(SERVICES) + 2  # the services, Postgres and the guardian
    first.process.kill()
    first.process.wait()
    again = up()  # waits until the guardian of the first has ended everything
    again.wait_for("^ready$")
    assert all_gone(family, 0) == []
    assert again.stop() == 0


def test_a_signal_before_it_is_ready_stops_it_too(up: Callable[..., Up]) -> None:
    early = up()
    deadline = time.monotonic() + 20
    while not (early.data / "logs/issuer.log").exists():
        assert time.monotonic() < deadline, early.lines
        time.sleep(0.02)
    family = early.family()
    assert early.stop() == 0
    assert "ready" not in early.lines
    assert all_gone(family, 1) == []


def answers_ready(url: str) -> bool:
    with contextlib.suppress(httpx.HTTPError, socket.error):
        return httpx.get(f"{url}/readyz", verify=False).status_code == 200
    return False
