"""Bitstring status lists: bits, bounds, bombs, and positions that tell nothing."""

import base64
import gzip
import tracemalloc
import zlib
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.credentials import MIN_ENTRIES, StatusList, StatusListError, position
from shared.credentials.status_list import MAX_BYTES


def packed(bits: bytes) -> str:
    return "u" + base64.urlsafe_b64encode(gzip.compress(bits, mtime=0)).rstrip(b"=").decode()


def code_of(encoded: str) -> str:
    with pytest.raises(StatusListError) as caught:
        StatusList.decode(encoded)
    return caught.value.code


@given(st.sets(st.integers(0, MIN_ENTRIES - 1), max_size=50))
@settings(max_examples=20, deadline=None)
def test_bits_come_back(chosen: set[int]) -> None:
    bits = StatusList.empty()
    for index in chosen:
        bits.set(index, value=True)
    again = StatusList.decode(bits.encode())
    assert {index for index in range(MIN_ENTRIES) if again.get(index)} == chosen


def test_entry_0_is_the_left_most_bit() -> None:
    bits = StatusList.empty()
    bits.set(0, value=True)
    assert bytes(bits)[0] == 0x80
    bits.set(0, value=False)
    assert not any(bytes(bits))


def test_the_same_bits_give_the_same_text() -> None:
    assert StatusList.empty().encode() == StatusList.empty().encode()


@pytest.mark.parametrize("index", [-1, MIN_ENTRIES, 10**12])
def test_an_index_outside_is_a_range_error(index: int) -> None:
    with pytest.raises(StatusListError) as caught:
        StatusList.empty().get(index)
    assert caught.value.code == "RANGE_ERROR"


def test_a_bomb_is_not_unpacked() -> None:
    assert code_of(packed(bytes(100 * MAX_BYTES))) == "status-list-too-large"
    assert StatusList.decode(packed(bytes(MAX_BYTES))).size == MAX_BYTES * 8


@pytest.mark.parametrize("encoded", ["", "u", "u!!", "zabc", "uAAAA", packed(bytes(20_000))[:-20]])
def test_what_is_no_list_is_malformed(encoded: str) -> None:
    assert code_of(encoded) == "MALFORMED_VALUE_ERROR"


@given(st.binary(min_size=1, max_size=32), st.integers(1, 700))
@settings(max_examples=30, deadline=None)
def test_positions_are_a_permutation(seed: bytes, size: int) -> None:
    assert sorted(position(seed, count, size) for count in range(size)) == list(range(size))


def test_positions_depend_on_the_seed_and_do_not_follow_the_order_of_issuing() -> None:
    first = [position(b"one", count, MIN_ENTRIES) for count in range(200)]
    second = [position(b"two", count, MIN_ENTRIES) for count in range(200)]
    assert first != second
    steps = [abs(after - before) for before, after in pairwise(first)]
    assert sum(step < 1000 for step in steps) < 20
    with pytest.raises(ValueError, match="no counter"):
        position(b"one", MIN_ENTRIES, MIN_ENTRIES)


def test_ten_gigabytes_of_zeros_are_not_unpacked() -> None:
    """Each mebibyte packs to the same kilobyte after a full flush, so the bomb is made without unpacking it either."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    head = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    bomb = "u" + base64.urlsafe_b64encode(head + again * (10 * 1024)).rstrip(b"=").decode()
    tracemalloc.start()
    with pytest.raises(StatusListError) as refused:
        StatusList.decode(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert refused.value.code == "status-list-too-large"
    assert peak < 5 * len(bomb)


@given(st.integers(1, 8), st.dictionaries(st.integers(0, 200), st.integers(0, 255), max_size=20))
def test_entries_of_several_bits_stand_side_by_side(bits: int, values: dict[int, int]) -> None:
    made = StatusList.empty(2048)
    for index, value in values.items():
        made.set_value(index, bits, value % 2**bits)
    again = StatusList.decode(made.encode())
    assert all(again.value(index, bits) == value % 2**bits for index, value in values.items())
    others = set(range(201)) - values.keys()
    assert not any(again.value(index, bits) for index in others)


def test_the_first_bit_of_an_entry_is_its_highest() -> None:
    made = StatusList.empty(16)
    made.set_value(1, 4, 0b1010)
    assert bytes(made) == b"\x0a\x00"
    with pytest.raises(StatusListError):
        made.value(4, 4)
