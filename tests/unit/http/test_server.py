"""Stopping: nobody loses an accepted request, components end in order, and it does not last."""

import asyncio
import contextlib
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

LOOPS = ["uvloop", "asyncio"]
CLIENTS = 32
ANSWERS = 10  # that each client has had when the stop comes, however slow the machine is
PATIENCE = 60


class Served:
    """The process of served.py."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process, self.port = process, port
        self.url = f"http://127.0.0.1:{port}/"

    def stop(self) -> float:
        """Ask it to stop; gives the time."""
        self.process.send_signal(signal.SIGTERM)
        return time.monotonic()

    async def hold(self, client: httpx.AsyncClient, seconds: float) -> "asyncio.Task[httpx.Response]":
        """A request that has been accepted and is answered so many seconds after `stop`."""
        asking = asyncio.create_task(client.get(f"{self.url}held", params={"seconds": seconds}))
        async with asyncio.timeout(PATIENCE):
            while (await client.get(self.url)).json()["held"] == 0:
                await asyncio.sleep(0.01)
        return asking

    async def end(self) -> list[str]:
        """Wait for its end, which must be a good one; gives the lines it said."""
        out, _ = await asyncio.wait_for(self.process.communicate(), 12)
        assert self.process.returncode == 0
        return [line for line in out.decode().splitlines() if not line.startswith("20")]


@asynccontextmanager
async def served(*words: str) -> AsyncIterator[Served]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.unit.http.served", str(port), *words, stdout=asyncio.subprocess.PIPE
    )
    try:
        async with httpx.AsyncClient(verify=False) as client:
            for _ in range(200):
                with contextlib.suppress(httpx.ConnectError):
                    await client.get(f"http://127.0.0.1:{port}/")
                    break
                await asyncio.sleep(0.05)
        yield Served(process, port)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        process._transport.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("loop", LOOPS)
async def test_stopping_under_load_loses_no_accepted_request(loop: str) -> None:
    outcomes: Counter[str] = Counter()
    answered: Counter[int] = Counter()

    async def keep_asking(service: Served, number: int) -> None:
        headers = {} if number % 2 else {"Connection": "close"}
        async with httpx.AsyncClient(headers=headers, timeout=20, verify=False) as client:
            while True:
                try:
                    answer = await client.get(service.url, params={"seconds": 0.005})
                    outcomes[str(answer.status_code)] += 1
                    answered[number] += 1
                except httpx.ConnectError:
                    return  # refused: it never was accepted
                except httpx.TransportError as error:
                    outcomes[type(error).__name__] += 1

    async with served(loop) as service:
        clients = [asyncio.create_task(keep_asking(service, number)) for number in range(CLIENTS)]
        async with httpx.AsyncClient(timeout=20, verify=False) as client:
            slow = await service.hold(client, 1)
            async with asyncio.timeout(PATIENCE):
                while any(answered[number] < ANSWERS for number in range(CLIENTS)):
                    await asyncio.sleep(0.01)
            began = service.stop()
            await asyncio.gather(*clients)
            assert (await slow).json() == {"stopping": True}
        said = await service.end()
        assert time.monotonic() - began < 10
    assert outcomes.keys() == {"200"}, outcomes
    assert said[-4:] == ["relay stops", "consumer stops", "worker stops", "served"]


async def test_an_endless_request_is_cut_off_and_a_hanging_component_left_behind() -> None:
    async with served("uvloop", "hanging") as service:
        async with httpx.AsyncClient(timeout=20, verify=False) as client:
            endless = await service.hold(client, 60)
            began = service.stop()
            with pytest.raises(httpx.TransportError):
                await endless
        said = await service.end()
    assert 5 < time.monotonic() - began < 10
    assert said[-2:] == ["worker stops", "served"]


async def test_a_second_signal_ends_it_at_once() -> None:
    async with served("uvloop") as service:
        async with httpx.AsyncClient(timeout=20, verify=False) as client:
            endless = await service.hold(client, 60)
            began = service.stop()
            await asyncio.sleep(0.2)
            service.stop()
            with pytest.raises(httpx.TransportError):
                await endless
        assert await asyncio.wait_for(service.process.wait(), 2) == 1
        assert time.monotonic() - began < 2


async def test_an_idle_service_stops_soon_and_had_its_components_running() -> None:
    async with served("uvloop") as service:
        idle = await asyncio.open_connection("127.0.0.1", service.port)
        await asyncio.sleep(0.6)
        began = service.stop()
        said = await service.end()
        assert time.monotonic() - began < 2
        idle[1].close()
    assert said.count("relay runs") == 2, "it fell over once and was started again"
