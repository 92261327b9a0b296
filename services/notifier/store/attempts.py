"""All attempts of an institution, searched. Each filter has an index in the order of the list, failures' own ones."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from shared.postgres.database import Transaction

Outcome = Literal["delivered", "failed"]
Place = tuple[datetime, int, int]


@dataclass(frozen=True, slots=True)
class Search:
    """What a list is narrowed to; None does not narrow. Times are those of the attempts."""

    endpoint: UUID | None = None
    message: str | None = None
    status: int | None = None
    error: str | None = None
    outcome: Outcome | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """One POST and what came of it."""

    delivery_id: int
    message_id: str
    endpoint_id: UUID
    n: int
    trigger: str
    at: datetime
    duration_ms: int
    status: int | None
    error: str | None
    answer: str


_FAILED = "(a.error IS NOT NULL OR a.status < 200 OR a.status > 299)"
_REFUSED = "(a.status < 200 OR a.status > 299)"
_SELECT = """
SELECT a.delivery_id, d.message_id, d.endpoint_id, a.n, a.trigger, a.at, a.duration_ms, a.status, a.error, a.answer
FROM attempt a JOIN delivery d ON d.id = a.delivery_id WHERE
"""
_NEWEST_FIRST = " ORDER BY a.at DESC, a.delivery_id DESC, a.n DESC LIMIT $1"


async def search(tx: Transaction, wanted: Search, after: Place | None, limit: int) -> list[Found]:
    """A page, newest first.

    The statement holds the conditions that are asked for and no others, each in the words of its index: a plan that
    is good for any combination would read all attempts.
    """
    values: list[Any] = [limit]
    conditions = [
        condition.replace("?", _number(values, value))
        for condition, value in (
            ("a.endpoint_id = ?", wanted.endpoint),
            ("a.delivery_id = ANY(ARRAY(SELECT id FROM delivery WHERE message_id = ?))", wanted.message),
            ("a.status = ?", wanted.status),
            ("a.error = ?", wanted.error),
            ("a.at >= ?", wanted.since),
            ("a.at < ?", wanted.until),
        )
        if value is not None
    ]
    if wanted.status is not None and not 200 <= wanted.status <= 299:
        conditions.append(_REFUSED)
    if wanted.outcome is not None:
        conditions.append(_FAILED if wanted.outcome == "failed" else "a.status BETWEEN 200 AND 299")
    if after is not None:
        numbers = ", ".join(_number(values, part) for part in after)
        conditions.append(f"(a.at, a.delivery_id, a.n) < ({numbers})")
    rows = await tx.fetch(_SELECT + (" AND ".join(conditions) or "true") + _NEWEST_FIRST, *values)
    return [Found(**dict(row)) for row in rows]


def _number(values: list[Any], value: Any) -> str:
    values.append(value)
    return f"${len(values)}"
