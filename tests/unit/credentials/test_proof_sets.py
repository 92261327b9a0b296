"""Proof sets and what stands between document and signature, as Data Integrity EdDSA Cryptosuites 1.0 prints them."""

import copy
import hashlib
from typing import Any

import pytest

from shared.credentials import ProofError, jcs, rdfc, verify_proof
from tests.unit.credentials.test_vectors import DOCUMENT, METHOD

FIRST = "z6MktgKTsu1QhX6QPbyqG6geXdw6FQCZBPq7uQpieWbiQiG7"
SECOND = "z6MkhWqdDBPojHA7cprTGTt5yHv5yUi1B8cnXn8ReLumkw6E"
KEYS = {f"did:key:{key}#{key}": key for key in (FIRST, SECOND)}
CHAINED = "z6MkmEq87wkHCYnWnNZkigeDMGTN7oUw1upkhzd77KuXERS1"

# SHA-256 of the canonical document and of the canonical proof options: B.1 and B.3.
HASHES = {
    "eddsa-rdfc-2022": (
        "517744132ae165a5349155bef0bb0cf2258fff99dfe1dbd914b938d775a36017",
        "bea7b7acfbad0126b135104024a5f1733e705108f42d59668b05c0c50004c6b0",
    ),
    "eddsa-jcs-2022": (
        "59b7cb6251b8991add1ce0bc83107e3db9dbbab5bd2c28f687db1a03abc92f19",
        "66ab154f5c2890a140cb8388a22a160454f80575f6eae09e5a097cabe539a1db",
    ),
}


def proof(key: str, proof_id: str, value: str) -> dict[str, Any]:
    """A proof of the printed set (B.5.1)."""
    return {
        "type": "DataIntegrityProof",
        "id": f"urn:uuid:{proof_id}",
        "cryptosuite": "eddsa-rdfc-2022",
        "created": "2023-02-24T23:36:38Z",
        "verificationMethod": f"did:key:{key}#{key}",
        "proofPurpose": "assertionMethod",
        "proofValue": value,
    }


PROOFS = [
    proof(
        FIRST,
        "26329423-bec9-4b2e-88cb-a7c7d9dc4544",
        "z66vWyqwAghu52WbpRkCwFRTu6Msn92ArtjpJ3gGMSVoU5RADwBfszoDt1QWY8owqLPz4nTj7hAwV7xFti1p93zdr",
    ),
    proof(
        SECOND,
        "8cc9022b-6b14-4cf3-8571-74972c5feb54",
        "z2scr94SNNrGpP2bE7ajvKWeUHm7HJ2edDkxpARvFAQ8V3USzwEzibqrXKaLHBrWostswsfvg82twQR88BgtnsrXY",
    ),
]


@pytest.mark.parametrize("suite", HASHES)
def test_the_canonical_forms_have_the_printed_hashes(suite: str) -> None:
    options = {
        "type": "DataIntegrityProof",
        "cryptosuite": suite,
        "created": "2023-02-24T23:36:38Z",
        "verificationMethod": METHOD,
        "proofPurpose": "assertionMethod",
        "@context": DOCUMENT["@context"],
    }
    forms = [jcs(each) if suite == "eddsa-jcs-2022" else rdfc(each) for each in (DOCUMENT, options)]
    assert tuple(hashlib.sha256(form).hexdigest() for form in forms) == HASHES[suite]


def test_the_printed_proof_set_verifies_and_names_each_proof() -> None:
    verified = verify_proof({**DOCUMENT, "proof": PROOFS}, KEYS)
    assert [one.verification_method for one in verified] == list(KEYS)
    assert verify_proof({**DOCUMENT, "proof": PROOFS[0]}, KEYS) == verified[:1]


@pytest.mark.parametrize("spoilt", [0, 1])
def test_one_bad_proof_of_the_printed_set_is_enough(spoilt: int) -> None:
    proofs = copy.deepcopy(PROOFS)
    proofs[spoilt]["proofValue"] = PROOFS[1 - spoilt]["proofValue"]
    with pytest.raises(ProofError, match="invalid-signature"):
        verify_proof({**DOCUMENT, "proof": proofs}, KEYS)


# The printed chain (B.5.2): a third proof over the set, and a fourth over the third alone.
THIRD = {
    **proof(
        CHAINED,
        "d94f792a-c546-4d06-b38a-da070ab56c23",
        "zWaPeEvBAkhQpNQj8pknuvg5STcKnt3cvM9t4kAYeJETFjvVMSXEEjadC4uxC9fKCn6JHbjt6fj2fhoaVNynBm6J",
    ),
    "created": "2023-02-26T22:06:38Z",
    "previousProof": [PROOFS[0]["id"], PROOFS[1]["id"]],
}
FOURTH = {
    **{name: value for name, value in THIRD.items() if name != "id"},
    "created": "2023-02-26T22:16:38Z",
    "previousProof": THIRD["id"],
    "proofValue": "z21Royb2jnpDY8GkvsTn3pwWxXiXRMEwNLSzrfERHb1TNtDBydnFqwtxY9Vypv2mwMPygJhuxbKs2QLyGHx9DBjmY",
}
CHAIN_KEYS = KEYS | {THIRD["verificationMethod"]: CHAINED}


def check(*proofs: dict[str, Any]) -> int:
    return len(verify_proof({**DOCUMENT, "proof": list(proofs)}, CHAIN_KEYS))


def test_the_printed_proof_chain_verifies() -> None:
    assert check(*PROOFS, THIRD) == 3
    assert check(*PROOFS, THIRD, FOURTH) == 4
    assert check(FOURTH, THIRD, *PROOFS) == 4, "only what is named is in order"


@pytest.mark.parametrize("missing", range(3))
def test_every_previous_proof_has_to_be_there(missing: int) -> None:
    proofs = [*PROOFS, THIRD, FOURTH]
    del proofs[missing]
    with pytest.raises(ProofError, match="missing-previous-proof"):
        check(*proofs)


def test_what_a_chain_names_cannot_be_bent() -> None:
    for changed, code in (
        ({"previousProof": THIRD["previousProof"][0]}, "invalid-signature"),
        ({"previousProof": [*THIRD["previousProof"], THIRD["id"]]}, "missing-previous-proof"),
        ({"previousProof": "urn:uuid:unheard-of"}, "missing-previous-proof"),
        ({"previousProof": [7]}, "missing-previous-proof"),
        ({"previousProof": []}, "lost-data"),
    ):
        with pytest.raises(ProofError, match=code):
            check(*PROOFS, {**THIRD, **changed})
    with pytest.raises(ProofError, match="invalid-signature"):
        check(*PROOFS, {name: value for name, value in THIRD.items() if name != "previousProof"})
    twin = {**PROOFS[1], "id": PROOFS[0]["id"]}
    with pytest.raises(ProofError, match="missing-previous-proof"):
        check(*PROOFS, twin, THIRD)
