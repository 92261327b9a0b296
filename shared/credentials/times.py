"""Instants as documents write them: xsd:dateTimeStamp (XML Schema 1.1, 3.4.28), always with a time zone."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

_STAMP = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})T(?P<time>[0-9]{2}:[0-9]{2}:[0-9]{2})(?P<part>\.[0-9]{1,30})?"
    r"(?P<zone>Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00)",
    re.ASCII,
)


def timestamp(moment: datetime) -> str:
    """An instant in UTC, whole seconds, with Z."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def read_timestamp(value: Any) -> datetime | None:
    """The instant in UTC that a dateTimeStamp of the years 1 to 9999 says, or None for anything else.

    Midnight may be written as the 24th hour of the day before. Beyond microseconds, digits are read and dropped.
    """
    found = _STAMP.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return None
    time, part, zone = found["time"], found["part"] or "", found["zone"]
    ends_day = time == "24:00:00" and not part.strip(".0")
    try:
        text = f"{found['date']}T{'00:00:00' if ends_day else time + part[:7]}{zone.replace('Z', '+00:00')}"
        return (datetime.fromisoformat(text) + timedelta(days=int(ends_day))).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def read_seconds(value: Any) -> datetime | None:
    """The instant that a number of seconds since 1970 says (RFC 7519, 2: NumericDate), or None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        return None
