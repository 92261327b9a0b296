"""Parts of credentials exchanged with Digital Bazaar's `ecdsa-sd-2023`: issuer, holder and verifier on either side."""

from typing import Any

import pytest

from shared.credentials import ECDSA_SD, ProofError, derive, sign_base
from tests.fixtures.node_peer import NodePeer
from tests.fixtures.peer import PeerRefused
from tests.interop import documents
from tests.interop.issuers import CREATED, NOW, Issuer, verify

MANDATORY = ["/issuer", "/validFrom", "/credentialStatus"]
SELECTIVE = ["/credentialSubject/achievement/name", "/credentialSubject/achievement/criteria"]
SIDES = pytest.mark.parametrize("issuing", ["ours", "theirs"])
Document = dict[str, Any]


def base(node_peer: NodePeer, issuing: str, issuer: Issuer) -> Document:
    document = documents.badge(issuer.did)
    if issuing == "ours":
        key: Any = issuer.key
        return sign_base(
            document, key=key, verification_method=issuer.method, created=CREATED, mandatory_pointers=MANDATORY
        )
    request = {"suite": ECDSA_SD, "document": document, "key": issuer.jwk, "mandatory": MANDATORY}
    signed: Document = node_peer.ask("sign", now=NOW, created=NOW, **request)["document"]
    return signed


def derived(node_peer: NodePeer, deriving: str, document: Document) -> Document:
    if deriving == "ours":
        return derive(document, SELECTIVE)
    made: Document = node_peer.ask("derive", suite=ECDSA_SD, document=document, selective=SELECTIVE)["document"]
    return made


@SIDES
@pytest.mark.parametrize("deriving", ["ours", "theirs"])
def test_a_part_verifies_on_both_sides(node_peer: NodePeer, issuing: str, deriving: str) -> None:
    issuer = Issuer.new("P-256")
    shown = derived(node_peer, deriving, base(node_peer, issuing, issuer))
    achievement = shown["credentialSubject"]["achievement"]
    assert achievement["name"] == documents.WORD
    assert "description" not in achievement
    verify(shown)
    node_peer.ask("verify", suite=ECDSA_SD, document=shown, now=NOW)


@SIDES
@pytest.mark.parametrize("deriving", ["ours", "theirs"])
def test_a_changed_part_is_refused_on_both_sides(node_peer: NodePeer, issuing: str, deriving: str) -> None:
    issuer = Issuer.new("P-256")
    changed = documents.changed(derived(node_peer, deriving, base(node_peer, issuing, issuer)))
    with pytest.raises(ProofError, match="invalid-signature"):
        verify(changed)
    with pytest.raises(PeerRefused):
        node_peer.ask("verify", suite=ECDSA_SD, document=changed, now=NOW)
