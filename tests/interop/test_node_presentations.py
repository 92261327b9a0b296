"""Presentations exchanged with Digital Bazaar's libraries: of the right credentials, to the one who asked."""

from typing import Any

import pytest

from services.verifier.domain.did_document import did_key
from shared.credentials import CREDENTIALS_V2, ProofError, verify_proof
from shared.credentials import sign as sign_document
from tests.fixtures.node_peer import NodePeer
from tests.fixtures.peer import PeerRefused
from tests.interop import documents
from tests.interop.issuers import CREATED, NOW, SUITES, Issuer

CHALLENGE, DOMAIN = "c0ffee", "https://verifier.example"
Document = dict[str, Any]
of_every_suite = pytest.mark.parametrize("suite", SUITES)


def parties(suite: str) -> tuple[Issuer, Document]:
    """A holder, and a credential in the suite."""
    name, algorithm = SUITES[suite]
    issuer = Issuer.new(algorithm)
    return Issuer.new(algorithm), issuer.sign(documents.badge(issuer.did), name)


@of_every_suite
def test_what_we_present_verifies_there(node_peer: NodePeer, suite: str) -> None:
    name = SUITES[suite][0]
    holder, credential = parties(suite)
    presentation = {
        "@context": [CREDENTIALS_V2],
        "type": ["VerifiablePresentation"],
        "holder": holder.did,
        "verifiableCredential": [credential],
    }
    signed = sign_document(
        presentation,
        key=holder.key,
        verification_method=holder.method,
        cryptosuite=name,
        created=CREATED,
        purpose="authentication",
        challenge=CHALLENGE,
        domain=DOMAIN,
    )
    request = {"suite": name, "domain": DOMAIN, "now": NOW}
    node_peer.ask("verifyVp", document=signed, challenge=CHALLENGE, **request)
    with pytest.raises(PeerRefused, match="challenge"):
        node_peer.ask("verifyVp", document=signed, challenge="another", **request)
    with pytest.raises(PeerRefused):
        node_peer.ask("verifyVp", document=documents.changed(signed), challenge=CHALLENGE, **request)


@of_every_suite
def test_what_they_present_verifies_here(node_peer: NodePeer, suite: str) -> None:
    name = SUITES[suite][0]
    holder, credential = parties(suite)
    request = {"suite": name, "credentials": [credential], "key": holder.jwk, "now": NOW, "created": NOW}
    signed = node_peer.ask("signVp", challenge=CHALLENGE, domain=DOMAIN, **request)["document"]
    (proof,) = verify_proof(signed, did_key(holder.did), purpose="authentication")
    assert (proof.challenge, proof.domains) == (CHALLENGE, (DOMAIN,))
    with pytest.raises(ProofError, match="invalid-signature"):
        verify_proof(documents.changed(signed), did_key(holder.did), purpose="authentication")
