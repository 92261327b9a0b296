"""An event becomes a message in the consumer's transaction."""

import re
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from services.notifier.commands.fan_out import FanOut
from services.notifier.domain.content import (
    Addresses,
    Unspeakable,
    body_of,
    full_data,
    message_id,
    name_of,
    tenant_of,
)
from services.notifier.store.messages import NewMessage
from shared.events.envelope import Envelope
from shared.inbox.dispatch import Handler, InvalidMessage
from shared.postgres.database import Transaction

_TRACEPARENT = re.compile("[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


def announce_with(addresses: Addresses, fan_out: FanOut, is_news: Callable[[datetime], bool]) -> Handler:
    """The handler of every type; it makes no message of an event of a time that is no news."""

    async def announce(tx: Transaction, envelope: Envelope, event: Any) -> None:
        if not is_news(envelope.time):
            return
        try:
            body = body_of(event, envelope.time, addresses)
        except Unspeakable as error:
            raise InvalidMessage("unspeakable", str(error)) from None
        message = NewMessage(
            id=message_id(),
            institution_id=tenant_of(event),
            event_id=envelope.id,
            type=name_of(event),
            body=body,
            traceparent=_traceparent(envelope),
            created_at=envelope.time,
            subject=envelope.subject,
            achievement_id=getattr(event, "achievement_id", None),
            full_data=partial(full_data, event, addresses),
            about=getattr(event, "endpoint_id", None),
            issuer_id=event.institution_id,
        )
        fan_out.add(tx, message)

    return announce


def _traceparent(envelope: Envelope) -> str | None:
    """The event's creation context, unless the header holds something else."""
    found = envelope.traceparent
    return found if found and _TRACEPARENT.fullmatch(found) else None
