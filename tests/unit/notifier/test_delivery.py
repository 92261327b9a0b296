"""What follows from an attempt, with the clock and the dice in the test's hand."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.domain.delivery import (
    Delivered,
    Exhausted,
    Response,
    RetryAt,
    Schedule,
    decide,
    disable_reason,
    retry_after,
    warning_due,
)
from services.notifier.settings import SCHEDULE

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
STANDARD = Schedule.parse(SCHEDULE)
HTTP_DATE = "Sun, 01 Mar 2026 12:00:08 GMT"


def failed(status: int | None = 500, error: str | None = None, **headers: str) -> Response:
    return Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, error)


def wait(attempt: int, response: Response, jitter: float = 0.5, schedule: Schedule = STANDARD) -> float:
    decision = decide(attempt, response, schedule, NOW, jitter)
    assert isinstance(decision, RetryAt)
    return (decision.at - NOW).total_seconds()


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_only_2xx_is_received(status: int) -> None:
    assert decide(1, Response(status, {}), STANDARD, NOW, 0.5) == Delivered()


@pytest.mark.parametrize("status", [100, 301, 302, 304, 307, 400, 404, 410, 500, 503])
def test_every_other_answer_is_a_failure(status: int) -> None:
    assert wait(1, failed(status)) == 5


def test_ten_tries_over_three_days_as_the_specification_has_them() -> None:
    waits = [wait(attempt, failed()) for attempt in range(1, 10)]
    assert waits == [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]
    assert decide(10, failed(), STANDARD, NOW, 0.5) == Exhausted()
    assert decide(11, failed(), STANDARD, NOW, 0.5) == Exhausted(), "a resend after the last try has no further one"
    assert timedelta(seconds=sum(waits)) == timedelta(hours=75, minutes=35, seconds=5)


@given(st.integers(1, 9), st.floats(0, 1))
def test_the_wait_is_the_step_give_or_take_a_fifth(attempt: int, jitter: float) -> None:
    step = STANDARD.waits[attempt - 1]
    assert 0.8 * step <= wait(attempt, failed(), jitter) <= 1.2 * step


@pytest.mark.parametrize(("asked", "expected"), [("1", 300), ("400", 400), ("100000", 600), ("nonsense", 300)])
def test_retry_after_is_honoured_between_one_and_two_steps(asked: str, expected: float) -> None:
    assert wait(2, failed(503, retry_after=asked)) == expected


def test_retry_after_may_be_a_date() -> None:
    assert wait(1, failed(503, retry_after=HTTP_DATE)) == 8


@pytest.mark.parametrize("response", [failed(429), failed(502), failed(504), failed(None, "timeout")])
def test_overload_waits_a_minute_at_least(response: Response) -> None:
    assert wait(1, response) == 60
    assert wait(2, response) == 300


def test_overload_waits_a_minute_whatever_it_asks_for() -> None:
    assert wait(1, failed(429, retry_after="7")) == 60


def test_a_schedule_shorter_than_a_minute_stays_so() -> None:
    assert wait(1, failed(429), schedule=Schedule((0.2, 0.3))) == pytest.approx(0.3)


@given(st.text(max_size=40) | st.from_regex(r"\d+", fullmatch=True))
def test_no_retry_after_is_a_crash_or_negative(value: str) -> None:
    asked = retry_after(value, NOW)
    assert asked is None or asked >= timedelta(0)


@pytest.mark.parametrize("text", ["", "5,", "a", "-1", "nan", "inf", "5;6", "99999999"])
def test_what_is_no_schedule_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Schedule.parse(text)


@pytest.mark.parametrize(
    ("gone", "streak", "days", "reason"),
    [
        (False, 10, 5, "failing"),
        (False, 9, 6, None),
        (False, 1000, 4.9, None),
        (False, 0, None, None),
        (True, 1, 0, "gone"),
        (True, 0, None, "gone"),
    ],
)
def test_an_endpoint_is_switched_off_after_five_days_of_failure_or_when_gone(
    gone: bool, streak: int, days: float | None, reason: str | None
) -> None:
    since = None if days is None else NOW - timedelta(days=days)
    assert disable_reason(gone, streak, since, NOW) == reason


@pytest.mark.parametrize(
    ("streak", "days", "warned", "due"),
    [
        (10, 0.9, None, False),
        (9, 1.1, None, False),
        (10, 1.1, None, True),
        (10, 1.1, 1.05, False),
        (10, 3.9, 1.05, False),
        (10, 4.0, 1.05, True),
        (10, 4.5, 4.2, False),
        (10, 4.5, None, True),
        (10, 1.1, -20, True),
    ],
)
def test_an_owner_is_warned_after_one_day_and_after_four(
    streak: int, days: float, warned: float | None, due: bool
) -> None:
    since = NOW - timedelta(days=days)
    warned_at = None if warned is None else since + timedelta(days=warned)
    assert warning_due(streak, since, warned_at, NOW) is due
    assert not warning_due(streak, None, warned_at, NOW)
