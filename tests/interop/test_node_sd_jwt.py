"""SD-JWTs exchanged with `@sd-jwt/core`: issuer, holder and verifier on either side."""

from datetime import timedelta

import pytest

from services.verifier.domain.did_document import did_key
from services.verifier.domain.presentation import Question
from services.verifier.domain.sd_jwt_vc import binding, proof, read_vc, schema
from shared.credentials import ALGORITHMS, Algorithm, ProofError, decode_multikey, encode_jwk
from shared.credentials.sd_jwt import bind, make_sd_jwt, present, read_sd_jwt, verify_binding, verify_sd_jwt
from tests.fixtures.api import Api, expect
from tests.fixtures.node_peer import NodePeer
from tests.fixtures.peer import PeerRefused
from tests.integration.vc_api.securing import add_key, keys_of
from tests.interop.issuers import CREATED, Issuer

PAYLOAD = {"vct": "urn:x:badge", "given": "Ada 😀", "family": "Lovelace", "scores": [1, 2.5]}
HEADER = {"typ": "dc+sd-jwt"}
AUDIENCE, NONCE = "https://verifier.example", "c0ffee"
ISSUED_AT = int(CREATED.timestamp())
of_every_algorithm = pytest.mark.parametrize("algorithm", ALGORITHMS)
Parties = tuple[Issuer, Issuer]


@pytest.fixture
def parties(algorithm: Algorithm) -> Parties:
    """Who issues and who holds."""
    return Issuer.new(algorithm), Issuer.new(algorithm)


def issued(node_peer: NodePeer, issuing: str, parties: Parties) -> str:
    issuer, holder = parties
    public = holder.key.public_key()
    if issuing == "ours":
        return make_sd_jwt(PAYLOAD, ["/given", "/family"], key=issuer.key, header=HEADER, holder=public)
    payload = {**PAYLOAD, "cnf": {"jwk": encode_jwk(public)}}
    request = {"payload": payload, "frame": {"_sd": ["given", "family"]}, "key": issuer.jwk, "header": HEADER}
    return str(node_peer.ask("signSdJwt", **request)["token"])


def presented(node_peer: NodePeer, presenting: str, token: str, holder: Issuer) -> str:
    """Only the first name, bound to the verifier's question."""
    if presenting == "ours":
        return bind(present(token, ["/given"]), key=holder.key, audience=AUDIENCE, nonce=NONCE, created=CREATED)
    binding = {"iat": ISSUED_AT, "aud": AUDIENCE, "nonce": NONCE}
    request = {"token": token, "disclose": {"given": True}, "key": holder.jwk, "binding": binding}
    return str(node_peer.ask("presentSdJwt", **request)["token"])


@of_every_algorithm
@pytest.mark.parametrize("presenting", ["ours", "theirs"])
@pytest.mark.parametrize("issuing", ["ours", "theirs"])
def test_a_part_verifies_on_both_sides(node_peer: NodePeer, issuing: str, presenting: str, parties: Parties) -> None:
    issuer, holder = parties
    shown = presented(node_peer, presenting, issued(node_peer, issuing, parties), holder)
    expected = {name: value for name, value in PAYLOAD.items() if name != "family"}

    token = read_sd_jwt(shown)
    ours = verify_sd_jwt(token, issuer.key.public_key())
    assert {name: ours.get(name) for name in PAYLOAD} == {**expected, "family": None}
    answer = verify_binding(token)
    assert (answer.audience, answer.nonce, answer.issued_at) == (AUDIENCE, NONCE, CREATED)

    keys = {"key": encode_jwk(issuer.key.public_key()), "holder": encode_jwk(holder.key.public_key())}
    theirs = node_peer.ask("verifySdJwt", token=shown, nonce=NONCE, **keys)
    assert {name: theirs["payload"].get(name) for name in PAYLOAD} == {**expected, "family": None}
    assert theirs["binding"]["nonce"] == NONCE
    with pytest.raises(PeerRefused):
        node_peer.ask("verifySdJwt", token=shown, nonce="another", **keys)


@of_every_algorithm
@pytest.mark.parametrize("presenting", ["ours", "theirs"])
def test_another_disclosure_is_refused_on_both_sides(node_peer: NodePeer, presenting: str, parties: Parties) -> None:
    """What the holder signed was another selection."""
    issuer, holder = parties
    whole = issued(node_peer, "theirs", parties)
    shown = presented(node_peer, presenting, whole, holder)
    more = present(whole, ["/given", "/family"]) + shown.rpartition("~")[2]
    with pytest.raises(ProofError, match="other disclosures"):
        verify_binding(read_sd_jwt(more))
    keys = {"key": encode_jwk(issuer.key.public_key()), "holder": encode_jwk(holder.key.public_key())}
    with pytest.raises(PeerRefused, match="sd_hash"):
        node_peer.ask("verifySdJwt", token=more, nonce=NONCE, **keys)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_what_our_door_issues_their_holder_shows_and_their_verifier_reads(
    node_peer: NodePeer, issuer_api: Api, algorithm: Algorithm
) -> None:
    tenant, holder = await issuer_api.institution(), Issuer.new(algorithm)
    if algorithm != "Ed25519":
        await add_key(issuer_api, tenant, algorithm)
    public = encode_jwk(holder.key.public_key())
    body = {"claims": PAYLOAD, "disclosable": ["/given", "/family"], "holder": public, "algorithm": algorithm}
    url = f"{issuer_api.urls['issuer']}/v1/sd-jwt-vcs"
    answer = await issuer_api.http.post(url, json=body, headers=tenant.headers)
    token = expect(201, answer)["sdJwtVc"]
    shown = presented(node_peer, "theirs", token, holder)
    methods = await keys_of(issuer_api, tenant)
    key = decode_multikey(methods[read_sd_jwt(token).jws.header["kid"]])
    theirs = node_peer.ask("verifySdJwt", token=shown, nonce=NONCE, key=encode_jwk(key), holder=public)
    assert theirs["header"]["typ"] == "dc+sd-jwt"
    assert theirs["payload"]["iss"] == tenant.did
    assert {name: theirs["payload"].get(name) for name in PAYLOAD} == {**PAYLOAD, "family": None}


@of_every_algorithm
def test_what_they_issue_our_verifier_reads(node_peer: NodePeer, parties: Parties) -> None:
    issuer, holder = parties
    payload = {**PAYLOAD, "iss": issuer.did, "cnf": {"jwk": encode_jwk(holder.key.public_key())}}
    header = {**HEADER, "kid": issuer.method}
    request = {"payload": payload, "frame": {"_sd": ["given", "family"]}, "key": issuer.jwk, "header": header}
    token = str(node_peer.ask("signSdJwt", **request)["token"])
    shown = read_vc(presented(node_peer, "theirs", token, holder))
    asked = Question(NONCE, AUDIENCE)
    done = (proof(shown, did_key(issuer.did)), schema(shown), binding(shown, asked, CREATED, required=True)[0])
    assert [check.outcome for check in done] == ["pass", "pass", "pass"]
    claims = shown.presented.document
    assert {name: claims.get(name) for name in PAYLOAD} == {**PAYLOAD, "family": None}
    late = binding(shown, asked, CREATED + timedelta(minutes=11), required=True)[0]
    assert (late.outcome, late.reason and late.reason.code) == ("fail", "binding-stale")
