"""The queue: taking deliveries that are due, and recording how they went. Times are the database's."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.postgres.database import Transaction

ENDPOINTS_AT_ONCE = 40
LEASE_SECONDS = 60
PROBE_STREAK = 3

# Locks the due endpoints that have room here, takes what is due of each, and moves each endpoint to its next delivery.
# A delivery that is taken is due again after the lease, so that one whose dispatcher dies is sent by another.
_CLAIM = """
WITH room AS (
    SELECT * FROM unnest($1::uuid[], $2::int[]) AS r(id, free)
), due AS (
    SELECT e.id, e.url, e.cap, e.version,
           CASE WHEN e.fail_streak >= $5 THEN least(coalesce(room.free, 1), 1)
                ELSE least(coalesce(room.free, $3), e.cap) END AS free
    FROM endpoint e LEFT JOIN room ON room.id = e.id
    WHERE e.state = 'active' AND e.due_at <= clock_timestamp() AND coalesce(room.free, 1) > 0
      AND (e.open_until IS NULL OR e.open_until <= clock_timestamp())
    ORDER BY e.due_at LIMIT $4 FOR UPDATE OF e SKIP LOCKED
), taken AS (
    SELECT d.id, due.id AS endpoint_id FROM due CROSS JOIN LATERAL (
        SELECT id FROM delivery WHERE endpoint_id = due.id AND state = 'pending' AND next_at <= clock_timestamp()
        ORDER BY next_at, id LIMIT due.free
    ) d
), claimed AS (
    UPDATE delivery SET attempt = attempt + 1, next_at = clock_timestamp() + make_interval(secs => $6)
    FROM taken WHERE delivery.id = taken.id
    RETURNING delivery.id, delivery.endpoint_id, delivery.message_id, delivery.attempt, delivery.trigger
), moved AS (
    UPDATE endpoint SET due_at = least(
        (SELECT min(next_at) FROM delivery d
         WHERE d.endpoint_id = due.id AND d.state = 'pending' AND NOT EXISTS (SELECT FROM taken WHERE taken.id = d.id)),
        CASE WHEN EXISTS (SELECT FROM taken WHERE taken.endpoint_id = due.id)
             THEN clock_timestamp() + make_interval(secs => $6) END)
    FROM due WHERE endpoint.id = due.id
)
SELECT c.id, c.endpoint_id, c.attempt, c.trigger, due.url, due.cap, due.version,
       m.id AS message_id, m.institution_id, m.type, m.body, m.traceparent, m.created_at
FROM claimed c JOIN due ON due.id = c.endpoint_id JOIN message m ON m.id = c.message_id
ORDER BY c.id
"""
_RECORD = """
INSERT INTO attempt (institution_id, delivery_id, n, trigger, at, duration_ms, status, error, answer)
SELECT r.* FROM unnest(
    $1::uuid[], $2::bigint[], $3::int[], $4::text[], $5::timestamptz[], $6::int[], $7::int[], $8::text[], $9::text[]
) AS r(institution_id, delivery_id, n, trigger, at, duration_ms, status, error, answer)
WHERE EXISTS (SELECT FROM delivery d WHERE d.id = r.delivery_id) ON CONFLICT DO NOTHING
"""
# Only the attempt that is the latest decides: a resend in the meantime has put the delivery back in line.
_SETTLE = """
UPDATE delivery SET state = r.state, trigger = 'scheduled', next_at = coalesce(r.next_at, delivery.next_at),
    finished_at = CASE WHEN r.state <> 'pending' THEN clock_timestamp() END
FROM unnest($1::bigint[], $2::int[], $3::text[], $4::timestamptz[]) AS r(id, attempt, state, next_at)
WHERE delivery.id = r.id AND delivery.attempt = r.attempt AND delivery.state = 'pending'
  AND NOT (delivery.trigger = 'manual' AND delivery.next_at <= clock_timestamp())
"""
_COUNT = """
UPDATE endpoint SET
    fail_streak = CASE WHEN r.succeeded THEN 0 ELSE fail_streak + r.failed END,
    failing_since = CASE WHEN r.succeeded THEN NULL ELSE coalesce(failing_since, clock_timestamp()) END,
    open_until = CASE WHEN r.succeeded OR fail_streak + r.failed < $5 THEN NULL
        ELSE clock_timestamp() + make_interval(secs => least(5 * 2 ^ least(fail_streak + r.failed - $5, 10), 300)) END,
    due_at = CASE WHEN state = 'active' THEN least(due_at, r.next_at) END
FROM unnest($1::uuid[], $2::boolean[], $3::int[], $4::timestamptz[]) AS r(id, succeeded, failed, next_at)
WHERE endpoint.id = r.id RETURNING endpoint.id, fail_streak, failing_since, state
"""
_REPAIR = """
UPDATE endpoint e SET due_at = clock_timestamp() WHERE state = 'active' AND due_at IS NULL
AND EXISTS (SELECT FROM delivery d WHERE d.endpoint_id = e.id AND d.state = 'pending')
"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery this process has to attempt now; `attempt` is the attempt's number."""

    id: int
    endpoint_id: UUID
    attempt: int
    trigger: str
    url: str
    cap: int
    version: int
    message_id: str
    institution_id: UUID
    type: str
    body: bytes
    traceparent: str | None
    created_at: datetime


async def claim(connection: Transaction, known: list[UUID], free: list[int], start: int) -> list[Claimed]:
    """Take what is due. `free` is how many each of `known` may take; endpoints not known may take `start`."""
    rows = await connection.fetch(_CLAIM, known, free, start, ENDPOINTS_AT_ONCE, PROBE_STREAK, float(LEASE_SECONDS))
    return [Claimed(**dict(row)) for row in rows]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one attempt went and what follows: `state` of the delivery, `next_at` where it stays pending."""

    claimed: Claimed
    at: datetime
    duration_ms: int
    status: int | None
    error: str | None
    answer: str
    state: str
    next_at: datetime | None

    @property
    def ok(self) -> bool:
        """Whether the platform has it."""
        return self.state == "delivered"


@dataclass(frozen=True, slots=True)
class Standing:
    """How an endpoint fares after the attempts just recorded."""

    endpoint_id: UUID
    fail_streak: int
    failing_since: datetime | None
    state: str


async def record(tx: Transaction, outcomes: Sequence[Outcome]) -> list[Standing]:
    """Store attempts, settle their deliveries, and count for their endpoints. Endpoints are locked in order of id."""
    await tx.execute(
        _RECORD,
        [outcome.claimed.institution_id for outcome in outcomes],
        [outcome.claimed.id for outcome in outcomes],
        [outcome.claimed.attempt for outcome in outcomes],
        [outcome.claimed.trigger for outcome in outcomes],
        [outcome.at for outcome in outcomes],
        [outcome.duration_ms for outcome in outcomes],
        [outcome.status for outcome in outcomes],
        [outcome.error for outcome in outcomes],
        [outcome.answer for outcome in outcomes],
    )
    await tx.execute(
        _SETTLE,
        [outcome.claimed.id for outcome in outcomes],
        [outcome.claimed.attempt for outcome in outcomes],
        [outcome.state for outcome in outcomes],
        [outcome.next_at for outcome in outcomes],
    )
    return await _count(tx, outcomes)


async def _count(tx: Transaction, outcomes: Sequence[Outcome]) -> list[Standing]:
    by_endpoint: dict[UUID, list[Outcome]] = {}
    for outcome in outcomes:
        by_endpoint.setdefault(outcome.claimed.endpoint_id, []).append(outcome)
    endpoints = sorted(by_endpoint)
    await tx.execute("SELECT FROM endpoint WHERE id = ANY($1) ORDER BY id FOR UPDATE", endpoints)
    retries = [[o.next_at for o in by_endpoint[endpoint] if o.next_at is not None] for endpoint in endpoints]
    rows = await tx.fetch(
        _COUNT,
        endpoints,
        [any(outcome.ok for outcome in by_endpoint[endpoint]) for endpoint in endpoints],
        [sum(not outcome.ok for outcome in by_endpoint[endpoint]) for endpoint in endpoints],
        [min(times) if times else None for times in retries],
        PROBE_STREAK,
    )
    return [Standing(row["id"], row["fail_streak"], row["failing_since"], row["state"]) for row in rows]


async def repair(connection: Transaction) -> None:
    """Wake endpoints that have deliveries but no date: a fan-out and a claim can pass each other."""
    await connection.execute(_REPAIR)


async def backlog(connection: Transaction) -> tuple[int, float]:
    """How many deliveries wait, and for how long the oldest has waited for its first try, in seconds."""
    row = await connection.fetchrow(
        "SELECT count(*) AS n, coalesce(extract(epoch FROM clock_timestamp() - min(next_at)"
        " FILTER (WHERE attempt = 0)), 0)::float AS oldest FROM delivery WHERE state = 'pending'"
    )
    assert row is not None
    return row["n"], max(0.0, row["oldest"])
