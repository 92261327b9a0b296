"""How a poll of the embedded bus divides what it may read among partitions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.bus.embedded_subscription import share_out
from shared.bus.port import TopicPartition


def places(count: int) -> list[TopicPartition]:
    return [TopicPartition("t", number) for number in range(count)]


def shares(backlogs: list[int], max_records: int) -> list[int]:
    """What each partition gets, with that many records waiting in it."""
    where = places(len(backlogs))
    ranges = share_out(dict.fromkeys(where, 10), {p: 10 + b for p, b in zip(where, backlogs, strict=True)}, max_records)
    got = {place: records for place, _, records in ranges}
    return [got.get(place, 0) for place in where]


@pytest.mark.parametrize(
    ("backlogs", "max_records", "expected"),
    [
        ([0, 0], 10, [0, 0]),
        ([5, 0, 3], 10, [5, 0, 3]),
        ([1000], 500, [500]),
        ([1000, 1000], 500, [250, 250]),
        ([1000, 10], 500, [490, 10]),
        ([5, 5, 5], 2, [1, 1, 0]),
        ([1000, 1000, 1000], 500, [167, 167, 166]),
    ],
)
def test_small_backlogs_are_read_whole_and_large_ones_share_the_rest(backlogs, max_records, expected):
    assert shares(backlogs, max_records) == expected


@given(st.lists(st.integers(0, 5000), max_size=40), st.integers(1, 1000))
def test_as_much_is_read_as_there_is_or_may_be(backlogs, max_records):
    got = shares(backlogs, max_records)
    assert sum(got) == min(sum(backlogs), max_records)
    assert all(0 <= mine <= backlog for mine, backlog in zip(got, backlogs, strict=True))


def test_reading_begins_at_the_position():
    [place] = places(1)
    assert share_out({place: 7}, {place: 9}, 100) == [(place, 7, 2)]


def test_a_partition_that_nobody_knows_the_end_of_is_not_read():
    one, two = places(2)
    assert share_out({one: 0, two: 0}, {one: 3}, 10) == [(one, 0, 3)]
