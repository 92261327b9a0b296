"""Instants as documents write them: xsd:dateTimeStamp (XML Schema 1.1, 3.4.28), always with a time zone."""

import re
from datetime import UTC, datetime
from typing import Any

_STAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})")


def timestamp(moment: datetime) -> str:
    """An instant in UTC, whole seconds, with Z."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def read_timestamp(value: Any) -> datetime | None:
    """The instant in UTC that a dateTimeStamp of the years 1 to 9999 says, or None for anything else."""
    if not isinstance(value, str) or _STAMP.fullmatch(value.upper()) is None:
        return None
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
