"""What happens after an attempt: delivered, tried again, given up, or the endpoint is gone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

GONE = 410
_SLOW_STATUSES = frozenset({429, 502, 504})
_SLOW_LEAST = timedelta(seconds=60)
_JITTER = 0.2
BREAKER_STREAK = 3
_BREAKER_FIRST = 5.0
_BREAKER_MOST = 300.0
DISABLE_AFTER = timedelta(days=5)
DISABLE_LEAST = 10


@dataclass(frozen=True, slots=True)
class Response:
    """What the platform answered, or why nothing usable came. `error` is None for any HTTP answer."""

    status: int | None
    headers: Mapping[str, str]
    error: str | None = None

    @property
    def ok(self) -> bool:
        """Only 2xx counts as received."""
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Delivered:
    """The platform has it."""


@dataclass(frozen=True, slots=True)
class RetryAt:
    """Not yet; try again at that time."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Exhausted:
    """The schedule is used up; a person can still resend."""


@dataclass(frozen=True, slots=True)
class Gone:
    """410: the platform wants no more of this endpoint."""


Decision = Delivered | RetryAt | Exhausted | Gone


@dataclass(frozen=True, slots=True)
class Schedule:
    """Waits after the first, second … failed attempt, in seconds. One more attempt than waits."""

    waits: Sequence[float]

    @classmethod
    def parse(cls, text: str) -> "Schedule":
        """From seconds separated by commas. Raises ValueError."""
        waits = tuple(float(part) for part in text.split(","))
        if not waits or any(wait < 0 for wait in waits):
            raise ValueError("waits are seconds, at least one")
        return cls(waits)

    def after(self, attempt: int) -> timedelta | None:
        """The wait after attempt number `attempt` failed, or None when there is no further try."""
        if attempt > len(self.waits):
            return None
        return timedelta(seconds=self.waits[attempt - 1])


def decide(attempt: int, response: Response, schedule: Schedule, now: datetime, jitter: float) -> Decision:
    """What follows from attempt number `attempt`. `jitter` is a random number from 0 to 1.

    The wait is the schedule's ±20 %; at least a minute for overload and time-outs; `Retry-After` is honoured between
    one and two times the step.
    """
    if response.ok:
        return Delivered()
    if response.status == GONE:
        return Gone()
    step = schedule.after(attempt)
    if step is None:
        return Exhausted()
    wait = step * (1 - _JITTER + 2 * _JITTER * jitter)
    asked = retry_after(response.headers.get("retry-after"), now)
    if asked is not None:
        wait = min(max(asked, step), 2 * step)
    elif step and (response.status in _SLOW_STATUSES or response.error == "timeout"):
        wait = max(wait, min(_SLOW_LEAST, 2 * step))
    return RetryAt(now + wait)


def retry_after(value: str | None, now: datetime) -> timedelta | None:
    """`Retry-After` in seconds or as a date (RFC 9110, 10.2.3); None for none or nonsense."""
    if value is None:
        return None
    if value.strip().isdigit():
        return timedelta(seconds=min(int(value.strip()[:9]), 86_400 * 7))
    try:
        moment = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(moment - now, timedelta(0))


def breaker(streak: int) -> timedelta | None:
    """How long an endpoint with that many failures in a row is left alone but for one probe; None below three."""
    if streak < BREAKER_STREAK:
        return None
    return timedelta(seconds=min(_BREAKER_FIRST * 2 ** min(streak - BREAKER_STREAK, 10), _BREAKER_MOST))


def must_disable(streak: int, failing_since: datetime | None, now: datetime) -> bool:
    """Whether an endpoint is switched off: every attempt failed for five days, and there were at least ten."""
    return streak >= DISABLE_LEAST and failing_since is not None and now - failing_since >= DISABLE_AFTER
