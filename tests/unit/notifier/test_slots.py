"""How many attempts may be in flight over all endpoints."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.domain.slots import PATIENCE_SECONDS, SLOW_SLOTS_EACH, Slots


def test_what_is_in_flight_holds_a_slot_until_it_ends() -> None:
    slots = Slots(3)
    first, second = slots.take(0), slots.take(0)
    assert slots.free(0.5) == 1
    slots.give_back(first)
    slots.give_back(second)
    assert slots.free(0.5) == 3


def test_what_hangs_makes_room_after_a_second() -> None:
    slots = Slots(2)
    hanging = [slots.take(0), slots.take(0.5)]
    assert slots.free(PATIENCE_SECONDS - 0.1) == 0
    assert slots.free(PATIENCE_SECONDS) == 1
    assert slots.free(PATIENCE_SECONDS + 0.5) == 2
    for ticket in hanging:
        slots.give_back(ticket)
    assert slots.free(10) == 2


def test_there_is_an_end_to_what_may_hang() -> None:
    slots, now = Slots(2), 0.0
    for _ in range(SLOW_SLOTS_EACH + 1):
        assert slots.free(now) == 2
        slots.take(now)
        oldest = slots.take(now)
        now += PATIENCE_SECONDS
    assert slots.free(now) == 0
    slots.give_back(oldest)
    assert slots.free(now) == 1
    assert slots.most == 2 * (1 + SLOW_SLOTS_EACH)


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 3)), max_size=200), st.integers(1, 5))
def test_no_more_than_all_are_ever_in_flight_and_none_is_lost(steps: list[tuple[bool, float]], quick: int) -> None:
    slots, now, flying = Slots(quick), 0.0, []
    for begin, later in steps:
        now += later
        if begin and slots.free(now) > 0:
            flying.append(slots.take(now))
        elif flying:
            slots.give_back(flying.pop(len(flying) // 2))
        assert len(flying) <= slots.most
    for ticket in flying:
        slots.give_back(ticket)
    assert slots.free(now) == pytest.approx(quick)
