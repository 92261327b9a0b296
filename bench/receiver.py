"""A receiver that costs as little as one can in Python, so that senders are what is measured.

`python -m bench.receiver PORT`. `/ok` answers 200; `/timed` too, and notes how long ago the message's event was;
`/moody` as well until `GET /_hang`, and then never again. `GET /_count` gives the requests answered, `GET /_times`
the milliseconds noted so far, which it forgets.
"""

import asyncio
import sys
import time
from datetime import datetime

import orjson
import uvloop

_LENGTH, _TIMESTAMP = b"content-length: ", b'"timestamp":"'
_OK = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


class Books:
    """What all connections share."""

    answered = 0
    hanging = False
    times: list[float]

    def __init__(self) -> None:
        self.times = []

    def answer(self, path: bytes, body: bytes) -> bytes:
        """What goes back for one request; nothing for one that has to wait for ever."""
        if path == b"/_count":
            return _json(self.answered)
        if path == b"/_times":
            self.times, noted = [], self.times
            return _json(noted)
        if path == b"/_hang":
            self.hanging = True
            return _json(self.hanging)
        if self.hanging and path == b"/moody":
            return b""
        if path == b"/timed":
            self.times.append((time.time() - _moment(body)) * 1000)
        self.answered += 1
        return _OK


def _json(value: object) -> bytes:
    body = orjson.dumps(value)
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)


def _moment(body: bytes) -> float:
    start = body.index(_TIMESTAMP) + len(_TIMESTAMP)
    return datetime.fromisoformat(body[start : body.index(b'"', start)].decode()).timestamp()


class Connection(asyncio.Protocol):
    """Requests one after the other, as clients with a pool send them."""

    def __init__(self, books: Books) -> None:
        self._books, self._waiting = books, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where answers go."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        self._waiting += data
        while (end := self._waiting.find(b"\r\n\r\n")) >= 0:
            head = self._waiting[:end].lower()
            start = head.find(_LENGTH)
            length = int(head[start + len(_LENGTH) :].split(b"\r\n", 1)[0]) if start >= 0 else 0
            if len(self._waiting) < end + 4 + length:
                return
            body, self._waiting = self._waiting[end + 4 : end + 4 + length], self._waiting[end + 4 + length :]
            self._transport.write(self._books.answer(head.split(b" ", 2)[1], body))  # type: ignore[attr-defined]


async def main(port: int) -> None:
    """Listen until the process is ended."""
    books = Books()
    server = await asyncio.get_running_loop().create_server(lambda: Connection(books), "127.0.0.1", port, backlog=2048)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
