"""Server-sent events as they are read (HTML, 9.2.6), for a server that ends its lines with a newline."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event; `id` is what the server wants back as `Last-Event-ID`."""

    id: str
    type: str
    data: str


class EventParser:
    """What comes over one connection. `last_id` is the place to go on from, `retry` the seconds to wait before that."""

    def __init__(self, last_id: str = "", retry: float = 2.0) -> None:
        self.last_id = last_id
        self.retry = retry
        self._rest = b""
        self._type = ""
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> Iterator[ServerEvent]:
        """The events that `chunk` completes. Half a line waits for its other half."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            if line.strip():
                self._field(line.decode().rstrip("\r"))
                continue
            if self._data:
                yield ServerEvent(self.last_id, self._type or "message", "\n".join(self._data))
            self._type, self._data = "", []

    def _field(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "id":
            self.last_id = value
        elif name == "event":
            self._type = value
        elif name == "data":
            self._data.append(value)
        elif name == "retry" and value.isdecimal():
            self.retry = int(value) / 1000
