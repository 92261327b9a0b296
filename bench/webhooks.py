"""`python -m bench.webhooks`: what one notifier process delivers, every attempt stored, beside a bare client's loop.

The notifier runs on real Kafka and a real Postgres with fsync on; the other services have registered the institutions
and are ended then. Queues are written into the notifier's tables, so that what is measured is the sending of them.
"""

import argparse
import asyncio
import itertools
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import asyncpg
import orjson
from rich.console import Console
from rich.table import Table

from bench.installation import Installation, installed
from bench.load import percentile, post
from bench.machine import describe
from bench.raw import http_posts
from bench.scenarios import drained, found
from services.cli.ports import free_ports
from shared.bus.kafka import KafkaBus
from shared.bus.port import Record
from shared.events.catalogue import CredentialRevoked
from shared.events.catalogue.credential import StatusEntry
from shared.events.envelope import Envelope
from shared.events.ids import new_id

SETTLE_SECONDS, WATCH_SECONDS = 10.0, 10.0
INSTITUTIONS = 20
RESULTS = Path(__file__).parent / "results"
console = Console(width=140)

# As many messages as are asked for, with a body as the notifier itself made it, each for one endpoint in turn.
_FILL = """
WITH numbered AS (SELECT endpoint, nth - 1 AS nth FROM unnest($1::uuid[]) WITH ORDINALITY AS one(endpoint, nth)),
model AS (SELECT * FROM message ORDER BY created_at LIMIT 1),
made AS (
    INSERT INTO message (id, institution_id, event_id, type, body, created_at, subject)
    SELECT 'msg_' || gen_random_uuid() || '_' || n, model.institution_id, gen_random_uuid(), model.type, model.body,
        now(), model.subject FROM model, generate_series(0, $2::int - 1) n RETURNING id, institution_id
)
INSERT INTO delivery (institution_id, message_id, endpoint_id)
SELECT institution_id, made.id, endpoint FROM made JOIN numbered
    ON nth = split_part(made.id, '_', 3)::int % (SELECT count(*) FROM numbered)
"""


class Bench:
    """The notifier under load, its receiver, and the hands on both."""

    def __init__(
        self, here: Installation, receiver: str, session: aiohttp.ClientSession, database: asyncpg.Connection
    ) -> None:
        self.here, self.receiver, self.session, self.database = here, receiver, session, database
        self.tokens: list[str] = []

    @classmethod
    @asynccontextmanager
    async def on(cls, here: Installation) -> AsyncIterator["Bench"]:
        """With a receiver of its own, ended by pid."""
        port = free_ports()["notifier"]
        process = subprocess.Popen([sys.executable, "-m", "bench.receiver", str(port)])
        database = await asyncpg.connect(here.stack.deployment.databases["notifier"].owner)
        try:
            async with aiohttp.ClientSession() as session:
                bench = cls(here, f"http://127.0.0.1:{port}", session, database)
                await bench._found_institutions()
                yield bench
        finally:
            await database.close()
            process.terminate()
            process.wait()

    async def _found_institutions(self) -> None:
        tenants = [await found(self.here, f"bench-{number}") for number in range(INSTITUTIONS)]
        self.tokens = [await tenant.token(self.session) for tenant in tenants]
        await self.endpoints(self.tokens[0], 1, "/ok")  # the notifier has the key set then
        await drained(self.here)
        for name in ("issuer", "registry", "verifier"):
            await self.here.stack.services[name].stop()

    async def ask(self, path: str) -> Any:
        """An answer of the receiver."""
        async with self.session.get(self.receiver + path) as answer:
            return orjson.loads(await answer.read())

    async def endpoints(self, token: str, count: int, path: str) -> list[UUID]:
        """Register that many; each has answered before, so that it gets as many requests at once as it may."""
        url = f"{self.here.url('notifier')}/v1/endpoints"
        body = {"url": self.receiver + path, "events": ["credential.revoked"]}
        made = [UUID(orjson.loads(await post(self.session, url, body, token, 201))["id"]) for _ in range(count)]
        await self.database.execute("UPDATE endpoint SET proven = true WHERE id = ANY($1)", made)
        return made

    async def fill(self, endpoints: Sequence[UUID], deliveries: int) -> None:
        """Let so many wait behind them, which `start` sends."""
        await self.database.execute("UPDATE endpoint SET state = 'paused' WHERE id = ANY($1)", endpoints)
        await self.database.execute(_FILL, endpoints, deliveries)
        await self.database.execute("CHECKPOINT")

    async def start(self, endpoints: Sequence[UUID]) -> None:
        """Let the notifier have them."""
        await self.database.execute(
            "UPDATE endpoint SET state = 'active', due_at = now() WHERE id = ANY($1)", endpoints
        )

    async def end(self, endpoints: Sequence[UUID]) -> None:
        """Nothing of them is left to be sent."""
        await self.database.execute(
            "UPDATE delivery SET state = 'cancelled' WHERE endpoint_id = ANY($1) AND state = 'pending'", endpoints
        )
        await self.database.execute("UPDATE endpoint SET state = 'paused' WHERE id = ANY($1)", endpoints)

    async def attempts(self) -> int:
        """How many are on record."""
        return int(await self.database.fetchval("SELECT count(*) FROM attempt"))


async def full_rate(bench: Bench, deliveries: int, count: int = 100) -> dict[str, Any]:
    """Deliveries a second to healthy endpoints, until the last attempt is stored."""
    endpoints = await bench.endpoints(bench.tokens[0], count, "/ok")
    await bench.fill(endpoints, deliveries)
    first, before, started = await bench.attempts(), bench.here.processor_seconds(), time.perf_counter()
    await bench.start(endpoints)
    while (done := await bench.attempts() - first) < deliveries:
        await asyncio.sleep(0.2)
    elapsed, after = time.perf_counter() - started, bench.here.processor_seconds()
    costs = {name: round((after[name] - before.get(name, 0)) / done * 1e6) for name in after}
    return {"endpoints": count, "deliveries": done, "per_second": round(done / elapsed), "cpu_us_each": costs}


async def half_hanging(bench: Bench, deliveries: int, count: int = 100) -> dict[str, Any]:
    """What the healthy half gets while the other half, which answered until then, never answers."""
    healthy = await bench.endpoints(bench.tokens[1], count // 2, "/ok")
    moody = await bench.endpoints(bench.tokens[1], count // 2, "/moody")
    await bench.fill(healthy, deliveries)
    await bench.fill(moody, deliveries // 5)
    await bench.start([*healthy, *moody])
    await asyncio.sleep(2)  # everybody answers, and so gets all that it may have at once
    await bench.ask("/_hang")
    started, seen = time.perf_counter(), []
    for after in (0.0, SETTLE_SECONDS, SETTLE_SECONDS + WATCH_SECONDS):
        await asyncio.sleep(max(0.0, started + after - time.perf_counter()))
        seen.append((time.perf_counter(), await bench.ask("/_count")))
    left = await bench.database.fetchval(
        "SELECT count(*) FROM delivery WHERE state = 'pending' AND endpoint_id = ANY($1)", healthy
    )
    await bench.end([*healthy, *moody])
    rates = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in itertools.pairwise(seen)]
    return {
        "endpoints": count,
        "hanging": count // 2,
        "first_10_s_per_second": round(rates[0]),
        "after_10_s_per_second": round(rates[1]),
        "healthy_left": left,
    }


async def crowd(bench: Bench, deliveries: int = 100_000, count: int = 1000, hanging: int = 100) -> dict[str, Any]:
    """What 1,000 endpoints cost of which 100 hang, with 100,000 messages queued: memory in MiB, and the rate."""
    healthy = await bench.endpoints(bench.tokens[2], count - hanging, "/ok")
    moody = await bench.endpoints(bench.tokens[2], hanging, "/moody")
    await bench.fill([*healthy, *moody], deliveries)
    await bench.ask("/_hang")
    idle, most = bench.here.resident()["notifier"], 0.0
    before, started = await bench.ask("/_count"), time.perf_counter()
    await bench.start([*healthy, *moody])
    wanted = deliveries * (count - hanging) // count
    while (done := await bench.ask("/_count") - before) < wanted and time.perf_counter() - started < 120:
        most = max(most, bench.here.resident()["notifier"])
        await asyncio.sleep(1)
    elapsed = time.perf_counter() - started
    await bench.end([*healthy, *moody])
    sizes = {"resident_mib_before": idle, "resident_mib_most": most}
    rate = round(done / elapsed)
    return {"endpoints": count, "hanging": hanging, "queued": deliveries, "healthy_per_second": rate, **sizes}


async def latency(bench: Bench, per_second: int, seconds: float) -> dict[str, Any]:
    """Milliseconds from an event, put on Kafka at an even pace, to its message at the receiver.

    Each institution has one endpoint, and they take turns.
    """
    endpoints = [made for token in bench.tokens for made in await bench.endpoints(token, 1, "/timed")]
    rows = await bench.database.fetch("SELECT institution_id FROM endpoint WHERE id = ANY($1)", endpoints)
    institutions = itertools.cycle([row["institution_id"] for row in rows])
    wanted = int(per_second * seconds)
    await _publish(bench, (_revoked(next(institutions)) for _ in range(wanted)), wanted, per_second)
    times: list[float] = []
    deadline = time.perf_counter() + 60
    while len(times) < wanted and time.perf_counter() < deadline:
        times += await bench.ask("/_times")
        await asyncio.sleep(0.1)
    await bench.end(endpoints)
    p50, p99 = (round(percentile(times, share), 1) for share in (0.5, 0.99))
    return {"events_per_second": per_second, "events": wanted, "received": len(times), "p50_ms": p50, "p99_ms": p99}


async def _publish(bench: Bench, records: Iterator[Record], count: int, per_second: int) -> None:
    bus = KafkaBus(bench.here.kafka.bootstrap)
    producer, sent, started = bus.producer(), 0, time.perf_counter()
    await producer.start()
    try:
        while sent < count:
            due = min(count, int((time.perf_counter() - started) * per_second) + 1)
            outcomes = await producer.send_all(list(itertools.islice(records, due - sent)), 30)
            assert not any(outcomes), outcomes
            sent = due
            await asyncio.sleep(max(0.002, started + sent / per_second - time.perf_counter()))
    finally:
        await producer.stop()
        await bus.close()


def _revoked(institution: UUID) -> Record:
    now = datetime.now(UTC)
    entry = StatusEntry(purpose="revocation", status_list_credential="https://issuer.example/l", index=7)
    event = CredentialRevoked(
        version=2,
        credential_id=new_id(),
        institution_id=institution,
        status_entry=entry,
        reason="measured",
        changed_at=now,
    )
    envelope = Envelope(new_id(), event.TYPE, "/issuer", event.key, now, event.version, None)
    return Record(event.TOPIC, event.key.encode(), event.to_value(), envelope.headers())


async def measure(deliveries: int, seconds: float) -> dict[str, Any]:
    """Every figure, by name."""
    figures: dict[str, Any] = {"machine": describe(), "at": datetime.now(UTC).isoformat(timespec="seconds")}
    async with installed() as here, Bench.on(here) as bench:
        console.print("a bare client …")
        figures["bare_posts_per_second"] = round(await http_posts(f"{bench.receiver}/ok"))
        console.print("from event to received …")
        await latency(bench, 100, 2)  # warms up, and leaves a message that the others are modelled on
        figures["latency"] = [await latency(bench, rate, seconds) for rate in (50, 500, 1000)]
        console.print(f"{deliveries} deliveries to healthy endpoints …")
        figures["full"] = await full_rate(bench, deliveries)
        console.print("half of the endpoints stop answering …")
        figures["half_hanging"] = await half_hanging(bench, deliveries * 5)
        console.print("a crowd …")
        figures["crowd"] = await crowd(bench)
    return figures


def show(figures: dict[str, Any]) -> None:
    """The table."""
    table = Table("what", "figure", title="Webhooks: one notifier process, every attempt stored")
    full, half, many = figures["full"], figures["half_hanging"], figures["crowd"]
    table.add_row("POSTs a second by a bare aiohttp client, nothing stored", f"{figures['bare_posts_per_second']:,}")
    table.add_row(f"deliveries a second, {full['endpoints']} endpoints", f"{full['per_second']:,}")
    table.add_row("  processor µs for each", ", ".join(f"{name} {cost}" for name, cost in full["cpu_us_each"].items()))
    share = half["after_10_s_per_second"] / full["per_second"]
    table.add_row(f"{half['hanging']} of {half['endpoints']} hang: first 10 s", f"{half['first_10_s_per_second']:,}")
    table.add_row("  after 10 s", f"{half['after_10_s_per_second']:,} ({share:.0%} of the full rate)")
    table.add_row(
        f"{many['hanging']} of {many['endpoints']:,} hang, {many['queued']:,} queued", f"{many['healthy_per_second']:,}"
    )
    table.add_row(
        "  notifier's resident MiB before / most", f"{many['resident_mib_before']} / {many['resident_mib_most']}"
    )
    for run in figures["latency"]:
        figure = f"{run['p50_ms']} / {run['p99_ms']} ({run['received']:,} of {run['events']:,})"
        table.add_row(f"event → received, ms p50 / p99, {run['events_per_second']:,} events/s", figure)
    console.print(table)


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="bench.webhooks", description="Measure the delivery of webhooks.")
    parser.add_argument("--deliveries", type=int, default=30_000, help="how many the full rate is measured with")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each latency is measured")
    arguments = parser.parse_args()
    figures = asyncio.run(measure(arguments.deliveries, arguments.seconds))
    show(figures)
    file = RESULTS / f"{datetime.now(UTC):%Y-%m-%d}-webhooks.json"
    file.write_text(json.dumps(figures, indent=2) + "\n")
    console.print(f"written to bench/results/{file.name}")


if __name__ == "__main__":
    main()
