"""Clients that keep asking: closed loop, one request in flight each."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp


@dataclass(frozen=True)
class Run:
    """What `clients` got done. Latencies in milliseconds."""

    clients: int
    requests: int
    seconds: float
    p50: float
    p99: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds

    def as_json(self) -> dict[str, float]:
        """For the results file."""
        return {
            "clients": self.clients,
            "per_second": round(self.rate, 1),
            "p50_ms": round(self.p50, 2),
            "p99_ms": round(self.p99, 2),
        }


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which that share lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


async def repeat(clients: int, seconds: float, ask: Callable[[aiohttp.ClientSession, int], Awaitable[None]]) -> Run:
    """Let `clients` call `ask(session, number)` for `seconds`, after one call each to warm up."""
    latencies: list[float] = []
    numbers = iter(range(10**9))
    connector = aiohttp.TCPConnector(limit=clients)
    async with aiohttp.ClientSession(connector=connector) as session:
        await asyncio.gather(*(ask(session, next(numbers)) for _ in range(clients)))
        started = time.perf_counter()

        async def client() -> None:
            while time.perf_counter() - started < seconds:
                begun = time.perf_counter()
                await ask(session, next(numbers))
                latencies.append((time.perf_counter() - begun) * 1000)

        await asyncio.gather(*(client() for _ in range(clients)))
        elapsed = time.perf_counter() - started
    return Run(clients, len(latencies), elapsed, statistics.median(latencies), percentile(latencies, 0.99))


async def post(session: aiohttp.ClientSession, url: str, body: Any, token: str, expected: int) -> bytes:
    """POST JSON and insist on the status; gives the answer's bytes."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    data = body if isinstance(body, bytes) else None
    kwargs: dict[str, Any] = {"data": data, "headers": {**headers, "Content-Type": "application/json"}}
    if data is None:
        kwargs = {"json": body, "headers": headers}
    async with session.post(url, **kwargs) as answer:
        raw = await answer.read()
        if answer.status != expected:
            raise RuntimeError(f"{url}: {answer.status} {raw[:500]!r}")
        return raw
