"""What was fetched is remembered within bounds, and fetched once for everybody who asks at the same time."""

import asyncio
from collections.abc import Sequence

import pytest

from services.verifier.commands.memory import Batches, Flights, Memory


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_value_is_forgotten_when_its_time_is_over() -> None:
    clock = Clock()
    memory: Memory[str, int] = Memory(10, clock=clock)
    memory.put("a", 1, 5)
    clock.now = 4.9
    assert memory.get("a") == 1
    clock.now = 5.0
    assert memory.get("a") is None


def test_the_least_recently_used_goes_first() -> None:
    memory: Memory[str, int] = Memory(2)
    memory.put("a", 1, 60)
    memory.put("b", 2, 60)
    assert memory.get("a") == 1
    memory.put("c", 3, 60)
    assert [memory.get(key) for key in "abc"] == [1, None, 3]


def test_weight_is_bounded_and_given_back() -> None:
    memory: Memory[str, int] = Memory(100, weight=10)
    for number in range(50):
        memory.put("same", number, 60, weight=6)
    memory.put("other", 1, 60, weight=4)
    assert memory.get("same") == 49
    memory.put("big", 1, 60, weight=9)
    assert [memory.get(key) for key in ("same", "other", "big")] == [None, None, 1]


async def test_a_thousand_askers_cause_one_fetch() -> None:
    flights: Flights[str, int] = Flights()
    begun = 0
    release = asyncio.Event()

    async def work() -> int:
        nonlocal begun
        begun += 1
        await release.wait()
        return 7

    askers = [asyncio.create_task(flights.join("list", work)) for _ in range(1000)]
    await asyncio.sleep(0)
    release.set()
    assert await asyncio.gather(*askers) == [7] * 1000
    assert begun == 1
    assert not flights.has("list")


async def test_an_asker_who_gives_up_does_not_end_it_for_the_others() -> None:
    flights: Flights[str, int] = Flights()
    release = asyncio.Event()

    async def work() -> int:
        await release.wait()
        return 7

    first = asyncio.create_task(flights.join("list", work))
    second = asyncio.create_task(flights.join("list", work))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    release.set()
    assert await second == 7
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_a_failure_reaches_everybody_and_the_next_asker_tries_again() -> None:
    flights: Flights[str, int] = Flights()

    async def fails() -> int:
        raise ValueError("no")

    outcomes = await asyncio.gather(*(flights.join("list", fails) for _ in range(3)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ValueError] * 3

    async def works() -> int:
        return 1

    assert await flights.join("list", works) == 1


async def test_questions_that_come_meanwhile_are_asked_together() -> None:
    asked: list[list[str]] = []
    release = asyncio.Event()

    async def ask(keys: Sequence[str]) -> dict[str, int]:
        asked.append(list(keys))
        await release.wait()
        return {key: len(key) for key in keys if key != "unknown"}

    batches: Batches[str, int] = Batches(ask)
    first = asyncio.create_task(batches.get(["a"]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    others = [asyncio.create_task(batches.get(["bb", "unknown", f"c{n % 3}"])) for n in range(50)]
    await asyncio.sleep(0)
    release.set()
    assert await first == {"a": 1}
    assert await others[1] == {"bb": 2, "c1": 2}
    await asyncio.gather(*others)
    assert [sorted(keys) for keys in asked] == [["a"], ["bb", "c0", "c1", "c2", "unknown"]]


async def test_a_failed_question_fails_those_who_asked_it_and_nobody_else() -> None:
    fails = True

    async def ask(keys: Sequence[str]) -> dict[str, int]:
        if fails:
            raise ValueError("no")
        return dict.fromkeys(keys, 1)

    batches: Batches[str, int] = Batches(ask)
    outcomes = await asyncio.gather(*(batches.get(["a"]) for _ in range(3)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ValueError] * 3
    fails = False
    assert await batches.get(["a"]) == {"a": 1}


async def test_one_who_stops_waiting_does_not_disturb_the_others() -> None:
    release = asyncio.Event()

    async def ask(keys: Sequence[str]) -> dict[str, int]:
        await release.wait()
        return dict.fromkeys(keys, 1)

    batches: Batches[str, int] = Batches(ask)
    tasks = [asyncio.create_task(batches.get([key])) for key in "abc"]
    await asyncio.sleep(0)
    tasks[1].cancel()
    release.set()
    assert await tasks[0] == {"a": 1}
    assert await tasks[2] == {"c": 1}
