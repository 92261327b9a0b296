"""What a proof covers: everything. Any change is refused, whatever it hides behind."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.credentials import CREDENTIALS_V1, CRYPTOSUITES, Cryptosuite, ProofError, verify_proof
from tests.unit.credentials.badges import EU_ELEMENTS, KEYS, METHOD, badge, signed

SIGNED = {suite: signed(suite=suite) for suite in CRYPTOSUITES}
SUITES = pytest.mark.parametrize("suite", CRYPTOSUITES)


def code_of(document: dict[str, Any], keys: dict[str, str] | None = None) -> str:
    with pytest.raises(ProofError) as caught:
        verify_proof(document, KEYS if keys is None else keys)
    return caught.value.code


@SUITES
def test_a_signed_badge_verifies(suite: Cryptosuite) -> None:
    assert [proof.cryptosuite for proof in verify_proof(SIGNED[suite], KEYS)] == [suite]


@SUITES
def test_a_badge_with_the_eu_elements_is_signed_whole(suite: Cryptosuite) -> None:
    document = signed(badge(microCredential=copy.deepcopy(EU_ELEMENTS)), suite)
    verify_proof(document, KEYS)
    document["credentialSubject"]["achievement"]["microCredential"]["workload"]["ects"] = 25
    assert code_of(document) == "invalid-signature"


@pytest.mark.parametrize("suite", CRYPTOSUITES)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_any_changed_character_is_refused(suite: Cryptosuite, data: st.DataObject) -> None:
    text = json.dumps(SIGNED[suite])
    place = data.draw(st.integers(0, len(text) - 1))
    character = data.draw(st.characters(min_codepoint=32, max_codepoint=126))
    try:
        changed = json.loads(text[:place] + character + text[place + 1 :])
    except json.JSONDecodeError:
        return
    if changed == SIGNED[suite] or not isinstance(changed, dict):
        return
    with pytest.raises(ProofError):
        verify_proof(changed, KEYS)


@SUITES
def test_two_swapped_values_are_refused(suite: Cryptosuite) -> None:
    document = copy.deepcopy(SIGNED[suite])
    achievement = document["credentialSubject"]["achievement"]
    achievement["name"], achievement["description"] = achievement["description"], achievement["name"]
    assert code_of(document) == "invalid-signature"


def test_a_term_that_no_context_defines_is_refused_not_dropped() -> None:
    assert code_of({**SIGNED["eddsa-rdfc-2022"], "smuggled": "value"}) == "undefined-term"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"type": ["VerifiableCredential", "Undefined"]}, "undefined-term"),
        ({"id": "relative/id"}, "relative-id"),
        ({"smuggled": 1}, "undefined-term"),
        ({"@context": [*badge()["@context"], "https://evil.example/context"]}, "context-not-allowed"),
        ({"@context": [*badge()["@context"], {"name": "https://evil.example/name"}]}, "protected-term"),
        ({"@context": [*badge()["@context"], CREDENTIALS_V1]}, "protected-term"),
        ({"@context": 5}, "not-json-ld"),
        ({"id": "_:node"}, "relative-id"),
        ({"type": ["VerifiableCredential", "_:node"]}, "undefined-term"),
        ({"image": {"id": "logo.png", "type": "Image"}}, "relative-id"),
        ({"description": {"@value": "text", "@language": 5}}, "not-json-ld"),
        ({"id": ["https://a.example", "https://b.example"]}, "not-json-ld"),
    ],
)
def test_what_cannot_be_signed_whole_is_not_signed(change: dict[str, Any], code: str) -> None:
    with pytest.raises(ProofError) as caught:
        signed({**badge(), **change})
    assert caught.value.code == code


@SUITES
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"type": "Ed25519Signature2018"}, "unknown-proof-type"),
        ({"cryptosuite": "none"}, "unknown-cryptosuite"),
        ({"cryptosuite": ["eddsa-jcs-2022"]}, "unknown-cryptosuite"),
        ({"proofPurpose": "authentication"}, "wrong-purpose"),
        ({"previousProof": "urn:uuid:1"}, "missing-previous-proof"),
        ({"verificationMethod": "did:example:other#key-1"}, "unknown-key"),
        ({"verificationMethod": None}, "malformed-proof"),
        ({"proofValue": "z111"}, "malformed-proof"),
        ({"proofValue": "u" + "A" * 86}, "malformed-proof"),
        ({"proofValue": "z" + "0" * 88}, "malformed-proof"),
        ({"proofValue": "z" + "z" * 100_000}, "malformed-proof"),
        ({"created": "2020-01-01T00:00:00Z"}, "invalid-signature"),
        ({"created": "2020-01-01"}, "malformed-proof"),
        ({"created": "2020-01-01T00:00:00"}, "malformed-proof"),
        ({"expires": 5}, "malformed-proof"),
        ({"expires": "2030-01-01T00:00:00Z"}, "invalid-signature"),
    ],
)
def test_a_proof_of_another_form_is_refused(suite: Cryptosuite, change: dict[str, Any], code: str) -> None:
    document = copy.deepcopy(SIGNED[suite])
    document["proof"].update(change)
    assert code_of(document) == code


@pytest.mark.parametrize("proof", [None, [], "proof", [5], {}, [{}] * 9])
def test_no_proof_is_an_error(proof: Any) -> None:
    assert code_of({**badge(), "proof": proof}) in ("malformed-proof", "unknown-proof-type")


def test_one_bad_proof_in_a_set_spoils_it() -> None:
    good, other = SIGNED["eddsa-rdfc-2022"], SIGNED["eddsa-jcs-2022"]["proof"]
    assert len(verify_proof({**good, "proof": [good["proof"], other]}, KEYS)) == 2
    bad = {**other, "created": "2026-03-01T12:00:01Z"}
    assert code_of({**good, "proof": [good["proof"], bad]}) == "invalid-signature"


def test_a_proof_by_a_strangers_key_is_refused() -> None:
    stranger = "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
    assert code_of(SIGNED["eddsa-rdfc-2022"], {METHOD: stranger}) == "invalid-signature"
    assert code_of(SIGNED["eddsa-rdfc-2022"], {METHOD: "zQ3sh"}) == "malformed-key"


def test_jcs_contexts_must_be_those_the_proof_was_made_over() -> None:
    document = copy.deepcopy(SIGNED["eddsa-jcs-2022"])
    document["@context"] = list(reversed(document["@context"]))
    assert code_of(document) == "context-mismatch"


def test_what_cannot_be_told_apart_is_refused_before_it_takes_time() -> None:
    twins = [{"type": ["Evidence"], "name": "same"} for _ in range(9)]
    document = {key: value for key, value in badge().items() if key != "id"}
    document["evidence"] = twins
    with pytest.raises(ProofError) as caught:
        signed(document)
    assert caught.value.code == "too-complex"
