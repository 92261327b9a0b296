"""How records stand in the embedded bus's table, and how they are put there."""

import base64
import zlib
from collections.abc import Sequence
from typing import Any

import orjson

from shared.bus.port import PARTITIONS, Received, Record

Headers = Sequence[tuple[str, bytes]]

# The heads are locked in one order by all producers, so two batches cannot wait for each other. Offsets come from the
# locked rows, and head and records become visible together.
APPEND = """
WITH place AS (
    SELECT * FROM unnest($1::text[], $2::integer[], $3::bigint[]) AS t(topic, partition, records)
), locked AS MATERIALIZED (
    SELECT p.topic, p.partition, p.next_offset FROM bus_partition p JOIN place USING (topic, partition)
    ORDER BY p.topic, p.partition FOR UPDATE OF p
), moved AS (
    UPDATE bus_partition p SET next_offset = locked.next_offset + place.records
    FROM locked JOIN place USING (topic, partition) WHERE p.topic = locked.topic AND p.partition = locked.partition
), stored AS (
    INSERT INTO bus_record (topic, partition, "offset", key, value, headers)
    SELECT topic, partition, locked.next_offset + r.nth, r.key, r.value, r.headers::jsonb
    FROM unnest($4::text[], $5::integer[], $6::bigint[], $7::bytea[], $8::bytea[], $9::text[])
         AS r(topic, partition, nth, key, value, headers) JOIN locked USING (topic, partition)
)
SELECT DISTINCT topic FROM locked
"""
# What is read at once is limited in number by the ranges, and in bytes (after the first record of each partition).
FETCH = """
SELECT r.topic, r.partition, r."offset", r.key, r.value, r.headers, r.ms
FROM unnest($1::text[], $2::integer[], $3::bigint[], $4::bigint[]) AS wanted(topic, partition, first, records)
CROSS JOIN LATERAL (
    SELECT b.*, (extract(epoch FROM b.at) * 1000)::bigint AS ms,
           sum(octet_length(b.value)) OVER (ORDER BY b."offset") - octet_length(b.value) AS bytes_before
    FROM (
        SELECT * FROM bus_record WHERE topic = wanted.topic AND partition = wanted.partition
        AND "offset" >= wanted.first ORDER BY "offset" LIMIT wanted.records
    ) b
) r WHERE r.bytes_before < $5 ORDER BY r.topic, r.partition, r."offset"
"""
# Always from the front of a partition, so that what is left of it stays dense.
EXPIRE = """
WITH old AS (
    SELECT p.topic, p.partition, head.past FROM bus_partition p CROSS JOIN LATERAL (
        SELECT max("offset") + 1 AS past FROM (
            SELECT "offset", at FROM bus_record r
            WHERE r.topic = p.topic AND r.partition = p.partition ORDER BY "offset" LIMIT $2
        ) front WHERE front.at < clock_timestamp() - make_interval(secs => $1)
    ) head WHERE head.past IS NOT NULL
), moved AS (
    UPDATE bus_partition p SET first_offset = old.past FROM old
    WHERE p.topic = old.topic AND p.partition = old.partition
), gone AS (
    DELETE FROM bus_record r USING old
    WHERE r.topic = old.topic AND r.partition = old.partition AND r."offset" < old.past RETURNING 1
)
SELECT count(*) FROM gone
"""


def partition_of(key: bytes) -> int:
    """Where the records of a key go, the same for ever."""
    return zlib.crc32(key) % PARTITIONS


def append_arguments(records: Sequence[Record]) -> list[list[Any]]:
    """The arguments of APPEND: for each partition how many, for each record its place among those and itself."""
    counts: dict[tuple[str, int], int] = {}
    rows = []
    for record in records:
        place = (record.topic, partition_of(record.key))
        nth = counts.get(place, 0)
        counts[place] = nth + 1
        rows.append((*place, nth, record.key, record.value, _stored(record.headers)))
    places = [(topic, partition, number) for (topic, partition), number in counts.items()]
    return [list(column) for part in (places, rows) for column in zip(*part, strict=True)]


def received(row: Any) -> Received:
    """A row of FETCH as the port has it."""
    return Received(
        topic=row["topic"],
        partition=row["partition"],
        offset=row["offset"],
        key=row["key"],
        value=row["value"],
        headers=[(name, _bytes(*stored)) for name, *stored in orjson.loads(row["headers"])],
        timestamp_ms=row["ms"],
    )


def _stored(headers: Headers) -> str:
    return orjson.dumps([[name, *_text(value)] for name, value in headers]).decode()


def _text(value: bytes) -> list[str | None]:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = "\0"
    # jsonb has no U+0000.
    return [text] if "\0" not in text else [None, base64.b64encode(value).decode()]


def _bytes(text: str | None, encoded: str = "") -> bytes:
    return base64.b64decode(encoded) if text is None else text.encode()
