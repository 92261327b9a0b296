"""Which rows go after a pass in which some records failed."""

from shared.bus.port import BusUnavailable
from shared.outbox.relay import _acknowledged

FAILED = BusUnavailable("no")


def rows(*keys: str) -> list[dict[str, object]]:
    return [{"id": number, "topic": "t", "key": key} for number, key in enumerate(keys, 1)]


def test_everything_acknowledged_goes() -> None:
    assert _acknowledged(rows("a", "b"), [None, None]) == ([1, 2], [])


def test_of_each_key_only_what_lies_before_its_first_failure_goes() -> None:
    outcomes = [None, None, FAILED, None, None, None]
    assert _acknowledged(rows("a", "b", "a", "a", "b", "c"), outcomes) == ([1, 2, 5, 6], [FAILED])


def test_the_same_key_in_another_topic_is_another_key() -> None:
    two = [*rows("a"), {"id": 2, "topic": "u", "key": "a"}]
    assert _acknowledged(two, [FAILED, None]) == ([2], [FAILED])
