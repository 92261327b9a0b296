"""The short way to RDF gives what the JSON-LD library gives, or leaves the document to it."""

import copy
import json
import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.credentials import CRYPTOSUITES, CanonicalError, Cryptosuite
from shared.credentials.canonical import canonical_quads, rdfc
from shared.credentials.json_ld import to_nquads
from shared.credentials.plain_rdf import plain_nquads
from shared.credentials.scopes import Unsure
from tests.unit.credentials.badges import EU_ELEMENTS, badge, signed
from tests.unit.credentials.generated import IRIS, NUMBERS, TEXTS, Maker


def canonical(nquads: str) -> bytes | str:
    try:
        return canonical_quads(nquads)
    except CanonicalError as error:
        return error.code


def by_the_library(document: dict[str, Any]) -> bytes | str:
    try:
        return canonical(to_nquads(document))
    except CanonicalError as error:
        return error.code


def compare(document: dict[str, Any]) -> str:
    """Which way the document took; fails when both ways differ."""
    before = json.dumps(document)
    try:
        short = canonical(plain_nquads(document))
    except Unsure:
        return "library"
    assert json.dumps(document) == before
    assert short == by_the_library(document), before
    return "short"


@pytest.mark.parametrize("suite", CRYPTOSUITES)
def test_badges_and_their_proofs_take_the_short_way(suite: Cryptosuite) -> None:
    document = signed(badge(microCredential=copy.deepcopy(EU_ELEMENTS)), suite)
    options = {**document.pop("proof"), "@context": document["@context"]}
    assert compare(document) == "short"
    assert compare(options) == "short"


@given(seed=st.integers(0, 2**32))
@settings(max_examples=12_000, deadline=None)
def test_generated_documents_have_one_canonical_form(seed: int) -> None:
    compare(Maker(seed).document())


def test_enough_generated_documents_are_plain() -> None:
    made = Counter(compare(Maker(seed).document()) for seed in range(300))
    assert made["short"] > 60, made


@given(seed=st.integers(0, 2**32))
@settings(max_examples=8_000, deadline=None)
def test_mutated_badges_have_one_canonical_form(seed: int) -> None:
    document = copy.deepcopy(badge(microCredential=EU_ELEMENTS))
    dice = random.Random(seed)
    for _ in range(dice.randint(1, 3)):
        mutate(document, dice)
    compare(document)


def test_what_is_nested_too_deep_is_refused_and_not_a_crash() -> None:
    document = badge()
    place = document["credentialSubject"]["achievement"]
    for _ in range(800):
        place["criteria"] = place = {"narrative": "deeper"}
    with pytest.raises(CanonicalError):
        rdfc(document)


def mutate(document: dict[str, Any], dice: random.Random) -> None:
    """Change, rename, move, repeat or drop a member somewhere below the contexts."""
    places: list[Any] = [{name: value for name, value in document.items() if name != "@context"}]
    for place in places:
        members = place.values() if isinstance(place, dict) else place
        places += [each for each in members if isinstance(each, dict | list)]
    place = dice.choice([document, *(each for each in places[1:] if each)])
    name = dice.choice(
        [name for name in (place if isinstance(place, dict) else range(len(place))) if name != "@context"]
    )
    kind = dice.random()
    if kind < 0.4:
        place[name] = dice.choice(
            [place[name], [place[name]], [place[name], copy.deepcopy(place[name])], *TEXTS, *IRIS]
        )
    elif kind < 0.6:
        place[name] = copy.deepcopy(
            dice.choice([None, *NUMBERS, [], {}, dice.choice(places), {"@value": "x", "@language": "en"}])
        )
    elif kind < 0.8 and isinstance(place, dict):
        place[dice.choice(["name", "id", "type", "url", "image", "result", "evidence", "tag"])] = place.pop(name)
    else:
        del place[name]
