"""Section "bad input" of the HTTP contract: what the JSON reader refuses, and how fast."""

import time
import tracemalloc

import pytest

from shared.http.problems import InvalidInput, Problem
from shared.http.strict_json import MAX_DEPTH, MAX_NODES, parse

REFUSED = [
    (b"", 400, "invalid-json", "there is no body"),
    (b" \t\r\n", 400, "invalid-json", "there is no body"),
    (b'{"a": 1', 400, "invalid-json", "line 1, column 8"),
    (b'{"a": 1}\n x', 400, "invalid-json", "line 2, column 2"),
    (b'{\n "a": tru}', 400, "invalid-json", "line 2, column 7"),
    (b'\xef\xbb\xbf{"a": 1}', 400, "invalid-json", "line 1, column 1"),
    (b'{"a": 1,}', 400, "invalid-json", "line 1"),
    (b"{'a': 1}", 400, "invalid-json", "line 1, column 2"),
    (b'{"a": "tab\there"}', 400, "invalid-json", "line 1, column 11"),
    (b'{"a": 01}', 400, "invalid-json", "line 1"),
    (b'{"a": 1, "a": 2}', 400, "duplicate-key", "line 1, column 10"),
    (b'{"b": {"a": 1},\n "c": [{"a": 1, "\\u0061": 2}]}', 400, "duplicate-key", "line 2, column 17"),
    (b'{"a": NaN}', 400, "invalid-number", "line 1, column 7"),
    (b'["NaN", -Infinity]', 400, "invalid-number", "line 1, column 9"),
    (b'{"a": 1e999}', 400, "invalid-number", "line 1, column 7"),
    (b'{"a": -1E+309}', 400, "invalid-number", "line 1, column 7"),
    (b'{"a": 1.7e0309}', 400, "invalid-number", "line 1, column 7"),
    (b'{"a": 5E400}', 400, "invalid-number", "line 1, column 7"),
    (b'{"a": 0.1, "b": 1e+400}', 400, "invalid-number", "line 1, column 17"),
    (b'{"a": ' + b"9" * 5000 + b"}", 400, "invalid-number", "line 1, column 7"),
    (b'{"a": 9007199254740992}', 400, "invalid-number", "line 1, column 7"),
    (b'{"a": "\xff"}', 400, "invalid-character", "line 1, column 8"),
    (b'{"a": "\xed\xa0\x80"}', 400, "invalid-character", "line 1, column 8"),
    (b"[" * 100_000, 400, "too-deep", "line 1, column 33"),
    (b'{"a":' * 100_000, 400, "too-deep", "column"),
    (b"[" + b"1," * 500_000 + b"1]", 400, "too-many-nodes", "column"),
]


@pytest.mark.parametrize(("data", "status", "code", "where"), REFUSED)
def test_text_that_two_readers_could_read_differently_is_refused(
    data: bytes, status: int, code: str, where: str
) -> None:
    with pytest.raises(Problem) as refused:
        parse(data)
    assert (refused.value.STATUS, refused.value.code) == (status, code)
    assert where in refused.value.detail


@pytest.mark.parametrize("text", [rb"\u0000", rb"\ud800", rb"\udc00x", rb"\ud83d\ud83d"])
def test_a_text_no_database_holds_is_refused_with_its_place(text: bytes) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse(b'{"a/b": [{"~c": "x' + text + b'"}]}')
    assert [(error.code, error.pointer) for error in refused.value.errors] == [("invalid-character", "#/a~1b/0/~0c")]


def test_a_key_with_such_a_character_is_refused_at_its_object() -> None:
    with pytest.raises(InvalidInput) as refused:
        parse(b'{"a": {"k\\u0000": 1}}')
    assert refused.value.errors[0].pointer == "#/a"


def test_an_over_long_text_is_refused_with_its_place() -> None:
    with pytest.raises(InvalidInput) as refused:
        parse(b'{"a": ["' + b"x" * 65_537 + b'"]}')
    assert (refused.value.code, refused.value.errors[0].pointer) == ("too-long", "#/a/0")


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (
            b'{"a": "\\ud83d\\ude00", "b": 9007199254740991, "c": 1e300}',
            {"a": "\U0001f600", "b": 2**53 - 1, "c": 1e300},
        ),
        (b'"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["', "[" * 36),
        (b' {"a": [], "b": {}} ', {"a": [], "b": {}}),
        (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, None),
        (b"-0.5", -0.5),
    ],
)
def test_ordinary_text_is_read(data: bytes, value: object) -> None:
    parsed = parse(data)
    assert value is None or parsed == value


def test_the_limit_of_values_is_exact() -> None:
    assert len(parse(b"[" + b"1," * (MAX_NODES - 2) + b"1]")) == MAX_NODES - 1
    assert len(parse(b"[" + b"[ ]," * (MAX_NODES - 2) + b"[]]")) == MAX_NODES - 1
    with pytest.raises(Problem, match="10000 values"):
        parse(b"[" + b"1," * (MAX_NODES - 1) + b"1]")


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 1_000_000,
        b"[" * 40 + b'"' + b'\\"' * 500_000,
        b"[" * 20 + b"]" * 20 + b'["' + b'\\"' * 400_000 + b'"' + b"[" * 100,
        b"[" + b"[],[]," * 160_000 + b"1]",
        b'{"a":' + b'"' * 1_000_000,
        b"1" * 1_000_000,
        b"[" + b" " * 1_000_000,
        (b"[" + b" " * 20_000) * 33,
        b'{"a":1,' * 30 + b'"b":"' + b"\\u0041" * 150_000,
    ],
)
def test_a_hostile_megabyte_costs_little_time_and_memory(data: bytes) -> None:
    assert min(cpu_seconds(data) for _ in range(3)) < 0.05
    tracemalloc.start()
    with pytest.raises(Problem):
        parse(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20 * len(data)


def cpu_seconds(data: bytes) -> float:
    """What refusing it costs this process, however busy the machine is."""
    started = time.process_time()
    with pytest.raises(Problem):
        parse(data)
    return time.process_time() - started
