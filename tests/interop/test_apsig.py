"""Credentials exchanged with apsig, a Python library from the Fediverse with `eddsa-jcs-2022` and its own JCS library.

Of our suites it has only that one. It reads contexts as URLs, so the badge with an inline one is not for it.
"""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from apsig import ProofSigner, ProofVerifier

from shared.credentials import ProofError
from tests.interop import documents
from tests.interop.issuers import NOW, Issuer, verify

Document = dict[str, Any]
DOCUMENTS = [documents.badge, documents.subjects, documents.names, documents.numbers, documents.version_1]
of_every_kind = pytest.mark.parametrize("make", DOCUMENTS, ids=lambda make: make.__name__)


def verifies_there(document: Document, issuer: Issuer) -> bool:
    # their verifier takes the proof out of the document it is given
    return ProofVerifier(issuer.multikey).verify(copy.deepcopy(document)) == issuer.method


@of_every_kind
def test_what_we_sign_verifies_there(make: Callable[[str], Document]) -> None:
    issuer = Issuer.new("Ed25519")
    signed = issuer.sign(make(issuer.did), "eddsa-jcs-2022")
    assert verifies_there(signed, issuer)
    assert not verifies_there(documents.changed(signed), issuer)


@of_every_kind
def test_what_they_sign_verifies_here(make: Callable[[str], Document]) -> None:
    issuer = Issuer.new("Ed25519")
    options = {
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-jcs-2022",
        "created": NOW,
        "verificationMethod": issuer.method,
        "proofPurpose": "assertionMethod",
    }
    signed = ProofSigner(issuer.key).sign(make(issuer.did), options)
    verify(signed)
    with pytest.raises(ProofError, match="invalid-signature"):
        verify(documents.changed(signed))
