"""What the notifier tells operators and institutions about deliveries."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from shared.events.envelope import Event

_TOPIC = "notifier.events"


class EndpointFailing(Event, type="org.laurel.endpoint.failing.v1", topic=_TOPIC, key="endpoint_id"):
    """Every attempt to reach an endpoint has failed for a day, or for four; it is disabled unless one succeeds."""

    endpoint_id: UUID
    institution_id: UUID
    failing_since: datetime
    attempts: int = Field(description="How many failed since the last success.")
    disabled_after: datetime = Field(description="The first failure after this time disables the endpoint.")


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
