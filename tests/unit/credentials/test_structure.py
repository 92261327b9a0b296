"""The schema check: what it lets through, and where it points."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.credentials import MICRO_CREDENTIAL_CONTEXT, OPEN_BADGES, check_structure
from tests.unit.credentials.badges import EU_ELEMENTS, badge, signed

SIGNED = signed()


def test_our_own_badges_are_well_formed() -> None:
    assert check_structure(SIGNED) == []
    assert check_structure(signed(badge(microCredential=EU_ELEMENTS))) == []


def test_a_credential_that_is_no_badge_is_judged_by_the_data_model_alone() -> None:
    credential = {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "type": ["VerifiableCredential"],
        "issuer": "did:example:issuer",
        "credentialSubject": {"id": "did:example:subject"},
    }
    assert check_structure(credential) == []


CASES: list[tuple[dict[str, Any], str, str]] = [
    ({"@context": [OPEN_BADGES]}, "#/@context", "context-not-allowed"),
    ({"@context": list(reversed(badge()["@context"]))}, "#/@context", "context-not-allowed"),
    ({"@context": [*badge()["@context"], "https://evil.example"]}, "#/@context/2", "context-not-allowed"),
    ({"@context": [*badge()["@context"], 5]}, "#/@context/2", "invalid-type"),
    ({"@context": [*badge()["@context"], badge()["@context"][0]]}, "#/@context/2", "context-not-allowed"),
    ({"@context": badge()["@context"][0]}, "#/@context", "context-not-allowed"),
    ({"@context": [badge()["@context"][0], MICRO_CREDENTIAL_CONTEXT]}, "#/@context/1", "context-not-allowed"),
    ({"type": ["OpenBadgeCredential"]}, "#/type", "invalid-type"),
    ({"id": "../1"}, "#/id", "relative-id"),
    ({"issuer": {"name": "nobody"}}, "#/issuer", "required"),
    ({"issuer": 5}, "#/issuer", "required"),
    ({"validFrom": "2026-02-30T00:00:00Z"}, "#/validFrom", "invalid-date"),
    ({"validFrom": "2026-02-03T00:00:00"}, "#/validFrom", "invalid-date"),
    ({"validFrom": "0000-01-01T00:00:00Z"}, "#/validFrom", "invalid-date"),
    ({"validUntil": "2020-01-01T00:00:00Z"}, "#/validUntil", "invalid-date"),
    ({"credentialSubject": []}, "#/credentialSubject", "required"),
    ({"credentialSubject": "x"}, "#/credentialSubject", "required"),
    ({"credentialSubject": {"type": ["AchievementSubject"]}}, "#/credentialSubject/achievement", "required"),
    ({"credentialStatus": "x"}, "#/credentialStatus", "invalid-status"),
    ({"credentialStatus": [{"type": "X", "id": "rel"}]}, "#/credentialStatus/0/id", "relative-id"),
]


@pytest.mark.parametrize(("change", "pointer", "code"), CASES)
def test_what_is_wrong_is_pointed_at(change: dict[str, Any], pointer: str, code: str) -> None:
    findings = check_structure({**badge(), **change})
    assert (pointer, code) in {(finding.pointer, finding.code) for finding in findings}


@pytest.mark.parametrize("name", ["id", "name", "description", "criteria", "type"])
def test_an_achievement_has_what_open_badges_ask(name: str) -> None:
    document = badge()
    del document["credentialSubject"]["achievement"][name]
    (finding,) = check_structure(document)
    assert finding.pointer == f"#/credentialSubject/achievement/{name}"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from([*SIGNED, "achievement", "x"]), inner, max_size=6)
        ),
        max_leaves=15,
    ),
    st.sampled_from(sorted(SIGNED)),
)
@settings(max_examples=200, deadline=None)
def test_no_value_makes_the_check_itself_fail(value: Any, place: str) -> None:
    assert isinstance(check_structure({**SIGNED, place: value}), list)
    if isinstance(value, dict):
        assert check_structure(value)
