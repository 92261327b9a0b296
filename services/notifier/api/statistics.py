"""How an endpoint fares."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import BaseModel

from services.notifier.api.context import EndpointId, Here, Reader
from services.notifier.domain.statistics import ANSWERED, quantile
from services.notifier.store import statistics
from services.notifier.store.statistics import Backlog, Breaker, Counted
from shared.http.app import router
from shared.http.body import Moment, timestamp
from shared.http.problems import NotFound

routes = router("statistics", "/v1/endpoints")
DAY = timedelta(days=1)
LONGEST = timedelta(days=92)


class Latency(BaseModel):
    """Milliseconds within which half, 95 and 99 of a hundred answers were complete."""

    p50: float | None
    p95: float | None
    p99: float | None


class BacklogAnswer(BaseModel):
    """What waits: how many, counted up to 100,000, and how old the oldest one's event is."""

    pending: int
    oldest_at: str | None
    oldest_seconds: float | None


class BreakerAnswer(BaseModel):
    """`closed` sends as usual, `open` not before `open_until`, `probing` one request at a time."""

    state: Literal["closed", "open", "probing"]
    open_until: str | None
    fail_streak: int
    failing_since: str | None


class Hour(BaseModel):
    """Attempts of one hour."""

    hour: str
    delivered: int
    failed: int


class StatisticsAnswer(BaseModel):
    """Attempts since an hour; `outcomes` are `delivered`, `refused` (another status than 2xx) and the errors."""

    since: str
    attempts: int
    success_rate: float | None
    outcomes: dict[str, int]
    latency_ms: Latency
    backlog: BacklogAnswer
    breaker: BreakerAnswer
    hours: list[Hour]


@routes.get("/{endpoint_id}/stats", response_model=StatisticsAnswer)
async def stats(
    endpoint_id: EndpointId,
    who: Reader,
    here: Here,
    since: Annotated[
        Moment | None, Query(description="From its hour on, 92 days at most; 24 hours by default.")
    ] = None,
) -> Any:
    """How the endpoint fares: success rate, latency, backlog, circuit breaker, and attempts by hour for a chart."""
    now = here.clock()
    since = max(since or now - DAY, now - LONGEST).replace(minute=0, second=0, microsecond=0)
    async with here.db.tenant(who.institution) as tx:
        breaker = await statistics.breaker(tx, endpoint_id)
        if breaker is None:
            raise NotFound("there is no such endpoint")
        counted = await statistics.counted(tx, endpoint_id, since)
        hours = await statistics.hours(tx, endpoint_id, since)
        backlog = await statistics.backlog(tx, endpoint_id)
    return {
        "since": timestamp(since),
        **_summary(counted),
        "backlog": _backlog(backlog, now),
        "breaker": _breaker(breaker),
        "hours": [{**hour, "hour": timestamp(hour["hour"])} for hour in hours],
    }


def _summary(counted: Sequence[Counted]) -> dict[str, Any]:
    outcomes: Counter[str] = Counter()
    durations: Counter[int] = Counter()
    for each in counted:
        outcomes[each.outcome] += each.attempts
        if each.outcome in ANSWERED:
            durations[each.bucket] += each.attempts
    total = outcomes.total()
    return {
        "attempts": total,
        "success_rate": round(outcomes["delivered"] / total, 4) if total else None,
        "outcomes": {name: count for name, count in sorted(outcomes.items()) if count},
        "latency_ms": {f"p{percent}": quantile(durations, percent / 100) for percent in (50, 95, 99)},
    }


def _backlog(backlog: Backlog, now: datetime) -> dict[str, Any]:
    at = backlog.oldest_at
    return {
        "pending": backlog.pending,
        "oldest_at": timestamp(at) if at else None,
        "oldest_seconds": round(max(0.0, (now - at).total_seconds()), 1) if at else None,
    }


def _breaker(breaker: Breaker) -> dict[str, Any]:
    return {
        "state": breaker.state,
        "open_until": timestamp(breaker.open_until) if breaker.open_until else None,
        "fail_streak": breaker.fail_streak,
        "failing_since": timestamp(breaker.failing_since) if breaker.failing_since else None,
    }
