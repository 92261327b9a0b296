"""What was fetched is remembered within bounds, and fetched once for everybody who asks at the same time."""

import asyncio

import pytest

from services.verifier.commands.memory import Flights, Memory


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
