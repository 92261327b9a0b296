"""Signed tokens exchanged with jose; and that the peer's SD-JWTs hold, for whoever is to read them."""

import pytest

from shared.credentials import ALGORITHMS, Algorithm, ProofError, encode_jwk, secure_token, verify_token
from shared.credentials.enveloped import read_token
from tests.fixtures.node_peer import NodePeer, PeerRefused
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


@of_every_algorithm
def test_their_sd_jwt_shows_what_was_chosen(node_peer: NodePeer, algorithm: Algorithm) -> None:
    issuer, holder = Issuer.new(algorithm), Issuer.new(algorithm)
    payload = {"vct": "urn:x:badge", "iat": 1, "given": "Ada", "family": "Lovelace"}
    frame = {"_sd": ["given", "family"]}
    token = node_peer.ask("signSdJwt", payload=payload, frame=frame, key=issuer.jwk, header={"typ": "dc+sd-jwt"})
    binding = {"iat": 1, "aud": "https://verifier.example", "nonce": "c0ffee"}
    shown = node_peer.ask(
        "presentSdJwt", token=token["token"], disclose={"given": True}, key=holder.jwk, binding=binding
    )["token"]
    keys = {"key": encode_jwk(issuer.key.public_key()), "holder": encode_jwk(holder.key.public_key())}
    answer = node_peer.ask("verifySdJwt", token=shown, nonce="c0ffee", **keys)
    assert answer["payload"] == {"vct": "urn:x:badge", "iat": 1, "given": "Ada"}
    assert answer["binding"]["nonce"] == "c0ffee"
    with pytest.raises(PeerRefused):
        node_peer.ask("verifySdJwt", token=shown, nonce="another", **keys)
