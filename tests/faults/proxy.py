"""A TCP proxy that misbehaves on command: freeze, drop, cut after so many bytes, lose the answer to a COMMIT."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass


class Proxy:
    """Forwards 127.0.0.1:`port` to `target`; the switches take effect on connections that are already open."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self.port = 0
        self.refuse = False
        self.cut_after: int | None = None
        self.lose_commit_of: bytes | None = None
        """Text; the transaction that sends it is committed, and its connections close instead of saying so."""
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._writers: set[asyncio.StreamWriter] = set()

    def freeze(self) -> None:
        """Hold every byte in both directions."""
        self._flowing.clear()

    def thaw(self) -> None:
        """Let the held bytes go on."""
        self._flowing.set()

    def cut_answers_after(self, count: int) -> None:
        """Close every connection once `count` more bytes have come back from the target."""
        self.cut_after = count

    def drop(self) -> None:
        """Close every open connection at once."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refuse:
            writer.transport.abort()
            return
        try:
            upstream_reader, upstream_writer = await asyncio.open_connection(*self.target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, upstream_writer}
        watched = _Conversation()
        try:
            await asyncio.gather(
                self._pump(reader, upstream_writer, watched, answers=False),
                self._pump(upstream_reader, writer, watched, answers=True),
            )
        finally:
            self._writers -= {writer, upstream_writer}
            writer.close()
            upstream_writer.close()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, watched: "_Conversation", *, answers: bool
    ) -> None:
        with contextlib.suppress(ConnectionError, OSError):
            while data := await reader.read(65536):
                await self._flowing.wait()
                if answers and watched.committing:
                    self.drop()
                    return
                if not answers and self.lose_commit_of is not None:
                    watched.hear(data, self.lose_commit_of)
                if answers and self.cut_after is not None:
                    data, self.cut_after = data[: self.cut_after], max(0, self.cut_after - len(data))
                    if not self.cut_after:
                        self.drop()
                        return
                writer.write(data)
                await writer.drain()
        with contextlib.suppress(OSError, RuntimeError):
            writer.write_eof()


@dataclass(slots=True)
class _Conversation:
    """What one connection said so far, as far as it matters."""

    marked: bool = False
    committing: bool = False

    def hear(self, data: bytes, mark: bytes) -> None:
        self.marked = self.marked or mark in data
        self.committing = self.marked and b"COMMIT" in data


@contextlib.asynccontextmanager
async def proxied(host: str, port: int) -> AsyncIterator[Proxy]:
    """A running proxy in front of `host:port`, closed with all its connections at the end."""
    proxy = Proxy((host, port))
    server = await asyncio.start_server(proxy._serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        proxy.thaw()
        proxy.drop()
