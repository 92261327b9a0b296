"""Send an endpoint an example of an event, in the way of every message."""

from datetime import datetime
from functools import partial
from uuid import UUID

from services.notifier.domain.content import Addresses, body_of, full_data, message_id
from services.notifier.domain.errors import Unknown, WrongState
from services.notifier.domain.examples import example
from services.notifier.store import endpoints, messages
from services.notifier.store.messages import NewMessage
from shared.events.catalogue import BY_SHORT_NAME
from shared.events.ids import new_id
from shared.postgres.database import Transaction


async def send_test(
    tx: Transaction, institution_id: UUID, endpoint_id: UUID, name: str, *, addresses: Addresses, now: datetime
) -> str:
    """Queue the example of the event type `name`, marked as a test, for that endpoint alone; gives the message's id.

    Raises Unknown, and WrongState for an endpoint that gets nothing at present.
    """
    endpoint = await endpoints.lock(tx, endpoint_id)
    if endpoint is None:
        raise Unknown("there is no such endpoint")
    if endpoint.state != "active":
        raise WrongState(f"the endpoint is {endpoint.state} and gets nothing")
    event = example(BY_SHORT_NAME[name], institution_id)
    message = NewMessage(
        id=message_id(),
        institution_id=institution_id,
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
