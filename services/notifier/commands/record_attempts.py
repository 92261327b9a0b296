"""Record attempts and what follows: deliveries settled, endpoints counted or switched off, events about both."""

from collections.abc import Sequence
from datetime import datetime

from services.notifier.commands.write_letter import write_institution_letter
from services.notifier.domain.delivery import GONE, disable_reason
from services.notifier.store import deliveries, endpoints
from services.notifier.store.deliveries import Outcome, Standing
from shared.events.catalogue import EndpointDisabled, MessageExhausted
from shared.outbox import outbox
from shared.postgres.database import Transaction


async def record_attempts(tx: Transaction, outcomes: Sequence[Outcome], *, now: datetime) -> None:
    """All in `tx`: attempts stored, message.exhausted for those given up; endpoint.disabled, and a letter to the
    institution, for those switched off."""
    standings = await deliveries.record(tx, outcomes)
    for outcome in outcomes:
        if outcome.state == "exhausted":
            await _announce_exhausted(tx, outcome, now)
    gone = {outcome.claimed.endpoint_id for outcome in outcomes if outcome.status == GONE}
    for standing in standings:
        reason = disable_reason(standing.endpoint_id in gone, standing.fail_streak, standing.failing_since, now)
        if reason is not None:
            await _disable(tx, standing, reason, now)


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
