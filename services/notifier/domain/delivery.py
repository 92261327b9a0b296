"""What happens after an attempt: delivered, tried again or given up; and when an endpoint is switched off."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

GONE = 410
_SLOW_STATUSES = frozenset({429, 502, 504})
_SLOW_LEAST = 60.0
_LONGEST_STEP = 30 * 86_400.0
_JITTER = 0.2
DISABLE_AFTER = timedelta(days=5)
DISABLE_LEAST = 10
WARN_AFTER = (timedelta(days=1), timedelta(days=4))


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


Decision = Delivered | RetryAt | Exhausted


@dataclass(frozen=True, slots=True)
class Schedule:
    """Waits after the first, second … failed attempt, in seconds. One more attempt than waits."""

    waits: Sequence[float]

    @classmethod
    def parse(cls, text: str) -> "Schedule":
        """From seconds separated by commas. Raises ValueError."""
        waits = tuple(float(part) for part in text.split(","))
        if not all(0 <= wait <= _LONGEST_STEP for wait in waits):
            raise ValueError("waits are seconds, of at most 30 days")
        return cls(waits)

    def after(self, attempt: int) -> timedelta | None:
        """The wait after attempt number `attempt` failed, or None when there is no further try."""
        if attempt > len(self.waits):
            return None
        return timedelta(seconds=self.waits[attempt - 1])

    @property
    def slow(self) -> timedelta:
        """The least wait of an endpoint that is overloaded: a minute, unless the whole schedule is shorter."""
        return timedelta(seconds=min(_SLOW_LEAST, max(self.waits)))


def decide(attempt: int, response: Response, schedule: Schedule, now: datetime, jitter: float) -> Decision:
    """What follows from attempt number `attempt`. `jitter` is a random number from 0 to 1.

    The wait is the schedule's ±20 %, or what `Retry-After` asks for between one and two times the step; overload and
    time-outs wait at least a minute. An endpoint that says 410 is switched off (see `disable_reason`), and its
    deliveries keep their place for the day it is enabled again.
    """
    if response.ok:
        return Delivered()
    step = schedule.after(attempt)
    if step is None:
        return Exhausted()
    wait = step * (1 - _JITTER + 2 * _JITTER * jitter)
    asked = retry_after(response.headers.get("retry-after"), now)
    if asked is not None:
        wait = min(max(asked, step), 2 * step)
    if response.status in _SLOW_STATUSES or response.error == "timeout":
        wait = max(wait, schedule.slow)
    return RetryAt(now + wait)


def retry_after(value: str | None, now: datetime) -> timedelta | None:
    """`Retry-After` in seconds or as a date (RFC 9110, 10.2.3); None for none or nonsense."""
    if value is None:
        return None
    if value.isascii() and value.strip().isdigit():
        return timedelta(seconds=min(int(value.strip()[:9]), _LONGEST_STEP))
    try:
        moment = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(moment - now, timedelta(0))


def disable_reason(gone: bool, streak: int, failing_since: datetime | None, now: datetime) -> str | None:
    """Why an endpoint is switched off, or None: it answered 410, or all attempts of five days, ten or more, failed."""
    if gone:
        return "gone"
    if streak >= DISABLE_LEAST and failing_since is not None and now - failing_since >= DISABLE_AFTER:
        return "failing"
    return None


def warning_due(streak: int, failing_since: datetime | None, warned_at: datetime | None, now: datetime) -> bool:
    """Whether an endpoint's owner is to be warned: all attempts of a day, ten or more, failed, and again after four.

    `warned_at` is when it was last warned, perhaps about a failure before this one.
    """
    if streak < DISABLE_LEAST or failing_since is None:
        return False
    passed = [failing_since + after for after in WARN_AFTER if now - failing_since >= after]
    return bool(passed) and (warned_at is None or warned_at < passed[-1])
