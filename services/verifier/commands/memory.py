"""Memory of what was fetched, bounded in number and weight, and one fetch at a time for each thing."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Memory(Generic[K, V]):
    """Remembers values for the seconds given with each; forgets the least recently used beyond its bounds."""

    def __init__(self, entries: int, weight: int | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._entries, self._most, self._clock = entries, weight, clock
        self._kept: OrderedDict[K, tuple[float, int, V]] = OrderedDict()
        self._weight = 0

    def get(self, key: K) -> V | None:
        """The value, or None when there is none or its time is over."""
        found = self._kept.get(key)
        if found is None or found[0] <= self._clock():
            return None
        self._kept.move_to_end(key)
        return found[2]

    def put(self, key: K, value: V, seconds: float, weight: int = 0) -> None:
        """Remember a value for so long."""
        self.drop(key)
        self._kept[key] = (self._clock() + seconds, weight, value)
        self._weight += weight
        while len(self._kept) > self._entries or (self._most is not None and self._weight > self._most):
            self.drop(next(iter(self._kept)))

    def drop(self, key: K) -> None:
        """Forget a value."""
        if (found := self._kept.pop(key, None)) is not None:
            self._weight -= found[1]


class Flights(Generic[K, V]):
    """Work that is the same for everybody who asks for it meanwhile: done once, its outcome shared."""

    def __init__(self) -> None:
        self._running: dict[K, asyncio.Task[V]] = {}

    def has(self, key: K) -> bool:
        """Whether the work is being done."""
        return key in self._running

    async def join(self, key: K, work: Callable[[], Awaitable[V]]) -> V:
        """The outcome of `work`, begun by whoever came first. Whoever gives up does not end it for the others."""
        task = self._running.get(key)
        if task is None:
            task = asyncio.ensure_future(work())
            self._running[key] = task
            task.add_done_callback(lambda done: self._land(key, done))
        return await asyncio.shield(task)

    def _land(self, key: K, task: "asyncio.Task[V]") -> None:
        del self._running[key]
        if not task.cancelled():
            task.exception()  # seen, though perhaps everybody who waited is gone
