"""Reading a record never raises, whatever is in it, and never says more than it knows."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from shared.bus.port import Received
from shared.events.catalogue import CredentialIssued, CredentialRegistered
from shared.events.envelope import Envelope
from shared.inbox.dispatch import InvalidMessage, read
from shared.inbox.parking import RETRIES, failure_of
from tests.contract.events import record_of, registered

HEADER_NAMES = [
    "ce_id",
    "ce_type",
    "ce_time",
    "ce_sequence",
    "ce_source",
    "ce_subject",
    "ce_specversion",
    "traceparent",
]


async def handle(_tx: object, _envelope: Envelope, _event: CredentialRegistered) -> None:
    """A handler that is never called here."""


HANDLERS = {CredentialRegistered: handle}


def received(key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]) -> Received:
    return Received("registry.events", 3, 14, key, value, headers, 0)


@given(
    key=st.none() | st.binary(max_size=40),
    value=st.none() | st.binary(max_size=200),
    changed=st.dictionaries(st.sampled_from(HEADER_NAMES), st.none() | st.binary(max_size=60), max_size=4),
)
def test_whatever_comes_is_read_or_unreadable_or_ignored(
    key: bytes | None, value: bytes | None, changed: dict[str, bytes | None]
) -> None:
    whole = record_of("registry.events", registered(UUID(int=7)), **changed)
    incoming = read(received(key, value, list(whole.headers)), HANDLERS)
    assert incoming.event is None or incoming.unreadable is None
    incoming.key.encode("utf-8")
    assert "\x00" not in incoming.key


def test_a_well_formed_event_is_read() -> None:
    event = registered(UUID(int=7), version=3)
    sent = record_of("registry.events", event)
    incoming = read(received(sent.key, sent.value, list(sent.headers)), HANDLERS)
    assert incoming.event == event
    assert incoming.envelope is not None
    assert incoming.place == ("registry.events", str(UUID(int=7)))
    assert incoming.identity == ("/registry", str(incoming.envelope.id))


def test_an_event_without_handler_is_not_even_validated() -> None:
    sent = record_of("registry.events", registered(UUID(int=7)), ce_type=CredentialIssued.TYPE.encode(), value=b"junk")
    incoming = read(received(sent.key, sent.value, list(sent.headers)), HANDLERS)
    assert (incoming.event, incoming.unreadable) == (None, None)


def test_a_handlers_verdict_is_final_and_anything_else_is_tried_again() -> None:
    final = failure_of(InvalidMessage("unknown-key", "of nobody"), 0)
    assert (final.reason, final.detail, final.retry_in) == ("unknown-key", "of nobody", None)
    waits = [failure_of(KeyError("x"), tries).retry_in for tries in range(4)]
    assert waits == [*RETRIES, None]
