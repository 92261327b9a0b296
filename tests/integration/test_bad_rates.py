"""One client that asks without end: it is told to wait, at little cost, and the others hardly notice."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx
import pytest

from tests.fixtures.services import Stacks
from tests.fixtures.stack import Stack
from tests.integration.surface import fault

RATE, FLOOD, AT_ONCE = 100, 10_000, 25
PATH = "/v1/institutions"


@pytest.fixture(scope="module")
def limited(stacks: Stacks) -> Iterator[Stack]:
    """The registry alone, with a limit."""
    stacks.stop_shared()
    with stacks.open("embedded", env={"LAUREL_RATE_LIMIT": str(RATE)}, start=False) as stack:
        stack.start("registry")
        yield stack


def from_address(stack: Stack, address: str) -> httpx.AsyncClient:
    """A client at an address of its own."""
    transport = httpx.AsyncHTTPTransport(local_address=address, verify=False)
    return httpx.AsyncClient(base_url=stack["registry"].url, transport=transport, timeout=30)


@dataclass(slots=True)
class Flood:
    """Requests without a pause between them, many under way on each connection."""

    port: int
    address: str
    path: str = PATH
    statuses: Counter[int] = field(default_factory=Counter)
    refusal: httpx.Response | None = None
    seconds: float = 0.0

    async def run(self, total: int, connections: int = 8) -> None:
        """All of them."""
        started = time.monotonic()
        await asyncio.gather(*(self._connection(total // connections) for _ in range(connections)))
        self.seconds = time.monotonic() - started

    async def _connection(self, requests: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(self.address, 0))
        one = f"GET {self.path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        for _ in range(requests // AT_ONCE):
            writer.write(one * AT_ONCE)
            for _ in range(AT_ONCE):
                self._count(*await read(reader))
        writer.close()

    def _count(self, head: list[str], body: bytes) -> None:
        status = int(head[0].split()[1])
        self.statuses[status] += 1
        if status == 429 and self.refusal is None:
            headers = [(name, value) for name, _, value in (line.partition(": ") for line in head[1:])]
            self.refusal = httpx.Response(status, headers=headers, content=body)


async def read(reader: asyncio.StreamReader) -> tuple[list[str], bytes]:
    """One answer: its head's lines, and its body."""
    head = (await reader.readuntil(b"\r\n\r\n"))[:-4].decode("latin-1").split("\r\n")
    length = next(line for line in head if line.lower().startswith("content-length: "))
    return head, await reader.readexactly(int(length.partition(": ")[2]))


async def ask(http: httpx.AsyncClient, times: int) -> tuple[set[int], float]:
    """What a client that asks now and then is answered, and the seconds that half of its requests took at most."""
    statuses, took = set(), []
    for _ in range(times):
        started = time.monotonic()
        statuses.add((await http.get(PATH)).status_code)
        took.append(time.monotonic() - started)
        await asyncio.sleep(0.02)
    return statuses, sorted(took)[times // 2]


async def test_a_flood_is_refused_and_another_client_is_served(limited: Stack) -> None:
    flood = Flood(limited["registry"].port, "127.0.0.2")
    async with from_address(limited, "127.0.0.3") as other:
        _, calm = await ask(other, 40)
        (statuses, busy), _ = await asyncio.gather(ask(other, 40), flood.run(FLOOD))
    assert statuses == {200}
    assert busy < 3 * calm + 0.05, f"{busy * 1000:.0f} ms instead of {calm * 1000:.0f} ms"
    assert flood.statuses.keys() == {200, 429}
    assert RATE < flood.statuses[200] <= RATE * (2 + flood.seconds) + 1, (flood.statuses, flood.seconds)


async def test_who_asks_too_fast_is_told_when_to_go_on(limited: Stack) -> None:
    flood = Flood(limited["registry"].port, "127.0.0.4")
    await flood.run(8 * RATE)
    refused = flood.refusal
    assert refused is not None
    assert fault(refused, {429}, {"too-many-requests"}) is None, refused.text
    assert refused.headers["ratelimit-policy"] == f'"default";q={2 * RATE};w=2'
    assert refused.headers["ratelimit"] == '"default";r=0;t=2'
    await asyncio.sleep(int(refused.headers["retry-after"]))
    async with from_address(limited, "127.0.0.4") as http:
        allowed = await http.get(PATH)
    assert allowed.status_code == 200
    assert allowed.headers["ratelimit-policy"] == refused.headers["ratelimit-policy"]


async def test_health_is_not_counted(limited: Stack) -> None:
    """Or a flood would take a service out of its balancer."""
    flood = Flood(limited["registry"].port, "127.0.0.5", "/readyz")
    await flood.run(4 * RATE)
    assert flood.statuses == {200: 4 * RATE}
