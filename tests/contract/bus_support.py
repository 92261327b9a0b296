"""What the contract tests of the bus share: records, reading, polling in the background, members as processes."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from shared.bus.embedded import EmbeddedBus
from shared.bus.kafka import KafkaBus
from shared.bus.port import Bus, CommitLost, Producer, Received, Record, Subscription, TopicPartition

Join = Callable[..., Awaitable[Subscription]]
Batches = Mapping[TopicPartition, Sequence[Received]]
_ROOT = Path(__file__).parents[2]


def records(topic: str, keys: int, each: int) -> list[Record]:
    """For each key the values 0, 1, 2…, the keys interleaved."""
    return [Record(topic, f"key-{key}".encode(), str(n).encode(), []) for n in range(each) for key in range(keys)]


async def send(producer: Producer, batch: Sequence[Record]) -> None:
    assert await producer.send_all(batch, 10) == [None] * len(batch)


async def read(member: Subscription, count: int, *, commit: bool = True, seconds: float = 15) -> list[Received]:
    """Poll until `count` records came."""
    found: list[Received] = []
    deadline = time.monotonic() + seconds
    while len(found) < count:
        assert time.monotonic() < deadline, f"{len(found)} of {count} records after {seconds} s"
        batches = await member.poll(500, 0.2)
        found += [record for batch in batches.values() for record in batch]
        if commit and batches:
            await member.commit(ends_of(batches))
    return found


def ends_of(batches: Batches) -> dict[TopicPartition, int]:
    return {place: batch[-1].offset + 1 for place, batch in batches.items()}


def values_by_key(found: Sequence[Received]) -> dict[bytes | None, list[int]]:
    by_key: dict[bytes | None, list[int]] = {}
    for record in found:
        by_key.setdefault(record.key, []).append(int(record.value or b""))
    return by_key


def first_values(found: Sequence[Received]) -> dict[bytes | None, list[int]]:
    """As `values_by_key`, each value where it came first: order, where repeats are allowed."""
    return {key: list(dict.fromkeys(values)) for key, values in values_by_key(found).items()}


@asynccontextmanager
async def polling(member: Subscription, timeout: float = 0.2) -> AsyncIterator[list[Received]]:
    """Keep a member polling and committing in the background, as a consumer does; gives what it reads."""
    found: list[Received] = []

    async def work() -> None:
        while True:
            batches = await member.poll(500, timeout)
            found.extend(record for batch in batches.values() for record in batch)
            if batches:
                try:
                    await member.commit(ends_of(batches))
                except CommitLost:
                    continue

    task = asyncio.create_task(work())
    try:
        yield found
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def eventually(condition: Callable[[], object], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not so within {seconds} s"
        await asyncio.sleep(0.02)


class MemberProcess:
    """A group member in a process of its own, to be killed and frozen. It reads what there is, then waits."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.pid = process.pid

    @classmethod
    async def start(cls, bus: Bus, topic: str, group: str, instance: str) -> "MemberProcess":
        """Return when it has joined the group."""
        kind, address = _address(bus)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.contract.bus_member", kind, address, topic, group, instance),
            cwd=_ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        member = cls(process)
        assert await member.says() == "joined"
        return member

    async def says(self) -> str:
        """Its next line."""
        assert self._process.stdout is not None
        return (await asyncio.wait_for(self._process.stdout.readline(), 30)).decode().strip()

    async def read(self, count: int) -> None:
        """Let it read `count` records without committing."""
        await self._tell(f"read {count}")
        assert await self.says() == f"read {count}"

    async def commit(self) -> str:
        """Let it commit what it read: "committed", or the name of what was raised."""
        await self._tell("commit")
        return await self.says()

    async def kill(self) -> None:
        """SIGKILL, unless it has ended."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()

    async def _tell(self, command: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n".encode())
        await self._process.stdin.drain()


def _address(bus: Bus) -> tuple[str, str]:
    if isinstance(bus, KafkaBus):
        return "kafka", bus.bootstrap
    assert isinstance(bus, EmbeddedBus)
    return "embedded", bus.url
