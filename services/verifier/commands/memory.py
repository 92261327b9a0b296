"""Memory of what was fetched, bounded in number and weight; questions asked together, and fetches done once."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
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


class Batches(Generic[K, V]):
    """Collects questions while the last ones are being answered, and asks them together.

    The first asks at once; under load one question to the database serves everybody who waits.
    """

    def __init__(self, ask: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]]) -> None:
        self._ask = ask
        self._waiting: list[tuple[Sequence[K], asyncio.Future[Mapping[K, V]]]] = []
        self._asking: asyncio.Task[None] | None = None

    async def get(self, keys: Sequence[K]) -> dict[K, V]:
        """The answers to `keys`, where there are any. Raises what the question raised."""
        future: asyncio.Future[Mapping[K, V]] = asyncio.get_running_loop().create_future()
        self._waiting.append((keys, future))
        if self._asking is None:
            self._asking = asyncio.ensure_future(self._ask_all())
        answers = await future
        return {key: answers[key] for key in keys if key in answers}

    async def _ask_all(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                answers = await self._ask(list({key: None for keys, _ in batch for key in keys}))
            except Exception as error:
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
            else:
                for _, future in batch:
                    if not future.done():
                        future.set_result(answers)
        self._asking = None


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
