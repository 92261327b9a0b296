"""JCS equals the reference library, and RDFC says what is lost instead of losing it."""

import hashlib
import math
import random
import struct
from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.credentials import CanonicalError, jcs, rdfc
from shared.credentials.keys import Hash

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)


@given(JSON)
@settings(max_examples=500, deadline=None)
def test_jcs_equals_the_reference(value: Any) -> None:
    assert jcs(value) == rfc8785.dumps(value)


def test_jcs_writes_every_kind_of_float_as_the_reference_does() -> None:
    dice = random.Random(7)
    kinds = [
        lambda: struct.unpack("d", dice.randbytes(8))[0],
        lambda: round(dice.uniform(-1e6, 1e6), dice.randint(0, 8)),
        lambda: dice.uniform(-1, 1) * 10.0 ** dice.randint(-9, 22),
        lambda: float(dice.randint(-(10**17), 10**17)),
    ]
    for _ in range(20_000):
        number = dice.choice(kinds)()
        if math.isfinite(number):
            assert jcs([number]) == rfc8785.dumps([number])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"\ue000": 1, "\U00010000": 2}, '{"\U00010000":2,"\ue000":1}'),
        ([1e21, 1e16, 0.1, -0.0, 5e-324], "[1e+21,10000000000000000,0.1,0,5e-324]"),
        ({"b": '\u20ac$\u000f\n"\\/\x7f'}, '{"b":"\u20ac$\\u000f\\n\\"\\\\/\x7f"}'),
    ],
)
def test_jcs_is_exact_where_serialisers_differ(value: Any, text: str) -> None:
    assert jcs(value) == text.encode()


@pytest.mark.parametrize("value", [2**53 + 1, 10**30, float("inf"), "\ud800", {1: 2}, {"a": object()}])
def test_what_json_cannot_carry_has_no_canonical_form(value: Any) -> None:
    if value == 2**53 + 1:
        value = [value]
    with pytest.raises(CanonicalError):
        jcs(value)


def canonical(value: Any) -> str:
    """The one canonical statement that a document with one property makes."""
    context = {"id": "@id", "p": "https://e.example/p"}
    return rdfc({"@context": context, "id": "https://e.example/s", "p": value}).decode()


def test_control_characters_are_escaped_as_canonical_n_quads_say() -> None:
    text = '\\t\\b\\n\\r\\f\\"\\\\\\u0001\\u007F'
    assert canonical('\t\b\n\r\f"\\\x01\x7f') == f'<https://e.example/s> <https://e.example/p> "{text}" .\n'


@pytest.mark.parametrize(
    ("value", "literal"),
    [
        (5, '"5"^^<http://www.w3.org/2001/XMLSchema#integer>'),
        (5.0, '"5"^^<http://www.w3.org/2001/XMLSchema#integer>'),
        (2.5, '"2.5E0"^^<http://www.w3.org/2001/XMLSchema#double>'),
        (1e-7, '"1.0E-7"^^<http://www.w3.org/2001/XMLSchema#double>'),
        (True, '"true"^^<http://www.w3.org/2001/XMLSchema#boolean>'),
        ("\U0001f393 \u00e9", '"\U0001f393 \u00e9"'),
        ({"@value": "salut", "@language": "fr"}, '"salut"@fr'),
    ],
)
def test_values_become_the_literals_that_json_ld_says(value: Any, literal: str) -> None:
    assert canonical(value) == f"<https://e.example/s> <https://e.example/p> {literal} .\n"


def test_statements_stand_in_code_point_order() -> None:
    lines = canonical(["\uffef", "\U00010000", "b", "a"]).splitlines()
    assert [line.split('"')[1] for line in lines] == ["a", "b", "\uffef", "\U00010000"]


@pytest.mark.parametrize("hashed", ["sha256", "sha384"])
def test_blank_nodes_are_numbered_in_the_order_of_the_hash(hashed: Hash) -> None:
    names = [f"Person {number}" for number in range(20)]

    def first_degree(name: str) -> str:  # RDFC-1.0, 4.6.3
        said = f'<https://e.example/s> <https://e.example/all> _:a .\n_:a <https://e.example/p> "{name}" .\n'
        return hashlib.new(hashed, said.encode()).hexdigest()

    context = {"id": "@id", "p": "https://e.example/p", "all": "https://e.example/all"}
    document = {"@context": context, "id": "https://e.example/s", "all": [{"p": name} for name in names]}
    lines = rdfc(document, hashed).decode().splitlines()
    numbers = {line.split('"')[1]: int(line.split()[0].removeprefix("_:c14n")) for line in lines if '"' in line}
    assert sorted(names, key=lambda name: numbers[name]) == sorted(names, key=first_degree)


def test_the_direction_of_a_text_is_kept() -> None:
    named = [canonical({"@value": "x", "@language": "ar-EG", "@direction": direction}) for direction in ("rtl", "ltr")]
    assert [line.split("^^")[1] for line in named] == [
        f"<https://www.w3.org/ns/i18n#ar-eg_{direction}> .\n" for direction in ("rtl", "ltr")
    ]
    assert "<https://www.w3.org/ns/i18n#_rtl>" in canonical({"@value": "x", "@direction": "rtl"})
