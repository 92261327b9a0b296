"""Send an endpoint an example of an event, in the way of every message."""

from datetime import datetime
from functools import partial
from uuid import UUID

from services.notifier.domain.content import Addresses, Audience, body_of, full_data, message_id
from services.notifier.domain.errors import Unknown, WrongState
from services.notifier.domain.examples import told_to
from services.notifier.store import endpoints, messages
from services.notifier.store.messages import NewMessage
from shared.events.ids import new_id
from shared.postgres.database import Transaction


async def send_test(
    tx: Transaction,
    tenant_id: UUID,
    endpoint_id: UUID,
    name: str,
    audience: Audience,
    *,
    addresses: Addresses,
    now: datetime,
) -> str:
    """Queue the example of the event type `name`, as such a tenant hears of it, marked as a test and for that endpoint
    alone; gives the message's id.

    Raises Unknown, and WrongState for an endpoint that gets nothing at present.
    """
    endpoint = await endpoints.lock(tx, endpoint_id)
    if endpoint is None:
        raise Unknown("there is no such endpoint")
    if endpoint.state != "active":
        raise WrongState(f"the endpoint is {endpoint.state} and gets nothing")
    event = told_to(audience, name, tenant_id)
    message = NewMessage(
        id=message_id(),
        institution_id=tenant_id,
        event_id=new_id(),
        type=name,
        body=body_of(event, now, addresses, test=True),
        traceparent=None,
        created_at=now,
        subject=None,
        achievement_id=None,
        full_data=partial(full_data, event, addresses, test=True),
    )
    await messages.add_for(tx, message, endpoint_id, full=endpoint.payload == "full")
    return message.id
