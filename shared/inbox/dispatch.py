"""From a record of the bus to a handler's call: reading, dispatch by type, one span an event."""

import contextlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from opentelemetry.trace import SpanKind
from opentelemetry.util.types import AttributeValue

from shared.bus.port import Received
from shared.events.catalogue import BY_TYPE
from shared.events.envelope import Envelope, Event, UnreadableEvent
from shared.postgres.database import Transaction
from shared.telemetry.tracing import span_from

Handler = Callable[[Transaction, Envelope, Any], Awaitable[None]]
Handlers = Mapping[type[Event], Handler]


class InvalidMessage(Exception):
    """A handler's word that an event will never succeed here; `reason` is a stable word for it."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Incoming:
    """A record as far as it could be read. `event` is None for a type nobody here listens to or knows."""

    record: Received
    envelope: Envelope | None
    event: Event | None
    unreadable: UnreadableEvent | None

    @property
    def key(self) -> str:
        """The record's key as text that Postgres takes."""
        return (self.record.key or b"").decode("utf-8", "backslashreplace").replace("\x00", "\\x00")

    @property
    def place(self) -> tuple[str, str]:
        """(topic, key): what keeps order, and so what is parked together."""
        return self.record.topic, self.key

    @property
    def identity(self) -> tuple[str, str] | None:
        """(source, id): what names a duplicate."""
        return (self.envelope.source, str(self.envelope.id)) if self.envelope else None


def read(record: Received, handlers: Handlers) -> Incoming:
    """Parse a record; never raises. Only events that have a handler are validated, so a foreign type costs nothing."""
    envelope: Envelope | None = None
    try:
        envelope = Envelope.from_headers(list(record.headers))
        event_type = BY_TYPE.get(envelope.type)
        if event_type is None or event_type not in handlers:
            return Incoming(record, envelope, None, None)
        return Incoming(record, envelope, event_type.from_value(record.value or b""), None)
    except UnreadableEvent as error:
        return Incoming(record, envelope, None, error)


async def call(tx: Transaction, incoming: Incoming, handlers: Handlers, group: str) -> None:
    """Run the handler of a readable event in a CONSUMER span whose parent is the event's creation context."""
    assert incoming.envelope is not None
    if incoming.event is None:
        return
    with _span(incoming, group):
        await handlers[type(incoming.event)](tx, incoming.envelope, incoming.event)


@contextlib.contextmanager
def _span(incoming: Incoming, group: str) -> Iterator[None]:
    record, envelope = incoming.record, incoming.envelope
    assert envelope is not None
    attributes: dict[str, AttributeValue] = {
        "messaging.system": "kafka",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": record.topic,
        "messaging.destination.partition.id": str(record.partition),
        "messaging.consumer.group.name": group,
        "messaging.kafka.offset": record.offset,
        "messaging.message.id": str(envelope.id),
    }
    with span_from(envelope.traceparent, f"process {record.topic}", SpanKind.CONSUMER, attributes):
        yield
