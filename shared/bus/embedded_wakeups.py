"""LISTEN/NOTIFY for the embedded bus: tells consumers of other processes that records came.

Only to be quicker than polling, so every failure is passed over. On a connection of its own, apart from the appends
and at most every 10 ms: a notifying commit takes a lock of the whole server.
"""

import asyncio
import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import asyncpg

from shared.bus.embedded_database import AWAY
from shared.bus.waiting import bounded

_CHANNEL = "laurel_bus"
_EVERY = 0.01
_RECONNECT_AFTER = 1.0
_TIMEOUT = 3.0


class Wakeups:
    """One a process. Connects with the first listener or announcement, and again when the connection ends."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._listeners: dict[asyncio.Event, frozenset[str]] = {}
        self._topics: set[str] = set()
        self._announced = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def listening(self, topics: Sequence[str], event: asyncio.Event) -> Iterator[None]:
        """Set `event` whenever records came to one of `topics`."""
        self._ensure_running()
        self._listeners[event] = frozenset(topics)
        try:
            yield
        finally:
            del self._listeners[event]

    def announce(self, topics: Iterable[str]) -> None:
        """Tell every process that records came to `topics`; returns at once."""
        self._ensure_running()
        self._topics.update(topics)
        self._announced.set()

    async def close(self) -> None:
        """Send what is left to announce, and disconnect."""
        task, self._task = self._task, None
        if task is not None:
            if self._topics:
                await asyncio.sleep(2 * _EVERY)
            task.cancel()
            await bounded(task, 1)

    def _ensure_running(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(*AWAY):
                await self._serve()
            await asyncio.sleep(_RECONNECT_AFTER)

    async def _serve(self) -> None:
        """Listen and announce on one connection until it ends."""
        settings = {"application_name": "laurel-bus-wakeups", "synchronous_commit": "off"}
        connection = await asyncpg.connect(
            self._url, timeout=_TIMEOUT, command_timeout=_TIMEOUT, server_settings=settings
        )
        ended = self._announced
        connection.add_termination_listener(lambda *_: ended.set())
        try:
            await connection.add_listener(_CHANNEL, self._on_notify)
            while not connection.is_closed():
                await self._announced.wait()
                self._announced.clear()
                topics, self._topics = self._topics, set()
                if topics:
                    await connection.execute("SELECT pg_notify($1, $2)", _CHANNEL, ",".join(sorted(topics)))
                    await asyncio.sleep(_EVERY)
        finally:
            connection.terminate()

    def _on_notify(self, _connection: Any, _pid: int, _channel: str, payload: str) -> None:
        came = payload.split(",")
        for event, topics in self._listeners.items():
            if not topics.isdisjoint(came):
                event.set()
