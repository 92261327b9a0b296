"""How many requests an endpoint may have in flight."""

from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from services.notifier.domain.window import START, Windows

CAP = 8
E = uuid4()


def size(windows: Windows) -> int:
    """What an endpoint with nothing in flight may take."""
    _, [free], [flying] = windows.rooms()
    return free + flying


def test_it_starts_slowly_grows_with_each_success_and_stops_at_the_cap() -> None:
    windows, sizes = Windows(), []
    for _ in range(10):
        windows.sent(E)
        windows.landed(E, ok=True, cap=CAP)
        sizes.append(size(windows))
    assert sizes == [3, 4, 5, 6, 7, 8, 8, 8, 8, 8]


def test_it_halves_with_each_failure_and_never_closes() -> None:
    windows = Windows()
    for _ in range(6):
        windows.sent(E)
        windows.landed(E, ok=True, cap=CAP)
    sizes = []
    for _ in range(5):
        windows.sent(E)
        windows.landed(E, ok=False, cap=CAP)
        sizes.append(size(windows))
    assert sizes == [4, 2, 1, 1, 1]


def test_what_is_in_flight_takes_room() -> None:
    windows = Windows()
    windows.sent(E)
    assert windows.rooms() == ([E], [START - 1], [1])
    windows.sent(E)
    assert windows.rooms() == ([E], [0], [2])


def test_only_the_idle_are_forgotten_and_only_when_there_are_many() -> None:
    windows = Windows()
    busy = uuid4()
    windows.sent(busy)
    for _ in range(20):
        idle = uuid4()
        windows.sent(idle)
        windows.landed(idle, ok=True, cap=CAP)
    windows.forget_idle(most=100)
    assert len(windows.rooms()[0]) == 21
    windows.forget_idle(most=20)
    assert windows.rooms()[0] == [busy]


@given(st.lists(st.booleans(), max_size=200))
def test_whatever_happens_the_room_stays_between_one_and_the_cap(results: list[bool]) -> None:
    windows = Windows()
    windows.sent(E)
    windows.landed(E, ok=True, cap=CAP)
    for ok in results:
        windows.sent(E)
        windows.landed(E, ok=ok, cap=CAP)
        assert 1 <= size(windows) <= CAP
