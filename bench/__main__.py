"""`python -m bench [--stored N] [--seconds S]`: run everything, print the table, write bench/results/."""

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench import raw, scenarios
from bench.beside import beside_a_backlog
from bench.ending import run
from bench.installation import Installation, installed
from bench.machine import describe

RESULTS = Path(__file__).parent / "results"
CLIENTS = (1, 16, 64)
console = Console(width=140)


async def measure(seconds: float, stored: int) -> dict[str, Any]:
    """Every figure, by name."""
    figures: dict[str, Any] = {"machine": describe(), "at": datetime.now(UTC).isoformat(timespec="seconds")}
    async with installed() as here:
        console.print("raw limits …")
        figures["raw"] = await _raw(here)
        figures["resident_mib_idle"] = here.resident()
        tenant = await scenarios.found(here, "bench")
        figures["latency"] = await _latencies(here, seconds)
        for suite in ("eddsa-jcs-2022", "eddsa-rdfc-2022"):
            figures[f"issue {suite}"], figures[f"verify {suite}"] = await _rates(tenant, suite, seconds)
        console.print("delivering …")
        figures["deliver"] = await scenarios.deliver(await scenarios.found(here, "bench-deliver"), 20, 1000)
        console.print("delivering beside a backlog …")
        figures["beside_a_backlog"] = await beside_a_backlog(here, seconds)
        console.print(f"growing to {stored} credentials …")
        figures["growth"] = await scenarios.growth(tenant, stored, console.print)
        figures["resident_mib_after"] = here.resident()
    return figures


async def _raw(here: Installation) -> dict[str, float]:
    urls = here.stack.deployment.databases["issuer"]
    return {
        **raw.signatures(),
        "postgres_commits": await raw.database(urls.owner),
        "kafka_records": await raw.broker(here.kafka.bootstrap),
        "aiohttp_posts": await raw.http_posts(f"{here.sink}/hook?count"),
    }


async def _latencies(here: Installation, seconds: float) -> list[dict[str, float]]:
    tenant, found = await scenarios.found(here, "bench-latency"), []
    await scenarios.listen(tenant)
    for clients in CLIENTS:
        console.print(f"latency at {clients} clients …")
        found.append(await scenarios.latencies(tenant, clients, seconds))
        await scenarios.drained(here)
    return found


async def _rates(tenant: scenarios.Tenant, suite: str, seconds: float) -> tuple[list[Any], list[Any]]:
    issued, verified = [], []
    for clients in CLIENTS:
        console.print(f"{suite}, {clients} clients …")
        before = tenant.here.processor_seconds()
        run = await scenarios.issue(tenant, clients, seconds, suite)
        drain = await scenarios.drained(tenant.here)
        costs = _costs(before, tenant.here.processor_seconds(), run.requests)
        issued.append({**run.as_json(), "drained_after_s": round(drain, 1), "cpu_ms_each": costs})
        bodies = await scenarios.known(tenant, suite)
        before = tenant.here.processor_seconds()
        run = await scenarios.verify(tenant, bodies, clients, seconds)
        costs = _costs(before, tenant.here.processor_seconds(), run.requests)
        verified.append({**run.as_json(), "cpu_ms_each": costs})
    return issued, verified


def _costs(before: dict[str, float], after: dict[str, float], requests: int) -> dict[str, float]:
    """Milliseconds of processor that a request took of each part, with all that followed from it."""
    return {name: round((after[name] - before.get(name, 0)) / requests * 1000, 2) for name in after}


def show(figures: dict[str, Any]) -> None:
    """The table."""
    machine = figures["machine"]
    console.print(
        f"\n{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB, {machine['system']}"
    )
    table = Table("what", "clients", "per second", "p50 ms", "p99 ms", "raw limit", title="Everything on this machine")
    limits = {"issue": "ed25519_sign", "verify": "ed25519_verify"}
    for name, runs in figures.items():
        kind = name.partition(" ")[0]
        if kind in limits and isinstance(runs, list):
            limit = f"{figures['raw'][limits[kind]]:,.0f}/s {limits[kind]}, one core"
            for run in runs:
                table.add_row(
                    name,
                    str(run["clients"]),
                    f"{run['per_second']:,.0f}",
                    str(run["p50_ms"]),
                    str(run["p99_ms"]),
                    limit,
                )
    deliver, bare = figures["deliver"], figures["raw"]["aiohttp_posts"]
    table.add_row("webhooks delivered", "", f"{deliver['per_second']:,.0f}", "", "", f"{bare:,.0f}/s bare client")
    for run in figures["latency"]:
        for what in ("registered", "webhook"):
            at = f"{run['issued_per_second']:,.0f}"
            table.add_row(
                f"201 → {what}", str(run["clients"]), at, str(run[f"{what}_p50_ms"]), str(run[f"{what}_p99_ms"]), ""
            )
    for what in ("without", "beside"):
        p50, p99 = figures["beside_a_backlog"][what].values()
        waiting = f"{figures['beside_a_backlog']['backlog']:,} of another"
        table.add_row(f"201 → webhook, {what} {waiting}", "1", "", str(p50), str(p99), "")
    table.add_row("raw: Postgres commits", "16", f"{figures['raw']['postgres_commits']:,.0f}", "", "", "")
    table.add_row("raw: Kafka records", "1", f"{figures['raw']['kafka_records']:,.0f}", "", "", "")
    console.print(table)
    for step in figures["growth"]:
        rates = f"{step['issued_per_second']}/s issued, {step['verified_per_second']}/s verified"
        waiting = sum(step["waiting_at_the_end"].values())
        console.print(f"{step['stored']:>7} stored: {rates}; {waiting} waited, gone in {step['drained_after_s']} s")
    for kind in ("issue", "verify"):
        costs = figures[f"{kind} eddsa-jcs-2022"][1]["cpu_ms_each"]
        console.print(f"CPU ms to {kind} one (jcs, 16 clients): {sum(costs.values()):.2f} in all, {costs}")
    console.print(f"resident MiB: idle {figures['resident_mib_idle']}, after {figures['resident_mib_after']}")


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="bench", description="Measure Laurel on this machine.")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each rate is measured")
    parser.add_argument("--stored", type=int, default=100_000, help="credentials to grow to")
    arguments = parser.parse_args()
    figures = run(measure(arguments.seconds, arguments.stored))
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{datetime.now(UTC):%Y-%m-%d}.json"
    file.write_text(json.dumps(figures, indent=2) + "\n")
    show(figures)
    console.print(f"written to {file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file}")


if __name__ == "__main__":
    main()
