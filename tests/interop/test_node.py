"""Credentials exchanged with Digital Bazaar's libraries: what one side signs the other verifies, and no other.

They have all our suites, with code, JSON-LD processor and canonicalisers of their own: `eddsa-rdfc-2022`,
`eddsa-jcs-2022`, `ecdsa-rdfc-2019` and `ecdsa-jcs-2019` are here, `ecdsa-sd-2023` is in `test_node_selective`.
"""

from collections.abc import Callable
from typing import Any

import pytest

from shared.credentials import CREDENTIALS_V1, ProofError
from tests.fixtures.node_peer import NodePeer
from tests.fixtures.peer import PeerRefused
from tests.interop import documents
from tests.interop.issuers import NOW, SUITES, Issuer, verify

Document = dict[str, Any]
JCS_SUITES = [suite for suite in SUITES if "jcs" in suite]
RDFC_SUITES = [suite for suite in SUITES if "rdfc" in suite]
DOCUMENTS = [documents.badge, documents.subjects, documents.names, documents.numbers, documents.version_1]
CASES = [
    *((suite, make) for suite in SUITES for make in DOCUMENTS),
    *((suite, documents.eu_badge) for suite in RDFC_SUITES),
]
of_every_kind = pytest.mark.parametrize(
    ("suite", "make"), CASES, ids=lambda value: value if isinstance(value, str) else value.__name__
)


def signed_there(node_peer: NodePeer, issuer: Issuer, suite: str, document: Document, **options: Any) -> Document:
    request = {"suite": suite, "document": document, "key": issuer.jwk, "now": NOW, "created": NOW, **options}
    signed: Document = node_peer.ask("sign", **request)["document"]
    return signed


@of_every_kind
def test_what_we_sign_verifies_there(node_peer: NodePeer, suite: str, make: Callable[[str], Document]) -> None:
    name, algorithm = SUITES[suite]
    issuer = Issuer.new(algorithm)
    signed = issuer.sign(make(issuer.did), name)
    node_peer.ask("verify", suite=name, document=signed, now=NOW)
    with pytest.raises(PeerRefused, match="Invalid signature"):
        node_peer.ask("verify", suite=name, document=documents.changed(signed), now=NOW)


@of_every_kind
def test_what_they_sign_verifies_here(node_peer: NodePeer, suite: str, make: Callable[[str], Document]) -> None:
    name, algorithm = SUITES[suite]
    issuer = Issuer.new(algorithm)
    signed = signed_there(node_peer, issuer, name, make(issuer.did))
    verify(signed)
    with pytest.raises(ProofError, match="invalid-signature"):
        verify(documents.changed(signed))


def test_their_legacy_proof_verifies_here(node_peer: NodePeer) -> None:
    issuer = Issuer.new("Ed25519")
    document = documents.version_1(issuer.did)
    document["@context"] = [CREDENTIALS_V1, "https://w3id.org/security/suites/ed25519-2020/v1"]
    signed = signed_there(node_peer, issuer, "Ed25519Signature2020", document)
    verify(signed)
    with pytest.raises(ProofError, match="invalid-signature"):
        verify(documents.changed(signed))


# Where they differ from the specifications. Once one of these fails, their library was mended: move it up.


@pytest.mark.parametrize("suite", JCS_SUITES)
def test_they_refuse_an_inline_context_in_a_jcs_proof(node_peer: NodePeer, suite: str) -> None:
    """They compare the contexts of proof and document as JavaScript compares objects: two are never equal."""
    name, algorithm = SUITES[suite]
    issuer = Issuer.new(algorithm)
    theirs = signed_there(node_peer, issuer, name, documents.eu_badge(issuer.did))
    verify(theirs)
    for signed in (theirs, issuer.sign(documents.eu_badge(issuer.did), name)):
        with pytest.raises(PeerRefused, match=r"does not start with proof\.@context"):
            node_peer.ask("verify", suite=name, document=signed, now=NOW)


@pytest.mark.parametrize(
    "achievement",
    [
        # a number so small that JavaScript writes an exponent becomes 0, where it is not to be an xsd:double
        {"creditsAvailable": 1e-7},
        # RDFC-1.0 escapes what is no character of XML 1.1, and they do not
        {"fieldOfStudy": "\uffff"},
    ],
    ids=str,
)
def test_they_canonicalise_some_values_otherwise(node_peer: NodePeer, achievement: Document) -> None:
    issuer = Issuer.new("Ed25519")
    document = documents.badge(issuer.did)
    document["credentialSubject"]["achievement"].update(achievement)
    signed = issuer.sign(document, "eddsa-rdfc-2022")
    with pytest.raises(PeerRefused, match="Invalid signature"):
        node_peer.ask("verify", suite="eddsa-rdfc-2022", document=signed, now=NOW)
