"""The queue: taking deliveries that are due, and recording how they went. Times are the database's.

Whoever writes deliveries holds the row locks of their endpoints, taken in order of id; taking what is due never waits
for such a lock. So dispatchers, recorders, consumers and resends cannot block each other in a circle.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.notifier.domain.endpoint import Format
from services.notifier.domain.statistics import BOUNDS
from shared.postgres.database import Transaction

ENDPOINTS_AT_ONCE = 40
LEASE_SECONDS = 60
PROBE_STREAK = 3
HOLD_SECONDS = 600
LOOKS = 25  # in a row, while all that is found has to wait for its turn
INTERRUPTED = "interrupted"

# Locks the due endpoints that have room here, takes what is due of each, and moves each endpoint to its next delivery.
# A delivery that is taken is due again after the lease, so that one whose dispatcher dies is sent by another. now() is
# the statement's own time here, and unlike clock_timestamp() lets the index on due_at be used. Between the statement's
# snapshot and a lock another transaction may have changed the endpoint (`seen` is the snapshot's row): its deliveries
# are checked once more when they are taken, and the endpoint stays due, because what is new is not visible here. What
# is taken is found by its id: `state = 'pending'` would let a plan made while little waited read all that waits.
#
# Where an endpoint wants strict order its deliveries have a subject. One that an earlier one of its subject is in the
# way of is `held`, out of the queue until that is settled (store/holds.py), and then back in its place (`held_from`);
# nothing is decided on a snapshot that is too old. Where nothing is claimed, a row tells how much was blocked.
# A rate is a bucket of tokens in the endpoint's row, which holds half a second's worth, as often as dispatchers look.
_CLAIM = """
WITH room AS (
    SELECT * FROM unnest($1::uuid[], $2::int[], $3::int[]) AS room(id, free, flying)
), due AS (
    SELECT e.id, e.url, e.cap, e.version, e.format, e.payload, e.ordered, e.rate_per_second AS rate, bucket.tokens,
        least(e.cap, place.free, floor(bucket.tokens)::int) AS free, e.ctid <> seen.ctid AS changed
    FROM endpoint e JOIN endpoint seen USING (id) LEFT JOIN room USING (id)
    CROSS JOIN LATERAL (SELECT CASE WHEN e.fail_streak >= $7 OR NOT e.proven THEN 1 - coalesce(room.flying, 0)
        ELSE coalesce(room.free, $4) END AS free) AS place
    CROSS JOIN LATERAL (SELECT CASE WHEN e.rate_per_second IS NULL THEN NULL
        WHEN e.tokens_at IS NULL THEN greatest(1, e.rate_per_second / 2)
        ELSE least(greatest(1, e.rate_per_second / 2), e.tokens + e.rate_per_second
            * greatest(0, extract(epoch FROM now() - e.tokens_at)::float8)) END AS tokens) AS bucket
    WHERE e.state = 'active' AND e.due_at <= now() AND coalesce(e.open_until, now()) <= now() AND place.free > 0
        AND coalesce(bucket.tokens, 1) >= 1
    ORDER BY e.due_at LIMIT $6 FOR NO KEY UPDATE OF e SKIP LOCKED
), taken AS MATERIALIZED (
    SELECT d.*, due.changed, due.ordered AND d.subject IS NOT NULL AND (due.changed OR EXISTS (
        SELECT FROM delivery earlier WHERE earlier.endpoint_id = d.endpoint_id AND earlier.subject = d.subject
            AND earlier.state NOT IN ('delivered', 'exhausted', 'cancelled') AND earlier.id < d.id)) AS blocked
    FROM due CROSS JOIN LATERAL (
        SELECT * FROM delivery WHERE endpoint_id = due.id AND state = 'pending' AND next_at <= now()
        ORDER BY next_at, id LIMIT due.free
    ) d LIMIT $5
), interrupted AS (
    INSERT INTO attempt (institution_id, endpoint_id, delivery_id, n, trigger, at, duration_ms, error)
    SELECT institution_id, endpoint_id, id, attempt, trigger, leased_at, 0, $9 FROM taken WHERE leased_at IS NOT NULL
    ON CONFLICT DO NOTHING
), claimed AS (
    UPDATE delivery SET attempt = attempt + 1, next_at = now() + make_interval(secs => $8), leased_at = now(),
        held_from = NULL
    WHERE id = ANY(ARRAY(SELECT id FROM taken WHERE NOT blocked)) AND next_at <= now()
        AND state NOT IN ('delivered', 'exhausted', 'cancelled')
    RETURNING id, endpoint_id, message_id, attempt, trigger, subject
), held AS (
    UPDATE delivery SET held_from = coalesce(held_from, next_at), next_at = now() + make_interval(secs => $10)
    WHERE id = ANY(ARRAY(SELECT id FROM taken WHERE blocked AND NOT changed)) AND next_at <= now()
        AND state NOT IN ('delivered', 'exhausted', 'cancelled')
), moved AS (
    UPDATE endpoint SET tokens = coalesce(rest.tokens, 0),
        tokens_at = CASE WHEN rest.tokens IS NOT NULL THEN greatest(tokens_at, now()) END,
        due_at = greatest(CASE WHEN due.changed THEN now() ELSE least(
            (SELECT d.next_at FROM delivery d WHERE d.endpoint_id = due.id AND d.state = 'pending'
                AND d.id <> ALL(ARRAY(SELECT id FROM taken WHERE taken.endpoint_id = due.id))
                ORDER BY d.next_at, d.id LIMIT 1),
            (SELECT now() + make_interval(secs => $8) FROM taken WHERE taken.endpoint_id = due.id LIMIT 1)) END,
            CASE WHEN rest.tokens < 1 THEN now() + make_interval(secs => (1 - rest.tokens) / due.rate) END)
    FROM due CROSS JOIN LATERAL (SELECT CASE WHEN due.rate IS NOT NULL THEN due.tokens
        - (SELECT count(*) FROM claimed WHERE claimed.endpoint_id = due.id) END AS tokens) AS rest
    WHERE endpoint.id = due.id
)
SELECT c.id, c.endpoint_id, c.attempt, c.trigger, c.subject, due.url, due.cap, due.version, due.format,
       m.id AS message_id, m.institution_id, m.event_id, m.type, m.body,
       CASE WHEN due.payload = 'full' THEN m.full_data END AS full_data, m.traceparent, m.created_at, blocked.blocked
FROM (SELECT count(*) AS blocked FROM taken WHERE blocked) AS blocked
LEFT JOIN (claimed c JOIN due ON due.id = c.endpoint_id JOIN message m ON m.id = c.message_id) ON true
ORDER BY c.id
"""
# One statement, so that a batch of successes is one exchange with the database. The locks come first: `outcome` is
# empty without them. What came of an attempt after its lease ran out replaces the word that it was interrupted. The
# latest attempt settles its delivery, and so does any that was received; one that was resent meanwhile has no lease.
# Counters are written under the endpoints' locks too, so two recorders never hold one each that the other waits for.
_RECORD = """
WITH locked AS MATERIALIZED (
    SELECT id FROM endpoint WHERE id = ANY($3) ORDER BY id FOR NO KEY UPDATE
), outcome AS MATERIALIZED (
    SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::int[], $5::text[], $6::timestamptz[], $7::int[],
        $8::int[], $9::text[], $10::text[], $11::text[], $12::timestamptz[]
    ) AS o(institution_id, delivery_id, endpoint_id, n, trigger, at, duration_ms, status, error, answer, state, next_at)
    WHERE (SELECT count(*) FROM locked) > 0
), recorded AS (
    INSERT INTO attempt (institution_id, endpoint_id, delivery_id, n, trigger, at, duration_ms, status, error, answer)
    SELECT institution_id, endpoint_id, delivery_id, n, trigger, at, duration_ms, status, error, answer FROM outcome
    ON CONFLICT (delivery_id, n) DO UPDATE SET at = excluded.at, duration_ms = excluded.duration_ms,
        status = excluded.status, error = excluded.error, answer = excluded.answer
), counted AS (
    INSERT INTO endpoint_hour AS counter (institution_id, endpoint_id, hour, outcome, bucket, attempts)
    SELECT institution_id, endpoint_id, date_trunc('hour', at),
        CASE WHEN state = 'delivered' THEN 'delivered' ELSE coalesce(error, 'refused') END,
        width_bucket(duration_ms, $14::int[]), count(*)
    FROM outcome GROUP BY 1, 2, 3, 4, 5
    ON CONFLICT (endpoint_id, hour, outcome, bucket) DO UPDATE SET attempts = counter.attempts + excluded.attempts
), settled AS (
    UPDATE delivery SET state = o.state, trigger = 'scheduled', next_at = coalesce(o.next_at, delivery.next_at),
        leased_at = NULL
    FROM outcome o WHERE delivery.id = ANY($2) AND delivery.id = o.delivery_id AND delivery.leased_at IS NOT NULL
        AND delivery.state NOT IN ('delivered', 'exhausted', 'cancelled')
        AND (delivery.attempt = o.n OR o.state = 'delivered')
), result AS (
    SELECT endpoint_id AS id, bool_or(state = 'delivered') AS succeeded, min(next_at) AS next_at,
        count(*) FILTER (WHERE state <> 'delivered') AS failed
    FROM outcome GROUP BY endpoint_id
)
UPDATE endpoint e SET proven = e.proven OR r.succeeded,
    fail_streak = CASE WHEN r.succeeded THEN 0 ELSE e.fail_streak + r.failed END,
    failing_since = CASE WHEN r.succeeded THEN NULL ELSE coalesce(e.failing_since, now()) END,
    open_until = CASE WHEN NOT r.succeeded AND e.fail_streak + r.failed >= $13 THEN now() + make_interval(
        secs => least(5 * 2 ^ least(e.fail_streak + r.failed - $13, 10), 300)) END,
    due_at = CASE WHEN e.state <> 'active' THEN NULL
        WHEN r.succeeded AND e.open_until IS NOT NULL THEN now() -- what is due has waited for the breaker alone
        WHEN r.succeeded OR e.fail_streak + r.failed < $13 THEN least(e.due_at, r.next_at)
        ELSE now() + make_interval(secs => least(5 * 2 ^ least(e.fail_streak + r.failed - $13, 10), 300)) END
FROM result r WHERE e.id = r.id
RETURNING e.id AS endpoint_id, e.institution_id, e.fail_streak, e.failing_since, e.warned_at
"""
# The attempt counts as interrupted once the delivery is taken again.
_LET_GO = """
WITH locked AS MATERIALIZED (
    SELECT id FROM endpoint WHERE id = ANY($3) ORDER BY id FOR NO KEY UPDATE
), freed AS (
    UPDATE delivery SET next_at = clock_timestamp() FROM unnest($1::bigint[], $2::int[]) AS late(id, attempt)
    WHERE delivery.id = ANY($1) AND delivery.id = late.id AND delivery.attempt = late.attempt
        AND delivery.leased_at IS NOT NULL AND delivery.state NOT IN ('delivered', 'exhausted', 'cancelled')
        AND (SELECT count(*) FROM locked) > 0
    RETURNING endpoint_id
)
UPDATE endpoint SET due_at = least(due_at, greatest(open_until, clock_timestamp()))
WHERE id IN (SELECT endpoint_id FROM freed) AND state = 'active'
"""
_REPAIR = """
UPDATE endpoint e SET due_at = clock_timestamp() WHERE state = 'active' AND due_at IS NULL
AND EXISTS (SELECT FROM delivery d WHERE d.endpoint_id = e.id AND d.state = 'pending')
"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery this process has to attempt now; `attempt` is the attempt's number, `subject` what its endpoint wants
    to hear of in order, `full_data` what goes in place of the body's data."""

    id: int
    endpoint_id: UUID
    attempt: int
    trigger: str
    subject: str | None
    url: str
    cap: int
    version: int
    format: Format
    message_id: str
    institution_id: UUID
    event_id: UUID
    type: str
    body: bytes
    full_data: bytes | None
    traceparent: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Room:
    """What this process can take: `slots` in all; of each endpoint in `known` `free` more beside those `flying`, and
    `start` of one that is not known."""

    slots: int
    known: Sequence[UUID]
    free: Sequence[int]
    flying: Sequence[int]
    start: int


async def claim(connection: Transaction, room: Room) -> list[Claimed]:
    """Take what is due and has room, under a lease. An endpoint that fails, or never answered, gets one at a time.

    Where all that was found has to wait for its turn, what stands behind it is looked at too.
    """
    for _ in range(LOOKS):
        rows = await connection.fetch(
            _CLAIM,
            room.known,
            room.free,
            room.flying,
            room.start,
            room.slots,
            ENDPOINTS_AT_ONCE,
            PROBE_STREAK,
            float(LEASE_SECONDS),
            INTERRUPTED,
            float(HOLD_SECONDS),
        )
        if rows[0]["id"] is not None:
            return [_claimed(row) for row in rows]
        if not rows[0]["blocked"]:
            break
    return []


def _claimed(row: Any) -> Claimed:
    fields = dict(row)
    del fields["blocked"]
    return Claimed(**fields)


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
    institution_id: UUID
    fail_streak: int
    failing_since: datetime | None
    warned_at: datetime | None


async def record(tx: Transaction, outcomes: Sequence[Outcome]) -> list[Standing]:
    """Store attempts, settle their deliveries, and count for their endpoints, which stay locked until `tx` ends."""
    rows = await tx.fetch(
        _RECORD,
        [outcome.claimed.institution_id for outcome in outcomes],
        [outcome.claimed.id for outcome in outcomes],
        [outcome.claimed.endpoint_id for outcome in outcomes],
        [outcome.claimed.attempt for outcome in outcomes],
        [outcome.claimed.trigger for outcome in outcomes],
        [outcome.at for outcome in outcomes],
        [outcome.duration_ms for outcome in outcomes],
        [outcome.status for outcome in outcomes],
        [outcome.error for outcome in outcomes],
        [outcome.answer for outcome in outcomes],
        [outcome.state for outcome in outcomes],
        [outcome.next_at for outcome in outcomes],
        PROBE_STREAK,
        BOUNDS,
    )
    return [Standing(**dict(row)) for row in rows]


async def let_go(connection: Transaction, late: Sequence[Claimed]) -> None:
    """Make deliveries due again that were taken and neither landed nor failed."""
    await connection.execute(
        _LET_GO, [each.id for each in late], [each.attempt for each in late], [each.endpoint_id for each in late]
    )


async def repair(connection: Transaction) -> None:
    """Wake active endpoints that have deliveries but no date, as after a restore by hand."""
    await connection.execute(_REPAIR)


async def backlog(connection: Transaction) -> tuple[int, float]:
    """How many deliveries to active endpoints wait, and how many seconds the oldest has waited for its first try."""
    row = await connection.fetchrow(
        "SELECT count(*) AS n, coalesce(extract(epoch FROM clock_timestamp() - min(next_at)"
        " FILTER (WHERE attempt = 0)), 0)::float AS oldest FROM delivery JOIN endpoint ON endpoint.id = endpoint_id"
        " WHERE delivery.state = 'pending' AND endpoint.state = 'active'"
    )
    assert row is not None
    return row["n"], max(0.0, row["oldest"])
