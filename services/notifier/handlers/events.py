"""An event becomes a message, and a delivery for each endpoint that asked for it, in the consumer's transaction."""

from collections.abc import Callable
from typing import Any

from services.notifier.domain.content import Addresses, body_of, message_id
from services.notifier.store import messages
from shared.events.envelope import Envelope
from shared.inbox.dispatch import Handler
from shared.postgres.database import Transaction


def fan_out_with(addresses: Addresses, wake: Callable[[], None]) -> Handler:
    """The handler of every type."""

    async def fan_out(tx: Transaction, envelope: Envelope, event: Any) -> None:
        body = body_of(event, envelope.time, addresses)
        queued = await messages.fan_out(
            tx,
            message_id(),
            event.institution_id,
            envelope.id,
            event.short_name(),
            body,
            envelope.traceparent,
            envelope.time,
        )
        if queued:
            tx.after_commit(wake)

    return fan_out
