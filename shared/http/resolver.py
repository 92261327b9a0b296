"""Host names by the system's own resolver, such that a slow name server holds up nobody but its own names.

The event loop's pool has a handful of threads, and a lookup cannot be broken off: six names whose servers do not answer
would be enough to stop every other lookup of the process. Here each lookup has a thread of its own, and a name has one.
"""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Sequence
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

LOOKUPS_AT_ONCE = 256
_NUMERIC = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV

Found = Sequence[tuple[socket.AddressFamily, int, int, str, tuple[Any, ...]]]


class Resolver(AbstractResolver):
    """For aiohttp's connector. Threads are daemons: one that waits for a name server does not keep the process."""

    def __init__(self) -> None:
        self._running: dict[tuple[str, socket.AddressFamily], asyncio.Task[Found]] = {}
        self._room = asyncio.Semaphore(LOOKUPS_AT_ONCE)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The host's addresses. Raises OSError. Who stops waiting leaves the lookup to those who ask again."""
        place = host, family
        lookup = self._running.get(place)
        if lookup is None:
            lookup = self._running[place] = asyncio.create_task(self._look_up(host, family))
            lookup.add_done_callback(lambda done: self._forget(place, done))
        return [
            ResolveResult(hostname=host, host=_text(address), port=port, family=kind, proto=protocol, flags=_NUMERIC)
            for kind, _, protocol, _, address in await asyncio.shield(lookup)
        ]

    async def close(self) -> None:
        """Wait for nothing."""
        for lookup in list(self._running.values()):
            lookup.cancel()

    def _forget(self, place: tuple[str, socket.AddressFamily], done: asyncio.Task[Found]) -> None:
        del self._running[place]
        if not done.cancelled():
            done.exception()  # whoever wanted it has gone perhaps, and nobody has to be told

    async def _look_up(self, host: str, family: socket.AddressFamily) -> Found:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Found] = loop.create_future()

        def settle(found: Found | OSError) -> None:
            if answer.done():
                return
            if isinstance(found, OSError):
                answer.set_exception(found)
            else:
                answer.set_result(found)

        def work() -> None:
            found = _ask(host, family)
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(settle, found)

        async with self._room:
            threading.Thread(target=work, name=f"lookup {host}", daemon=True).start()
            return await answer


def _ask(host: str, family: socket.AddressFamily) -> Found | OSError:
    try:
        return socket.getaddrinfo(host, None, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    except (OSError, UnicodeError) as error:  # UnicodeError: a name too long for its encoding
        return error if isinstance(error, OSError) else OSError(str(error))


def _text(address: tuple[object, ...]) -> str:
    """The address in digits; a link-local one with its zone."""
    return f"{address[0]}%{address[3]}" if len(address) > 3 and address[3] else str(address[0])
