"""Signed tokens exchanged with jose."""

import pytest

from shared.credentials import ALGORITHMS, Algorithm, ProofError, encode_jwk, secure_token, verify_token
from shared.credentials.enveloped import read_token
from tests.fixtures.node_peer import NodePeer
from tests.fixtures.peer import PeerRefused
from tests.interop import documents
from tests.interop.issuers import CREATED, Issuer

of_every_algorithm = pytest.mark.parametrize("algorithm", ALGORITHMS)


def changed(token: str) -> str:
    """The token with one character of its payload another."""
    header, payload, signature = token.split(".")
    middle = len(payload) // 2
    other = "A" if payload[middle] != "A" else "B"
    return ".".join([header, payload[:middle] + other + payload[middle + 1 :], signature])


@of_every_algorithm
def test_our_token_verifies_there(node_peer: NodePeer, algorithm: Algorithm) -> None:
    issuer = Issuer.new(algorithm)
    document = documents.names(issuer.did)
    token = secure_token(document, key=issuer.key, verification_method=issuer.method, created=CREATED)
    public = encode_jwk(issuer.key.public_key())
    answer = node_peer.ask("verifyJws", token=token, key=public)
    assert answer["payload"] == {**document, "iat": int(CREATED.timestamp())}
    assert answer["header"]["kid"] == issuer.method
    with pytest.raises(PeerRefused, match="signature verification failed"):
        node_peer.ask("verifyJws", token=changed(token), key=public)


@of_every_algorithm
def test_their_token_verifies_here(node_peer: NodePeer, algorithm: Algorithm) -> None:
    issuer = Issuer.new(algorithm)
    document = documents.names(issuer.did)
    header = {"typ": "vc+jwt", "kid": issuer.method}
    text = node_peer.ask("signJws", payload=document, key=issuer.jwk, header=header)["token"]
    token = read_token(text, "vc")
    assert (token.document, token.verification_method) == (document, issuer.method)
    verify_token(token, issuer.multikey)
    header_part, payload, _ = text.split(".")
    foreign = Issuer.new(algorithm)
    signature = node_peer.ask("signJws", payload=document, key=foreign.jwk, header=header)["token"].split(".")[2]
    with pytest.raises(ProofError, match="invalid-signature"):
        verify_token(read_token(f"{header_part}.{payload}.{signature}", "vc"), issuer.multikey)
