"""Each check on real signed documents: what passes, what fails, and under which name."""

import copy
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.verifier.domain import checks
from services.verifier.domain.answer import Check, Reason
from services.verifier.domain.checks import Bit
from services.verifier.domain.issuer import Issuer, Key
from services.verifier.domain.presented import Entry, read
from services.verifier.domain.verdict import verdict_of
from shared.credentials import CRYPTOSUITES, Cryptosuite, generate, sign
from tests.integration.paper_issuer import PaperIssuer, utc_now

HOUR = timedelta(hours=1)
OURS = PaperIssuer("https://r.example", "https://i.example/status-lists", "did:web:i.example:institutions:u")
OURS.keys = [generate("Ed25519"), generate("P-384"), generate("P-256"), generate("Ed25519")]


def issued(suite: Cryptosuite) -> dict[str, Any]:
    """A credential, by a key of ours that the suite uses."""
    number = 3 if suite.startswith("ecdsa") else 4
    return OURS.issue(suite=suite, key=OURS.keys[number - 1], method=f"{OURS.did}#key-{number}").document


def known(**change: Any) -> Issuer:
    keys = {method: Key(key, activated_at=OURS.since) for method, key in OURS.multikeys().items()}
    fields = {"did": OURS.did, "institution_id": uuid4(), "name": "University", "keys": keys}
    return Issuer(**{**fields, **change})


def run(document: Mapping[str, Any], issuer: Issuer | None = None, bits: tuple[Bit, ...] = ()) -> dict[str, Check]:
    presented = read(document)
    found = issuer or known()
    keys = {method: key.public_key_multibase for method, key in found.keys.items()}
    done = (
        checks.proof(presented, keys),
        checks.schema(presented),
        checks.issuer(presented, found, is_original=False),
        checks.validity(presented, utc_now()),
        checks.status(presented, bits),
    )
    return {check.check: check for check in done}


def code(check: Check) -> str | None:
    return check.reason.code if check.reason else None


def unset(document: Mapping[str, Any]) -> tuple[Bit, ...]:
    return tuple(Bit(entry, False, "") for entry in read(document).entries)


@pytest.mark.parametrize("suite", CRYPTOSUITES)
def test_a_good_credential_passes_everything(suite: Cryptosuite) -> None:
    document = issued(suite)
    done = run(document, bits=unset(document))
    assert [check.outcome for check in done.values()] == ["pass"] * 5
    assert verdict_of(list(done.values())) == "valid"


class TestProof:
    @pytest.mark.parametrize("suite", CRYPTOSUITES)
    @pytest.mark.parametrize(
        "path",
        [
            ("id",),
            ("name",),
            ("validFrom",),
            ("issuer", "name"),
            ("credentialSubject", "id"),
            ("credentialSubject", "achievement", "name"),
            ("credentialStatus", 0, "statusListIndex"),
            ("proof", "created"),
            ("proof", "proofValue"),
        ],
    )
    def test_a_changed_value_fails(self, suite: Cryptosuite, path: tuple[Any, ...]) -> None:
        document = copy.deepcopy(issued(suite))
        place = document
        for step in path[:-1]:
            place = place[step]
        text = place[path[-1]]
        place[path[-1]] = text[:-1] + ("3" if text[-1] != "3" else "4")
        assert run(document)["proof"].outcome == "fail"

    def test_two_values_swapped_fail(self) -> None:
        document = copy.deepcopy(OURS.issue().document)
        subject = document["credentialSubject"]["achievement"]
        subject["name"], subject["description"] = subject["description"], subject["name"]
        assert code(run(document)["proof"]) == "invalid-signature"

    def test_a_property_no_context_defines_fails(self) -> None:
        document = {**OURS.issue(suite="eddsa-rdfc-2022").document, "unheardOf": "x"}
        assert code(run(document)["proof"]) == "undefined-term"

    def test_one_bad_proof_in_a_set_fails(self) -> None:
        document = OURS.issue().document
        bad = {**document["proof"], "created": "2020-01-01T00:00:00Z"}
        assert run({**document, "proof": [document["proof"], document["proof"]]})["proof"].outcome == "pass"
        assert run({**document, "proof": [document["proof"], bad]})["proof"].outcome == "fail"

    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            ({"proofPurpose": "authentication"}, "wrong-purpose"),
            ({"cryptosuite": "bbs-2023"}, "unknown-cryptosuite"),
            ({"type": "RsaSignature2018"}, "unknown-proof-type"),
            ({"proofValue": "zzz"}, "malformed-proof"),
            ({"proofValue": 5}, "malformed-proof"),
        ],
    )
    def test_another_kind_of_proof_fails(self, change: dict[str, Any], expected: str) -> None:
        document = OURS.issue().document
        assert code(run({**document, "proof": {**document["proof"], **change}})["proof"]) == expected

    @pytest.mark.parametrize("proof", [None, [], {}, "x", [[]], 5])
    def test_no_proof_is_no_pass(self, proof: Any) -> None:
        assert run({**OURS.issue().document, "proof": proof})["proof"].outcome == "fail"

    def test_a_key_nobody_knows_cannot_be_told(self) -> None:
        done = run(OURS.issue().document, known(keys={}, trouble=Reason("did-unresolvable", "away")))
        assert (done["proof"].outcome, done["issuer"].outcome) == ("unknown", "unknown")
        assert verdict_of(list(done.values())) == "cannot-tell"


class TestSchema:
    @pytest.mark.parametrize(
        "contexts",
        [
            ["https://www.w3.org/ns/credentials/v2", "https://evil.example/context.jsonld"],
            ["https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json", "https://www.w3.org/ns/credentials/v2"],
            ["https://www.w3.org/ns/credentials/v2", {"name": "https://evil.example/name"}],
            [],
            "https://www.w3.org/ns/credentials/v2",
            None,
        ],
    )
    def test_contexts_other_than_the_known_fail(self, contexts: Any) -> None:
        done = run({**OURS.issue().document, "@context": contexts})
        assert (done["schema"].outcome, code(done["schema"])) == ("fail", "context-not-allowed")

    def test_the_detail_names_the_place(self) -> None:
        document = copy.deepcopy(OURS.issue().document)
        del document["credentialSubject"]["achievement"]["criteria"]
        assert run(document)["schema"].detail.startswith("#/credentialSubject/achievement/criteria")


class TestIssuer:
    def test_a_key_of_somebody_else_fails(self) -> None:
        stranger = Ed25519PrivateKey.generate()
        document = OURS.issue(key=stranger, method="did:web:evil.example#key-1").document
        done = run(document)
        assert code(done["issuer"]) == "controller-mismatch"
        assert verdict_of(list(done.values())) == "forged"

    def test_our_name_with_a_strangers_signature_fails(self) -> None:
        done = run(OURS.issue(key=Ed25519PrivateKey.generate()).document)
        assert (done["issuer"].outcome, done["proof"].outcome) == ("pass", "fail")
        assert verdict_of(list(done.values())) == "forged"

    def test_a_key_the_issuer_does_not_have_fails(self) -> None:
        document = OURS.issue(key=Ed25519PrivateKey.generate(), method=f"{OURS.did}#key-99").document
        assert code(run(document)["issuer"]) == "unknown-key"

    @pytest.mark.parametrize(
        ("life", "expected"),
        [
            ({"activated_at": utc_now() + HOUR}, "key-not-yet-valid"),
            ({"activated_at": OURS.since, "retired_at": utc_now() - HOUR}, "key-retired"),
            ({"activated_at": OURS.since, "compromised_at": utc_now() - HOUR}, "key-compromised"),
            ({"activated_at": OURS.since, "compromised_at": utc_now() + HOUR}, "key-compromised"),
        ],
    )
    def test_a_key_outside_its_time_fails_with_the_reason(self, life: dict[str, Any], expected: str) -> None:
        keys = {method: Key(key, **life) for method, key in OURS.multikeys().items()}
        done = run(OURS.issue().document, known(keys=keys))
        assert (done["proof"].outcome, code(done["issuer"])) == ("pass", expected)
        assert verdict_of(list(done.values())) == "forged"

    def test_retirement_leaves_what_was_signed_before(self) -> None:
        keys = {method: Key(key, OURS.since, retired_at=utc_now()) for method, key in OURS.multikeys().items()}
        document = OURS.issue(created=utc_now() - HOUR).document
        assert run(document, known(keys=keys))["issuer"].outcome == "pass"

    def test_an_issuer_who_is_not_registered_is_a_warning(self) -> None:
        keys = {method: Key(key) for method, key in OURS.multikeys().items()}
        document = OURS.issue().document
        done = run(document, Issuer(OURS.did, keys=keys), unset(document))
        assert code(done["issuer"]) == "issuer-not-registered"
        assert verdict_of(list(done.values())) == "valid-with-warnings"

    def test_a_suspended_institution_is_a_warning(self) -> None:
        assert code(run(OURS.issue().document, known(is_suspended=True))["issuer"]) == "issuer-suspended"

    def test_changed_keys_fail_though_the_signature_holds(self) -> None:
        keys = {method: Key(key) for method, key in OURS.multikeys().items()}
        issuer = Issuer(OURS.did, keys=keys, trouble=Reason("key-changed", "not the first seen"))
        done = run(OURS.issue().document, issuer)
        assert (done["proof"].outcome, code(done["issuer"])) == ("pass", "key-changed")
        assert verdict_of(list(done.values())) == "forged"

    @pytest.mark.parametrize("issuer", [None, 5, [], {}, {"id": 5}, {"name": "x"}])
    def test_no_issuer_is_no_pass(self, issuer: Any) -> None:
        assert run({**OURS.issue().document, "issuer": issuer})["issuer"].outcome == "fail"


class TestValidity:
    def test_before_and_after(self) -> None:
        early = OURS.issue(change={"validFrom": f"{utc_now() + HOUR:%Y-%m-%dT%H:%M:%SZ}"}).document
        late = OURS.issue(valid_until=utc_now() - HOUR, created=utc_now() - 2 * HOUR).document
        assert code(run(early)["validity"]) == "credential-not-yet-valid"
        done = run(late, bits=unset(late))
        assert code(done["validity"]) == "credential-expired"
        assert verdict_of(list(done.values())) == "outside-dates"

    def test_a_clock_that_is_a_little_off_does_no_harm(self) -> None:
        document = OURS.issue(change={"validFrom": f"{utc_now() + timedelta(seconds=30):%Y-%m-%dT%H:%M:%SZ}"}).document
        assert run(document)["validity"].outcome == "pass"

    @pytest.mark.parametrize("date", ["2026-02-30T00:00:00Z", "2026-01-01", 5, None, []])
    def test_a_date_that_cannot_be_read_is_no_pass(self, date: Any) -> None:
        done = run({**OURS.issue().document, "validUntil": date})
        assert done["validity"].outcome == "unknown"

    def test_a_proof_past_its_own_end_fails(self) -> None:
        document = OURS.issue().document
        ended = {**document["proof"], "expires": f"{utc_now() - HOUR:%Y-%m-%dT%H:%M:%SZ}"}
        assert code(run({**document, "proof": ended})["validity"]) == "proof-expired"


class TestStatus:
    ENTRY = Entry("revocation", "https://i.example/l", 5)

    def test_a_set_bit_fails_whatever_else_is_unknown(self) -> None:
        document = OURS.issue().document
        unknown = Bit(self.ENTRY, None, "", Reason("STATUS_RETRIEVAL_ERROR", "away"))
        done = run(document, bits=(unknown, Bit(self.ENTRY, True, "")))
        assert code(done["status"]) == "credential-revoked"
        assert verdict_of(list(done.values())) == "revoked-or-suspended"

    def test_a_suspension_is_called_so(self) -> None:
        bit = Bit(Entry("suspension", "https://i.example/l", 5), True, "")
        assert code(run(OURS.issue().document, bits=(bit,))["status"]) == "credential-suspended"

    def test_an_unknown_bit_is_neither_revoked_nor_valid(self) -> None:
        bit = Bit(self.ENTRY, None, "", Reason("STATUS_RETRIEVAL_ERROR", "away"))
        done = run(OURS.issue().document, bits=(Bit(self.ENTRY, False, ""), bit))
        assert (done["status"].outcome, code(done["status"])) == ("unknown", "STATUS_RETRIEVAL_ERROR")
        assert verdict_of(list(done.values())) == "cannot-tell"

    def test_a_credential_without_status_passes(self) -> None:
        done = run(OURS.issue(status=[]).document)
        assert (done["status"].outcome, done["status"].detail) == ("pass", "The credential has no status.")

    def test_an_entry_that_cannot_be_read_is_unknown(self) -> None:
        document = OURS.issue(status=[{"type": "Unheard"}]).document
        assert run(document)["status"].outcome == "unknown"


def test_specification_names_become_their_urls() -> None:
    assert (
        Reason("STATUS_RETRIEVAL_ERROR", "").type
        == "https://www.w3.org/ns/credentials/status-list#STATUS_RETRIEVAL_ERROR"
    )
    assert Reason("RANGE_ERROR", "").type == "https://www.w3.org/TR/vc-data-model#RANGE_ERROR"
    assert Reason("key-retired", "").type == "key-retired"


def test_a_document_signed_by_nobody_we_asked_is_not_believed_by_signing_it_again() -> None:
    """A stranger takes our document, drops our proof and adds one of his own under our name."""
    document = {name: value for name, value in OURS.issue().document.items() if name != "proof"}
    forged = sign(
        document,
        key=Ed25519PrivateKey.generate(),
        verification_method=OURS.method,
        cryptosuite="eddsa-jcs-2022",
        created=utc_now(),
    )
    assert verdict_of(list(run(forged).values())) == "forged"
