"""The language of filters: what parses, what is refused and where. What they mean is tested on the database."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.domain.filter import MAX_DEPTH, MAX_LENGTH, InvalidFilter, compiled

WORDS = ["and", "or", "not", "in", "exists", "true", "null", "status", "links.verify", "==", "!=", "<", ">=", "(", ")"]
PIECES = [*WORDS, "[", "]", ",", '"a"', '"\\""', "1", "-0.5", ".", '"', "$", "\u00e9", "\n"]


@pytest.mark.parametrize(
    "text",
    [
        'status == "active"',
        'status=="active"and not(revision<3)',
        'status == "active" and achievement_id in ["a", "b"]',
        "exists(links.credential) or revision >= 2.5",
        'not not status != null and (test == true or verdict in ["valid",1,false])',
        '\n\tdid\n>\n"did:web:\u00e9\U0001f393"\n',
        r'did == "a\"b\\c\/d"',
        "((((a == 1))))",
        "android == 1 or nothing == 2 or inner == 3",
    ],
)
def test_a_filter_is_compiled_to_a_path_of_plain_characters(text: str) -> None:
    path = compiled(text)
    assert path.isascii()
    assert path.isprintable()
    assert path.count("(") == path.count(")")


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("", 1),
        ("   ", 4),
        ("status", 7),
        ("status =", 8),
        ('status = "active"', 8),
        ("status ==", 10),
        ("status == active", 11),
        ("status == 'active'", 11),
        ('"active" == status', 1),
        ('status == "active', 11),
        ('status == "a\\n"', 11),
        ("status == 1 status == 2", 13),
        ("status == 1 and", 16),
        ("and == 1", 1),
        ("links. == 1", 6),
        ("links..a == 1", 6),
        ("a in []", 7),
        ("a in [1,]", 9),
        ("a in 1", 6),
        ("a in [1", 8),
        ("exists a", 8),
        ("exists(1)", 8),
        ("(a == 1", 8),
        ("a == 1)", 7),
        ("a == 01", 6),
        ("a == 1e9", 6),
        ("a == 1234567890123456", 6),
        ("a == 1 && b == 2", 8),
        ("a == 1; DROP TABLE endpoint", 7),
        ("$.a == 1", 1),
        ("not " * MAX_DEPTH + "a == 1", 4 * MAX_DEPTH + 1),
        ("(" * 40 + "a == 1" + ")" * 40, MAX_DEPTH + 1),
        ("a == " + "1" * MAX_LENGTH, MAX_LENGTH + 1),
    ],
)
def test_what_is_no_filter_is_refused_with_its_place(text: str, column: int) -> None:
    with pytest.raises(InvalidFilter, match=re.escape(f"at column {column}")) as refused:
        compiled(text)
    assert refused.value.column == column


@given(st.text(max_size=MAX_LENGTH + 20) | st.lists(st.sampled_from(PIECES), max_size=60).map(" ".join))
def test_any_text_is_a_filter_or_is_refused_within_it(text: str) -> None:
    column, path = outcome(text)
    assert 0 <= column <= len(text) + 1
    assert path.isascii()
    assert len(path) < 50 * MAX_LENGTH


def outcome(text: str) -> tuple[int, str]:
    """The path, or the column of the fault; anything else would fail the test."""
    try:
        return 0, compiled(text)
    except InvalidFilter as error:
        return error.column, ""
