"""Records of the embedded bus as they are stored."""

from collections import Counter
from datetime import UTC, datetime

import orjson
from hypothesis import given
from hypothesis import strategies as st

from shared.bus.embedded_records import append_arguments, partition_of, received
from shared.bus.port import PARTITIONS, Record
from shared.events.ids import new_id

HEADERS = st.lists(st.tuples(st.text(st.characters(exclude_categories=["Cs"])), st.binary()))


def row_of(record: Record) -> dict[str, object]:
    """What the table gives back for it."""
    topics, partitions, nths, keys, values, headers = append_arguments([record])[3:]
    return {
        "topic": topics[0],
        "partition": partitions[0],
        "offset": nths[0],
        "key": keys[0],
        "value": values[0],
        "headers": headers[0],
        "ms": int(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1000),
    }


@given(st.binary(), HEADERS)
def test_any_bytes_in_headers_come_back_and_the_stored_form_is_json_without_nul(key, headers):
    row = row_of(Record("t", key, b"", headers))
    assert "\0" not in "".join(text for _, *texts in orjson.loads(str(row["headers"])) for text in texts if text)
    assert received(row).headers == headers
    assert received(row).key == key


def test_text_headers_are_stored_readable():
    assert row_of(Record("t", b"k", b"", [("ce_type", b"org.laurel.x")]))["headers"] == '[["ce_type","org.laurel.x"]]'


def test_records_are_numbered_within_their_partition_in_order():
    records = [Record("t", key, b"%d" % n, []) for n, key in enumerate([b"a", b"b", b"a", b"a", b"b"])]
    topics, partitions, counts, _, of_record, nths, keys, *_ = append_arguments(records)
    assert dict(zip(partitions, counts, strict=True)) == {partition_of(b"a"): 3, partition_of(b"b"): 2}
    assert topics == ["t", "t"]
    assert [(key, nth) for key, nth in zip(keys, nths, strict=True)] == [
        (b"a", 0), (b"b", 0), (b"a", 1), (b"a", 2), (b"b", 1),
    ]  # fmt: skip
    assert of_record == [partition_of(key) for key in keys]


def test_keys_keep_the_partition_they_had_in_earlier_releases():
    """Another one would let later events of a key overtake earlier ones."""
    assert [partition_of(key) for key in (b"", b"a", b"018f3a7e-0000-7000-8000-000000000000")] == [0, 3, 11]


def test_ids_spread_over_all_partitions():
    counts = Counter(partition_of(str(new_id()).encode()) for _ in range(12_000))
    assert len(counts) == PARTITIONS
    assert min(counts.values()) > 700
