"""One service without the others: started alone on a bus that the test itself puts events on."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import uuid4

import httpx

from shared.bus.embedded import EmbeddedBus
from shared.bus.kafka import KafkaBus
from shared.bus.port import Bus
from shared.credentials import did_web
from tests.fixtures.services import Stacks
from tests.fixtures.stack import Stack
from tests.integration.paper_issuer import PaperIssuer


@contextlib.contextmanager
def only(service: str, stacks: Stacks, bus: str) -> Iterator[Stack]:
    """A stack of which one service runs, on fresh databases."""
    stacks.stop_shared()
    with stacks.open(bus, start=False) as stack:
        stack.start(service)
        yield stack


@contextlib.asynccontextmanager
async def open_bus(stack: Stack) -> AsyncIterator[Bus]:
    """The bus of a stack."""
    deployment = stack.deployment
    bus: Bus
    if deployment.kafka is not None:
        bus = KafkaBus(deployment.kafka)
    else:
        assert deployment.bus_database_url is not None
        bus = EmbeddedBus(deployment.bus_database_url)
    yield bus
    await bus.close()


def client(stack: Stack, service: str) -> httpx.AsyncClient:
    """A client of a service, to be closed."""
    return httpx.AsyncClient(base_url=stack[service].url, timeout=30, trust_env=False, verify=False)


def somebody(stack: Stack, service: str) -> httpx.AsyncClient:
    """The same with an address, and so a share of what addresses may have done, of its own."""
    address = f"127.{uuid4().int % 200 + 1}.{uuid4().int % 250}.{uuid4().int % 250 + 1}"
    transport = httpx.AsyncHTTPTransport(local_address=address, verify=False)
    return httpx.AsyncClient(base_url=stack[service].url, timeout=30, transport=transport)


def paper_issuer(stack: Stack) -> PaperIssuer:
    """An institution of the stack's issuer, which does not run; nothing is announced yet."""
    urls = stack.deployment.urls()
    made = PaperIssuer(urls["registry"], f"{urls['issuer']}/status-lists", "")
    made.did = did_web(urls["issuer"], made.slug)
    return made


async def eventually(http: httpx.AsyncClient, path: str, seconds: float = 15, **expected: Any) -> dict[str, Any]:
    """GET until the answer is 200 and has these members."""
    deadline = time.monotonic() + seconds
    while True:
        answer = await http.get(path)
        body: dict[str, Any] = answer.json()
        if answer.status_code == 200 and expected.items() <= body.items():
            return body
        assert answer.status_code in (200, 404), answer.text
        assert time.monotonic() < deadline, body
        await asyncio.sleep(0.05)
