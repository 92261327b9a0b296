"""The limits: what this machine does with nothing of ours in between."""

import asyncio
import time
from collections.abc import Callable

import aiohttp
import asyncpg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.bus.kafka import KafkaBus
from shared.bus.port import Record

DOCUMENT = bytes(2200)


def per_second(work: Callable[[], object], seconds: float = 1.0) -> float:
    """How often `work` runs in a second on one core."""
    done, started = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - started) < seconds:
        for _ in range(50):
            work()
        done += 50
    return done / elapsed


def signatures() -> dict[str, float]:
    """Ed25519 over the 64 bytes that a Data Integrity proof signs."""
    key = Ed25519PrivateKey.generate()
    data = bytes(64)
    signature, public = key.sign(data), key.public_key()
    return {
        "ed25519_sign": per_second(lambda: key.sign(data)),
        "ed25519_verify": per_second(lambda: public.verify(signature, data)),
    }


async def database(url: str, clients: int = 16, seconds: float = 3.0) -> float:
    """Transactions a second that insert a credential and an outbox row, `clients` at once."""
    setup = await asyncpg.connect(url)
    await setup.execute(
        "CREATE TABLE raw_credential (id uuid PRIMARY KEY, body bytea);"
        "CREATE TABLE raw_outbox (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body bytea)"
    )
    done, deadline = 0, time.perf_counter() + seconds

    async def client() -> None:
        nonlocal done
        connection = await asyncpg.connect(url)
        while time.perf_counter() < deadline:
            async with connection.transaction():
                await connection.execute("INSERT INTO raw_credential VALUES (gen_random_uuid(), $1)", DOCUMENT)
                await connection.execute("INSERT INTO raw_outbox (body) VALUES ($1)", DOCUMENT)
            done += 1
        await connection.close()

    started = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    elapsed = time.perf_counter() - started
    await setup.execute("DROP TABLE raw_credential, raw_outbox")
    await setup.close()
    return done / elapsed


async def broker(bootstrap: str, records: int = 20_000) -> float:
    """Records of 2.2 kB a second through one idempotent producer, in batches of 500."""
    bus = KafkaBus(bootstrap)
    await bus.ensure_topics(["raw"])
    producer = bus.producer()
    await producer.start()
    started = time.perf_counter()
    for first in range(0, records, 500):
        batch = [Record("raw", str(first + n).encode(), DOCUMENT, []) for n in range(500)]
        outcomes = await producer.send_all(batch, 30)
        assert not any(outcomes), outcomes
    elapsed = time.perf_counter() - started
    await producer.stop()
    return records / elapsed


async def http_posts(url: str, at_once: int = 64, seconds: float = 3.0) -> float:
    """POSTs of 400 bytes a second from one bare aiohttp client to the receiver at `url`."""
    done, deadline = 0, time.perf_counter() + seconds

    async def client(session: aiohttp.ClientSession) -> None:
        nonlocal done
        while time.perf_counter() < deadline:
            async with session.post(url, data=bytes(400)) as answer:
                await answer.read()
            done += 1

    async with aiohttp.ClientSession() as session:
        started = time.perf_counter()
        await asyncio.gather(*(client(session) for _ in range(at_once)))
        return done / (time.perf_counter() - started)
