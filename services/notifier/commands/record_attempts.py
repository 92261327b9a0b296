"""Record attempts and what follows: deliveries settled, endpoints counted or switched off, events about both."""

from collections.abc import Sequence
from datetime import datetime

from services.notifier.commands.write_letter import write_institution_letter
from services.notifier.domain.delivery import DISABLE_AFTER, GONE, disable_reason, warning_due
from services.notifier.store import deliveries, endpoints, holds, warnings
from services.notifier.store.deliveries import Outcome, Standing
from shared.events.catalogue import EndpointDisabled, EndpointFailing, MessageExhausted
from shared.outbox import outbox
from shared.postgres.database import Transaction


async def record_attempts(tx: Transaction, outcomes: Sequence[Outcome], *, now: datetime) -> None:
    """All in `tx`: attempts stored, message.exhausted for those given up; endpoint.disabled and a letter to the
    institution for those switched off, and the same with endpoint.failing beforehand.

    Where `needs_transaction` says so, they are several statements, which only a transaction keeps together.
    """
    standings = await deliveries.record(tx, outcomes)
    if settled := [
        (each.claimed.endpoint_id, each.claimed.subject)
        for each in outcomes
        if each.claimed.subject is not None and each.state != "pending"
    ]:
        await holds.release(tx, settled)
    for outcome in outcomes:
        if outcome.state == "exhausted":
            await _announce_exhausted(tx, outcome, now)
    gone = {outcome.claimed.endpoint_id for outcome in outcomes if outcome.status == GONE}
    for standing in standings:
        reason = disable_reason(standing.endpoint_id in gone, standing.fail_streak, standing.failing_since, now)
        if reason is not None:
            await _disable(tx, standing, reason, now)
        elif warning_due(standing.fail_streak, standing.failing_since, standing.warned_at, now):
            await _warn(tx, standing, now)


def needs_transaction(outcomes: Sequence[Outcome]) -> bool:
    """Whether recording them is more than one statement: there may be events, or deliveries that wait their turn."""
    return any(not outcome.ok or outcome.claimed.subject is not None for outcome in outcomes)


async def _disable(tx: Transaction, standing: Standing, reason: str, now: datetime) -> None:
    version = await endpoints.disable(tx, standing.endpoint_id, reason)
    if version is None:  # paused, removed or disabled meanwhile
        return
    event = EndpointDisabled(
        version=version,
        endpoint_id=standing.endpoint_id,
        institution_id=standing.institution_id,
        reason=reason,
        disabled_at=now,
    )
    await outbox.append(tx, event, at=now)
    await write_institution_letter(
        tx, "endpoint-disabled", institution_id=standing.institution_id, endpoint_id=standing.endpoint_id, now=now
    )


async def _warn(tx: Transaction, standing: Standing, now: datetime) -> None:
    version = await warnings.note(tx, standing.endpoint_id, now)
    if version is None or standing.failing_since is None:
        return
    event = EndpointFailing(
        version=version,
        endpoint_id=standing.endpoint_id,
        institution_id=standing.institution_id,
        failing_since=standing.failing_since,
        attempts=standing.fail_streak,
        disabled_after=standing.failing_since + DISABLE_AFTER,
    )
    await outbox.append(tx, event, at=now)
    await write_institution_letter(
        tx, "endpoint-failing", institution_id=standing.institution_id, endpoint_id=standing.endpoint_id, now=now
    )


async def _announce_exhausted(tx: Transaction, outcome: Outcome, now: datetime) -> None:
    event = MessageExhausted(
        version=await endpoints.next_event_version(tx, outcome.claimed.endpoint_id),
        message_id=outcome.claimed.message_id,
        endpoint_id=outcome.claimed.endpoint_id,
        institution_id=outcome.claimed.institution_id,
        attempts=outcome.claimed.attempt,
        exhausted_at=now,
    )
    await outbox.append(tx, event, at=now)
