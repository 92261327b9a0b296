"""What the notifier tells operators and institutions about deliveries."""

from datetime import datetime
from uuid import UUID

from shared.events.envelope import Event

_TOPIC = "notifier.events"


class EndpointDisabled(Event, type="org.laurel.endpoint.disabled.v1", topic=_TOPIC, key="endpoint_id"):
    """An endpoint gets nothing more until it is enabled again; its deliveries wait."""

    endpoint_id: UUID
    institution_id: UUID
    reason: str
    disabled_at: datetime


class MessageExhausted(Event, type="org.laurel.message.exhausted.v1", topic=_TOPIC, key="endpoint_id"):
    """Every scheduled try of one message to one endpoint failed; a person can still resend it."""

    message_id: str
    endpoint_id: UUID
    institution_id: UUID
    attempts: int
    exhausted_at: datetime
