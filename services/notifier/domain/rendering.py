"""A message as an endpoint wants it: Standard Webhooks, or CloudEvents 1.0 over HTTP, structured or binary.

Every rendering is put around the stored bytes of the data, so that each attempt sends, and signs, the same body. What
is put around them must never change its form: a retry may be sent by a later release.
"""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote
from uuid import UUID

import orjson

from services.notifier.domain.content import TOLD, Audience, body_around, data_in, moment
from services.notifier.domain.endpoint import Format
from shared.events.catalogue import BY_SHORT_NAME

JSON = "application/json"
CLOUD_EVENT = "application/cloudevents+json"
# Characters of a CloudEvents attribute that stand for themselves in a header (HTTP binding 1.0.2, 3.1.3.2).
_PLAIN = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"%')


@dataclass(frozen=True, slots=True)
class Saying:
    """A message as it is stored. `body` is the thin one; `full_data` goes in place of its data where it is not None."""

    type: str
    event_id: UUID
    at: datetime
    body: bytes
    full_data: bytes | None = None

    @property
    def data(self) -> bytes:
        """The bytes of the data."""
        return data_in(self.body) if self.full_data is None else self.full_data


@dataclass(frozen=True, slots=True)
class Rendered:
    """What is sent, but for the signature."""

    headers: dict[str, str]
    body: bytes


def render(saying: Saying, format: Format) -> Rendered:
    """The message in that format."""
    if format == "cloudevents-structured":
        context = orjson.dumps({**_attributes(saying), "datacontenttype": JSON})
        return Rendered({"content-type": CLOUD_EVENT}, context[:-1] + b',"data":' + saying.data + b"}")
    if format == "cloudevents-binary":
        named = {f"ce-{name}": quote(value, safe=_PLAIN) for name, value in _attributes(saying).items()}
        return Rendered({"content-type": JSON, **named}, saying.data)
    whole = saying.body if saying.full_data is None else body_around(saying.type, saying.at, saying.full_data)
    return Rendered({"content-type": JSON}, whole)


def source_of(audience: Audience, name: str) -> str:
    """The service whose event it is that such a tenant hears of by that name."""
    return f"/{TOLD[audience][name].TOPIC.partition('.')[0]}"


def _attributes(saying: Saying) -> dict[str, str]:
    """The context attributes (CloudEvents 1.0.2, 3.1). Id and source are those of the event on the bus, and so name it
    for ever; the type goes by the message's name, which is what the endpoint asked for."""
    data, named = orjson.loads(data_in(saying.body)), BY_SHORT_NAME[saying.type]
    return {
        "specversion": "1.0",
        "id": str(saying.event_id),
        "source": source_of("platform" if "share_id" in data else "institution", saying.type),
        "type": named.TYPE,
        "subject": str(data[named.KEY]),
        "time": moment(saying.at),
    }
