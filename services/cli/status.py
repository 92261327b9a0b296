"""`laurel status`: is everything well?"""

import asyncio
from collections.abc import Mapping

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from services.cli.output import table

TIMEOUT = aiohttp.ClientTimeout(total=5)
Metrics = Mapping[str, float]


async def run(urls: Mapping[str, str]) -> int:
    """Print one line a service; 0 when all four are ready, else 1."""
    async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
        answers = await asyncio.gather(*(_ask(session, url) for url in urls.values()))
    rows = []
    for (service, url), (health, metrics) in zip(urls.items(), answers, strict=True):
        figures = [_figure(metrics, name) for name in ("outbox_rows", "outbox_oldest_seconds", "consumer_lag")]
        rows.append((service, url, health, *figures, _figure(metrics, "parked_events")))
    table(("service", "url", "state", "outbox", "oldest (s)", "lag", "parked"), rows)
    return 0 if all(health == "ready" for health, _ in answers) else 1


async def _ask(session: aiohttp.ClientSession, url: str) -> tuple[str, Metrics]:
    try:
        async with session.get(f"{url}/readyz") as response:
            health = "ready" if response.status == 200 else f"not ready: {_why(await response.text())}"
        async with session.get(f"{url}/metrics") as response:
            return health, read_metrics(await response.text())
    except aiohttp.InvalidURL:
        return "not a URL", {}
    except (aiohttp.ClientError, TimeoutError):
        return "does not answer", {}


def _why(text: str) -> str:
    return " ".join(text.split())[:160]


def read_metrics(text: str) -> Metrics:
    """The sum over all labels of each sample in a Prometheus exposition; empty for anything else."""
    sums: dict[str, float] = {}
    try:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                sums[sample.name] = sums.get(sample.name, 0.0) + sample.value
    except ValueError:
        return {}
    return sums


def _figure(metrics: Metrics, name: str) -> str:
    return f"{metrics[name]:.0f}" if name in metrics else "–"
