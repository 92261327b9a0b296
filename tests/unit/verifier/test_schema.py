"""What evaluated schemas mean for a credential, and which credential may hold one."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from services.verifier.domain.answer import Check, failed, passed, undecided, warned
from services.verifier.domain.evaluation import Evaluation, unusable
from services.verifier.domain.presented import Presented, read
from services.verifier.domain.schema import (
    Conformance,
    UnusableSchema,
    concluded,
    credential_in,
    judge,
    kind_of,
    schema_in,
)
from shared.credentials import generate, secure_sd_token, secure_token
from shared.credentials.enveloped import envelope
from tests.integration.paper_issuer import PaperIssuer, utc_now

URL = "https://u.example/schemas/degree"
ENTRY = {"id": URL, "type": "JsonSchema"}
FORM = passed("schema", "The document has the form of a credential.")
OURS = PaperIssuer("https://r.example", "https://i.example/status-lists", "did:web:i.example:u")
FAILED = Evaluation("failure", ("credentialSubject", "a/b", 0), "minimum")


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ("JsonSchema", "plain"),
        ("1EdTechJsonSchemaValidator2019", "plain"),
        ("JsonSchemaCredential", "credential"),
        (["Other", "JsonSchema"], "plain"),
        ("JsonSchema2023", None),
        (["Other"], None),
        (None, None),
        ([{}], None),
    ],
)
def test_the_type_says_what_an_entry_leads_to(kinds: Any, expected: str | None) -> None:
    assert kind_of({"id": URL, "type": kinds}) == expected


def test_a_failure_names_the_schema_and_the_place() -> None:
    found = concluded(read(OURS.issue().document), ENTRY, FAILED)
    assert found.outcome == "failure"
    assert found.reason is not None
    assert found.reason.code == "schema-mismatch"
    assert found.reason.detail == f"#/credentialSubject/a~1b/0: not what `minimum` in {URL} asks for."


def test_what_cannot_be_told_says_why_and_of_which() -> None:
    found = concluded(read({}), {**ENTRY, "id": URL + "x" * 5000}, unusable("it is not JSON"))
    assert found.outcome == "indeterminate"
    assert found.reason is not None
    assert found.reason.code == "schema-unusable"
    assert URL in found.reason.detail
    assert found.reason.detail.endswith("it is not JSON.")
    assert len(found.reason.detail) < 300


def shown(disclosable: bool) -> Presented:
    """A credential in a token, with disclosures or without."""
    document = {**OURS.issue().document}
    del document["proof"]
    key, method = generate("P-256"), f"{OURS.did}#key-1"
    if not disclosable:
        return read(envelope(secure_token(document, key=key, verification_method=method, created=utc_now())))
    hidden = ["/credentialSubject/achievement"]
    return read(envelope(secure_sd_token(document, hidden, key=key, verification_method=method, created=utc_now())))


def test_a_part_that_does_not_conform_is_not_held_against_the_whole() -> None:
    derived = read({"proof": {"type": "DataIntegrityProof", "cryptosuite": "ecdsa-sd-2023"}})
    for presented in (derived, shown(True)):
        found = concluded(presented, ENTRY, FAILED)
        assert (found.outcome, found.reason and found.reason.code) == ("indeterminate", "schema-shown-in-part")
        assert concluded(presented, ENTRY, Evaluation("success")) == Conformance("success")
    assert concluded(shown(False), ENTRY, FAILED).outcome == "failure"


def test_the_worst_that_a_schema_says_is_what_the_check_says() -> None:
    good, bad = Conformance("success"), concluded(read({}), ENTRY, FAILED)
    open_ = concluded(read({}), ENTRY, unusable("it is not JSON"))
    assert judge(FORM, ()) == FORM
    assert judge(FORM, (good, good)).outcome == "pass"
    assert judge(FORM, (good, open_)).outcome == "warn"
    check = judge(FORM, (open_, bad, good, bad))
    assert (check.outcome, check.reason and check.reason.code) == ("fail", "schema-mismatch")
    assert check.detail.endswith("(and 1 more)")
    broken = failed("schema", "required", "#/issuer: missing")
    assert judge(broken, ()) == broken


def schema_credential(**change: Any) -> Mapping[str, Any]:
    subject = {"id": URL, "type": "JsonSchema", "jsonSchema": {"$schema": "x", "type": "object"}}
    document = {"id": URL, "type": ["VerifiableCredential", "JsonSchemaCredential"], "credentialSubject": subject}
    return {**document, **change}


STRANGER = warned("issuer", "issuer-not-registered", "")
SOUND = (passed("proof", ""), passed("schema", ""), STRANGER, passed("validity", ""))


def test_a_sound_credential_gives_its_schema() -> None:
    for presented in (read(schema_credential()), read(schema_credential(id=None))):
        assert orjson.loads(schema_in(presented, URL, SOUND)) == {"$schema": "x", "type": "object"}


@pytest.mark.parametrize(
    "check",
    [
        failed("proof", "invalid-signature", "The signature does not fit."),
        failed("schema", "required", "missing"),
        undecided("issuer", "did-unresolvable", "away"),
        failed("validity", "credential-expired", "over"),
    ],
)
def test_a_credential_that_does_not_verify_gives_none(check: Check) -> None:
    done = [check if one.check == check.check else one for one in SOUND]
    with pytest.raises(UnusableSchema, match="does not verify"):
        schema_in(read(schema_credential()), URL, done)


@pytest.mark.parametrize(
    "change",
    [
        {"id": "https://u.example/other"},
        {"type": ["VerifiableCredential"]},
        {"credentialSubject": None},
        {"credentialSubject": [{"type": "JsonSchema", "jsonSchema": {}}]},
        {"credentialSubject": {"type": "Person", "jsonSchema": {}}},
        {"credentialSubject": {"type": "JsonSchema"}},
        {"credentialSubject": {"type": "JsonSchema", "jsonSchema": "{}"}},
    ],
)
def test_a_credential_about_something_else_gives_none(change: dict[str, Any]) -> None:
    with pytest.raises(UnusableSchema):
        schema_in(read(schema_credential(**change)), URL, SOUND)


def test_what_lies_at_the_address_is_json_or_a_token() -> None:
    assert credential_in(b' {"id": "x"}\n') == {"id": "x"}
    token = credential_in(b"eyJhbGciOiJFUzI1NiJ9.e30.AAAA\n")
    assert token["id"] == "data:application/vc+jwt,eyJhbGciOiJFUzI1NiJ9.e30.AAAA"
    deep = b'{"a":' * 900 + b"1" + b"}" * 900
    for body in (b"", b"<html>", b"[1]", b'"eyJ"', b"\xff\xfe", b'{"id": "x", "id": "y"}', deep):
        with pytest.raises(UnusableSchema):
            credential_in(body)
