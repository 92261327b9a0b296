"""Documents made to keep canonicalisation busy are refused, or cost little."""

import time
from typing import Any

import pytest

from shared.credentials import CanonicalError, rdfc
from tests.unit.credentials.badges import badge

MOST_SECONDS = 2.0  # the limit is far below; this only has to tell milliseconds from forever on a busy machine


def evidence(*items: dict[str, Any]) -> dict[str, Any]:
    """A badge without an id, so that its evidence hangs on a blank node."""
    document = {**badge(), "evidence": list(items)}
    del document["id"]
    return document


def test_many_twins_are_too_complex() -> None:
    twins = [{"type": ["Evidence"], "name": "same", "narrative": "same"} for _ in range(9)]
    with pytest.raises(CanonicalError, match="too-complex"):
        rdfc(evidence(*twins))


def test_what_can_be_told_apart_is_not_limited() -> None:
    assert rdfc(evidence(*({"type": ["Evidence"], "name": f"piece {number}"} for number in range(100))))


def test_twins_at_the_limit_cost_little() -> None:
    twins = [{"type": ["Evidence"], "name": "same"} for _ in range(6)]
    started = time.perf_counter()
    assert rdfc(evidence(*twins))
    assert time.perf_counter() - started < MOST_SECONDS


def test_equal_branches_below_equal_branches_are_too_complex() -> None:
    leaf = {"type": ["RubricCriterionLevel"], "name": "level", "alignment": [{"type": ["Alignment"]}] * 2}
    branch = {"type": ["ResultDescription"], "name": "result", "rubricCriterionLevel": [leaf] * 3}
    document = badge(resultDescription=[branch, branch, branch])
    started = time.perf_counter()
    with pytest.raises(CanonicalError, match="too-complex"):
        rdfc(document)
    assert time.perf_counter() - started < MOST_SECONDS


@pytest.mark.parametrize(
    "document",
    [
        badge(tag=[f"tag {number}" for number in range(201)]),
        {**badge(), "evidence": [{"type": ["Evidence"], "name": [f"{a}.{b}" for b in range(50)]} for a in range(50)]},
    ],
)
def test_more_values_than_a_credential_needs_are_refused_unread(document: dict[str, Any]) -> None:
    started = time.perf_counter()
    with pytest.raises(CanonicalError, match="too-complex"):
        rdfc(document)
    assert time.perf_counter() - started < MOST_SECONDS / 100


def test_a_large_badge_is_no_trouble() -> None:
    alignment = {"type": ["Alignment"], "targetUrl": "https://esco.example/1"}
    skills = [{**alignment, "targetName": f"skill {number}"} for number in range(150)]
    started = time.perf_counter()
    assert rdfc(badge(alignment=skills, tag=[f"tag {number}" for number in range(200)]))
    assert time.perf_counter() - started < MOST_SECONDS
