"""Credentials exchanged with Iron, on Titanium's JSON-LD and RDF canonicalisation: a Java lineage of its own.

It takes credentials whose subjects have ids, and writes language tags in lower case, which RDF does not; so not every
document is for its proofs. The canonical form of all the others is compared by itself.
"""

import base64
from collections.abc import Callable
from typing import Any

import pytest

from shared.credentials import ProofError, derive, private_bytes, rdfc, sign_base
from shared.credentials.multikey import decode_base58
from tests.fixtures.java_peer import JavaPeer
from tests.fixtures.peer import PeerRefused
from tests.interop import documents
from tests.interop.issuers import CREATED, NOW, SUITES, Issuer, verify

Document = dict[str, Any]
MANDATORY = ["/issuer", "/validFrom"]
SELECTIVE = ["/credentialSubject/achievement/name", "/credentialSubject/achievement/criteria"]
of_each_suite = pytest.mark.parametrize("suite", [name for name in SUITES if "rdfc" in name])
of_every_kind = pytest.mark.parametrize(
    "make", [documents.badge, documents.numbers, documents.version_1], ids=lambda make: make.__name__
)


def signed_there(java_peer: JavaPeer, issuer: Issuer, document: Document, **request: str) -> Document:
    public = base64.b64encode(decode_base58(issuer.multikey[1:])[2:]).decode()  # without the kind of key
    secret = base64.b64encode(private_bytes(issuer.key)).decode()
    own = {"method": issuer.method, "public": public, "secret": secret, "created": NOW}
    while True:
        made: Document = java_peer.ask("sign", document=document, **own, **request)["document"]
        # One ECDSA signature there in 128 lacks a zero at its beginning, and is refused there too: another one, then.
        if len(decode_base58(made["proof"]["proofValue"][1:])) % 32 == 0:
            return made


@of_every_kind
@of_each_suite
def test_what_we_sign_verifies_there(java_peer: JavaPeer, suite: str, make: Callable[[str], Document]) -> None:
    name, algorithm = SUITES[suite]
    issuer = Issuer.new(algorithm)
    signed = issuer.sign(make(issuer.did), name)
    java_peer.ask("verify", document=signed)
    with pytest.raises(PeerRefused, match="InvalidSignature"):
        java_peer.ask("verify", document=documents.changed(signed))


@of_every_kind
@of_each_suite
def test_what_they_sign_verifies_here(java_peer: JavaPeer, suite: str, make: Callable[[str], Document]) -> None:
    name, algorithm = SUITES[suite]
    issuer = Issuer.new(algorithm)
    signed = signed_there(java_peer, issuer, make(issuer.did), suite=name, algorithm=algorithm)
    verify(signed)
    with pytest.raises(ProofError, match="invalid-signature"):
        verify(documents.changed(signed))


@pytest.mark.parametrize(
    "make",
    [documents.badge, documents.eu_badge, documents.numbers, documents.subjects, documents.version_1],
    ids=lambda make: make.__name__,
)
def test_the_canonical_form_is_the_same_there(java_peer: JavaPeer, make: Callable[[str], Document]) -> None:
    document = make("did:example:issuer")
    quads = java_peer.ask("canonicalise", document=document)["quads"]
    assert "".join(sorted(quads)) == rdfc(document).decode()


@pytest.mark.parametrize("deriving", ["ours", "theirs"])
def test_a_part_of_what_we_signed_verifies_on_both_sides(java_peer: JavaPeer, deriving: str) -> None:
    """The other way round is nothing to compare: a base proof made there does not verify there."""
    issuer = Issuer.new("P-256")
    key: Any = issuer.key
    base = sign_base(
        documents.badge(issuer.did),
        key=key,
        verification_method=issuer.method,
        created=CREATED,
        mandatory_pointers=MANDATORY,
    )
    if deriving == "ours":
        shown = derive(base, SELECTIVE)
    else:
        shown = java_peer.ask("derive", document=base, selective=SELECTIVE)["document"]
    assert "description" not in shown["credentialSubject"]["achievement"]
    verify(shown)
    java_peer.ask("verify", document=shown)
    changed = documents.changed(shown)
    with pytest.raises(ProofError, match="invalid-signature"):
        verify(changed)
    with pytest.raises(PeerRefused):
        java_peer.ask("verify", document=changed)
