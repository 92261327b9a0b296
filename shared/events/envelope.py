"""The CloudEvents 1.0 envelope in Kafka binary mode, and the base class of every event.

An event is a frozen value in the past tense. Its wire name, the field that orders it (the key) and the topic it
belongs to are class arguments, so a type and its place on the bus cannot drift apart.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Self
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

SPEC_VERSION = "1.0"
CONTENT_TYPE = "application/json"
MAX_VALUE_BYTES = 256 * 1024
_TYPE = re.compile(r"org\.laurel\.(?P<short>[a-z_]+\.[a-z_]+)\.v(?P<version>[1-9]\d*)")

_SEQUENCE = re.compile(r"[0-9]{1,20}")
_MAX_SEQUENCE = 2**63 - 1

Header = tuple[str, bytes]


class UnreadableEvent(Exception):
    """A record that is not a well-formed event of a known type; `reason` is a stable word, `str()` says more."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Event(BaseModel):
    """A fact. Subclass with `type`, `topic` and `key` (the name of the field whose value orders events of a kind).

    Writers must give every field and no other; readers ignore fields they do not know (see `from_value`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_timedelta="iso8601")

    TYPE: ClassVar[str]
    TOPIC: ClassVar[str]
    KEY: ClassVar[str]

    version: int = Field(
        ge=1, description="Version of the subject after this event; grows by one with each of its events."
    )

    def __init_subclass__(cls, *, type: str = "", topic: str = "", key: str = "", **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not type:
            return
        if _TYPE.fullmatch(type) is None:
            raise TypeError(f"{cls.__name__}: {type!r} is not of the form org.laurel.<noun>.<past participle>.v<n>")
        cls.TYPE, cls.TOPIC, cls.KEY = type, topic, key

    @property
    def key(self) -> str:
        """What orders this event: events with one key reach every consumer in the order they were appended."""
        return str(getattr(self, self.KEY))

    @classmethod
    def short_name(cls) -> str:
        """`credential.issued` for `org.laurel.credential.issued.v1`: the name endpoints filter by."""
        match = _TYPE.fullmatch(cls.TYPE)
        assert match is not None
        return match["short"]

    def to_value(self) -> bytes:
        """The JSON bytes put on the bus; at most `MAX_VALUE_BYTES`, else ValueError."""
        value = orjson.dumps(self.model_dump(mode="json", exclude_none=True))
        if len(value) > MAX_VALUE_BYTES:
            raise ValueError(f"event {self.TYPE} is {len(value)} bytes, more than {MAX_VALUE_BYTES}")
        return value

    @classmethod
    def from_value(cls, value: bytes) -> Self:
        """Read bus bytes, ignoring unknown fields at every level. Raises UnreadableEvent."""
        try:
            return cls.model_validate_json(value, extra="ignore")
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = "/".join(str(part) for part in first["loc"])
            raise UnreadableEvent("invalid-event", f"{cls.TYPE}: {where or 'value'}: {first['msg']}") from error


@dataclass(frozen=True, slots=True)
class Envelope:
    """The CloudEvents attributes of one record. `id` names the fact for ever: a replay carries the same one."""

    id: UUID
    type: str
    source: str
    subject: str
    time: datetime
    sequence: int
    traceparent: str | None = None
    tracestate: str | None = None

    def headers(self) -> list[Header]:
        """Kafka headers of the binary mode (CloudEvents Kafka protocol binding 3.2.3)."""
        named = {
            "ce_specversion": SPEC_VERSION,
            "ce_id": str(self.id),
            "ce_type": self.type,
            "ce_source": self.source,
            "ce_subject": self.subject,
            "ce_time": self.time.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "ce_sequence": f"{self.sequence:020d}",
            "ce_partitionkey": self.subject,
            "content-type": CONTENT_TYPE,
        }
        if self.traceparent:
            named["traceparent"] = self.traceparent
        if self.tracestate:
            named["tracestate"] = self.tracestate
        return [(name, text.encode()) for name, text in named.items()]

    @classmethod
    def from_headers(cls, headers: list[Header]) -> Self:
        """Read the attributes back. Raises UnreadableEvent for a missing or malformed one."""
        found = dict(headers)
        if _text(found, "ce_specversion") != SPEC_VERSION:
            raise UnreadableEvent("malformed-attribute", "ce_specversion is not 1.0")
        try:
            return cls(
                id=UUID(_text(found, "ce_id")),
                type=_text(found, "ce_type"),
                source=_text(found, "ce_source"),
                subject=_text(found, "ce_subject"),
                time=_time(_text(found, "ce_time")),
                sequence=_sequence(_text(found, "ce_sequence")),
                traceparent=_text(found, "traceparent") if "traceparent" in found else None,
                tracestate=_text(found, "tracestate") if "tracestate" in found else None,
            )
        except ValueError as error:
            raise UnreadableEvent("malformed-attribute", str(error)[:200]) from error


def _text(found: Mapping[str, bytes], name: str) -> str:
    """An attribute as text that every store takes: not empty, no control characters. Raises UnreadableEvent."""
    try:
        text = found[name].decode()
    except KeyError:
        raise UnreadableEvent("missing-attribute", name) from None
    except UnicodeDecodeError:
        raise UnreadableEvent("malformed-attribute", f"{name} is not UTF-8") from None
    if not text or not text.isprintable():
        raise UnreadableEvent("malformed-attribute", f"{name} is empty or has control characters")
    return text


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError("ce_time has no time zone")
    return time


def _sequence(text: str) -> int:
    if _SEQUENCE.fullmatch(text) is None or int(text) > _MAX_SEQUENCE:
        raise ValueError("ce_sequence is not a number up to 2^63-1")
    return int(text)
