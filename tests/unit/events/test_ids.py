"""Ids sort by time and know their day."""

import time
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

from shared.events.ids import day_of, new_id


def test_ids_are_of_version_7_unique_and_in_order() -> None:
    ids = [new_id() for _ in range(10_000)]
    assert {identifier.version for identifier in ids} == {7}
    assert sorted(set(ids)) == ids


def test_an_id_carries_the_moment_it_was_made() -> None:
    before = time.time_ns() // 1_000_000
    identifier = new_id()
    assert before <= identifier.int >> 80 <= time.time_ns() // 1_000_000
    assert day_of(identifier) == datetime.now(UTC).date()


def test_the_day_of_an_id_is_its_utc_day() -> None:
    midnight = int(datetime(2026, 7, 1, tzinfo=UTC).timestamp() * 1000)
    tail = new_id().int & (1 << 80) - 1
    assert day_of(UUID(int=midnight << 80 | tail)) == date(2026, 7, 1)
    assert day_of(UUID(int=(midnight - 1) << 80 | tail)) == date(2026, 6, 30)


def test_an_id_of_another_version_has_the_same_day_for_ever() -> None:
    assert day_of(uuid4()) == date(1970, 1, 1)
