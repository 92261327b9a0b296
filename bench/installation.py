"""Everything on this machine: Kafka, Postgres with fsync on, the four services, a receiver."""

import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import psutil

from bench.ending import finished
from services.cli.deployment import SERVICES, process_environment, service_command
from services.cli.ports import free_ports
from services.cli.stack import Stack, StackOptions, open_stack
from tests.fixtures.kafka_broker import KafkaBroker

SETTINGS = {
    "LAUREL_WEBHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
    "LAUREL_OUTBOUND_ALLOW_NETWORKS": "127.0.0.0/8",
    "LAUREL_WEBHOOK_ENDPOINTS_EACH": "2000",
}


@dataclass(frozen=True)
class Installation:
    """Where everything is."""

    stack: Stack
    kafka: KafkaBroker
    sink: str

    def url(self, service: str) -> str:
        """A service's base URL, by address so that no name is resolved in the measurement."""
        return self.stack.deployment.url(service).replace("localhost", "127.0.0.1")

    @property
    def operator(self) -> str:
        """The operator's token."""
        return self.stack.deployment.operator_token

    def resident(self) -> dict[str, float]:
        """Resident memory of each service in MiB."""
        found = {name: process.memory_info().rss for name, process in self._processes() if name in SERVICES}
        return {name: round(size / 2**20, 1) for name, size in found.items()}

    def processor_seconds(self) -> dict[str, float]:
        """What each part has used of the processors so far, this process (the client) included."""
        found: dict[str, float] = defaultdict(float)
        for name, process in self._processes():
            with contextlib.suppress(psutil.Error):
                used = process.cpu_times()
                found[name] += used.user + used.system
                if name == "postgres":  # the connections that ended meanwhile, which its first process keeps account of
                    found[name] += used.children_user + used.children_system
        return dict(found)

    def _processes(self) -> Iterator[tuple[str, psutil.Process]]:
        here = psutil.Process()
        yield "client", here
        for process in here.children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if name := _part(process):
                    yield name, process


def _part(process: psutil.Process) -> str | None:
    if "postgres" in process.name():
        return "postgres"
    command = " ".join(process.cmdline())
    modules = {f"services.{name}.main": name for name in SERVICES} | {"kafka.Kafka": "kafka", "bench.sink": "sink"}
    return next((name for module, name in modules.items() if module in command), None)


@asynccontextmanager
async def installed() -> AsyncIterator[Installation]:
    """Start it all; ended by pid at the end, whichever way that comes."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="laurel-bench-")))
        kafka = KafkaBroker(folder / "kafka")
        stack.callback(kafka.stop)
        await finished(asyncio.to_thread(kafka.start))
        ports = free_ports()
        sink_port = free_ports()["notifier"]
        sink = subprocess.Popen([sys.executable, "-m", "bench.sink", str(sink_port)])
        stack.callback(sink.wait)
        stack.callback(sink.terminate)
        options = StackOptions(folder / "data", ports, kafka.bootstrap, SETTINGS)
        services = await finished(stack.enter_async_context(open_stack(options)))
        await services.ready()
        yield Installation(services, kafka, f"http://127.0.0.1:{sink_port}")


@asynccontextmanager
async def replica(here: Installation, service: str) -> AsyncIterator[tuple[str, int]]:
    """One more process of a service, ready and not asked anything yet: its base URL and its process id."""
    port = free_ports()[service]
    settings = {**here.stack.deployment.environment(service), "LAUREL_PORT": str(port)}
    process = subprocess.Popen(
        service_command(service), env=process_environment(settings, os.environ), stdout=subprocess.DEVNULL
    )
    try:
        url = f"http://127.0.0.1:{port}"
        async with aiohttp.ClientSession() as session:
            while not await _is_ready(session, url):
                await asyncio.sleep(0.1)
        yield url, process.pid
    finally:
        process.terminate()
        process.wait()


async def _is_ready(session: aiohttp.ClientSession, base: str) -> bool:
    try:
        async with session.get(f"{base}/readyz") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


def processor_seconds_of(pid: int) -> float:
    """What a process has used of the processors so far, all its threads, those that ended too."""
    return time.clock_gettime(~pid << 3 | 2)  # the clock of another process, by Linux's own numbering


async def metric(session: aiohttp.ClientSession, base: str, name: str) -> float:
    """The sum of a metric's samples at one service."""
    async with session.get(f"{base}/metrics") as answer:
        text = await answer.text()
    lines = [line for line in text.splitlines() if line.startswith((f"{name} ", f"{name}{{"))]
    return sum(float(line.rpartition(" ")[2]) for line in lines)
