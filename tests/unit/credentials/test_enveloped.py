"""Credentials in tokens: the printed examples of the JOSE specifications, and every way to trick a reader."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.credentials import (
    ALGORITHMS,
    CREDENTIALS_V1,
    ProofError,
    Token,
    decode_base64url,
    decode_jwk,
    encode_base64url,
    encode_jwk,
    encode_multikey,
    envelope,
    generate,
    is_enveloped,
    open_envelope,
    secure_token,
    verify_token,
)
from shared.credentials.enveloped import read_token
from shared.credentials.jws import check_jws, make_jws, read_json_object, read_jws
from shared.credentials.sd_jwt import bind, make_sd_jwt
from tests.unit.credentials.badges import CREATED, badge

ISSUER = "did:web:issuer.example:institutions:acme"
METHOD = f"{ISSUER}#key-1"
PAIRS = {algorithm: generate(algorithm) for algorithm in ALGORITHMS}
MULTIKEYS = {algorithm: encode_multikey(key.public_key()) for algorithm, key in PAIRS.items()}
TOKENS = {
    algorithm: secure_token(badge(), key=key, verification_method=METHOD, created=CREATED)
    for algorithm, key in PAIRS.items()
}
NAMES = {"Ed25519": "EdDSA", "P-256": "ES256", "P-384": "ES384"}


def test_the_printed_eddsa_token_is_reproduced() -> None:
    """RFC 8037, appendix A.4."""
    secret = decode_base64url("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A")
    expected = (
        "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4"
        "iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    )
    key = Ed25519PrivateKey.from_private_bytes(secret)
    assert make_jws({}, b"Example of Ed25519 signing", key) == expected
    check_jws(read_jws(expected), key.public_key())


def test_the_printed_es256_token_verifies() -> None:
    """RFC 7515, appendix A.3."""
    jwk = {
        "kty": "EC",
        "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    }
    token = (
        "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl"
        "fQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
    )
    check_jws(read_jws(token), decode_jwk(jwk))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_badge_comes_out_of_its_envelope_as_it_went_in(algorithm: Any) -> None:
    document = envelope(TOKENS[algorithm])
    assert is_enveloped(document)
    token = open_envelope(document)
    verify_token(token, MULTIKEYS[algorithm])
    assert token.jws.header == {"alg": NAMES[algorithm], "typ": "vc+jwt", "cty": "vc", "kid": METHOD}
    assert {name: value for name, value in token.document.items() if name != "iat"} == badge()
    assert (token.verification_method, token.issued_at) == (METHOD, CREATED.timestamp())


def code_of(text: str, algorithm: str = "Ed25519") -> str | None:
    """Why a token is refused; None when it is not."""
    try:
        verify_token(read_token(text), MULTIKEYS[algorithm])
    except ProofError as error:
        return error.code
    return None


def forged(header: dict[str, Any] | str, payload: Any = None, signature: bytes | None = None) -> str:
    """A token with any header; signed by our Ed25519 key unless a signature is given."""
    head = header if isinstance(header, str) else json.dumps(header)
    body = payload if isinstance(payload, str) else json.dumps(badge() if payload is None else payload)
    signed = f"{encode_base64url(head.encode())}.{encode_base64url(body.encode())}"
    own = PAIRS["Ed25519"]
    assert isinstance(own, Ed25519PrivateKey)
    return f"{signed}.{encode_base64url(own.sign(signed.encode()) if signature is None else signature)}"


def with_secret(secret: bytes) -> str:
    """A symmetric token whose secret is our public key."""
    head, body, _ = forged({"alg": "HS256", "kid": METHOD}).split(".")
    mac = hmac.HMAC(secret, hashes.SHA256())
    mac.update(f"{head}.{body}".encode())
    return f"{head}.{body}.{encode_base64url(mac.finalize())}"


def in_der() -> str:
    head, body, _ = TOKENS["P-256"].split(".")
    own = PAIRS["P-256"]
    assert isinstance(own, ec.EllipticCurvePrivateKey)
    return f"{head}.{body}.{encode_base64url(own.sign(f'{head}.{body}'.encode(), ec.ECDSA(hashes.SHA256())))}"


KID = {"kid": METHOD}
ATTACKS: dict[str, tuple[str, str, str]] = {
    "no algorithm": (forged(KID), "Ed25519", "wrong-algorithm"),
    "none": (forged({"alg": "none", **KID}, signature=b""), "Ed25519", "wrong-algorithm"),
    "None": (forged({"alg": "nOnE", **KID}, signature=b""), "Ed25519", "wrong-algorithm"),
    "the public key as a secret": (with_secret(MULTIKEYS["Ed25519"].encode()), "Ed25519", "wrong-algorithm"),
    "a key of its own": (
        forged({"alg": "EdDSA", "jwk": encode_jwk(PAIRS["Ed25519"].public_key())}),
        "Ed25519",
        "embedded-key",
    ),
    "a key by address": (forged({"alg": "EdDSA", "jku": "https://evil.example/keys"}), "Ed25519", "embedded-key"),
    "a certificate": (forged({"alg": "EdDSA", "x5c": ["MII"]}), "Ed25519", "embedded-key"),
    "a key of another curve": (TOKENS["P-384"], "P-256", "wrong-algorithm"),
    "another kind of key": (TOKENS["P-256"], "Ed25519", "wrong-algorithm"),
    "another key": (
        secure_token(badge(), key=generate("P-256"), verification_method=METHOD, created=CREATED),
        "P-256",
        "invalid-signature",
    ),
    "a signature in DER": (in_der(), "P-256", "invalid-signature"),
    "a large header": (forged({"alg": "EdDSA", "x": "y" * 2**20}), "Ed25519", "malformed-token"),
    "a long header": (forged({"alg": "EdDSA", "x": "y" * 9000}), "Ed25519", "malformed-token"),
    "critical headers": (forged({"alg": "EdDSA", "crit": ["exp"], "exp": 1}), "Ed25519", "malformed-token"),
    "an unencoded payload": (forged({"alg": "EdDSA", "b64": False}), "Ed25519", "malformed-token"),
    "an algorithm twice": (forged('{"alg": "EdDSA", "alg": "EdDSA"}'), "Ed25519", "malformed-token"),
    "a payload that is a list": (forged({"alg": "EdDSA"}, [1]), "Ed25519", "malformed-token"),
    "a payload that is too deep": (
        forged({"alg": "EdDSA"}, {"a": json.loads("[" * 50 + "]" * 50)}),
        "Ed25519",
        "malformed-token",
    ),
    "half a character": (forged({"alg": "EdDSA"}, {**badge(), "name": "\ud83d"}), "Ed25519", "malformed-token"),
    "the other half": (forged({"alg": "EdDSA"}, {**badge(), "name": "\udc00"}), "Ed25519", "malformed-token"),
    "another type": (forged({"alg": "EdDSA", "typ": "at+jwt"}), "Ed25519", "malformed-token"),
    "a claim that contradicts": (
        forged({"alg": "EdDSA"}, {**badge(), "iss": "did:web:other.example"}),
        "Ed25519",
        "claims-mismatch",
    ),
    "an id that contradicts": (
        forged({"alg": "EdDSA"}, {**badge(), "jti": "urn:x:other"}),
        "Ed25519",
        "claims-mismatch",
    ),
    "a time that is none": (forged({"alg": "EdDSA"}, {**badge(), "exp": "tomorrow"}), "Ed25519", "malformed-token"),
    "a time no calendar has": (forged({"alg": "EdDSA"}, {**badge(), "exp": 10**15}), "Ed25519", "malformed-token"),
    "a number that readers round": (forged({"alg": "EdDSA"}, {**badge(), "x": 2**70}), "Ed25519", "malformed-token"),
    "a number that overflows": (forged({"alg": "EdDSA"}, '{"x": 1e999}'), "Ed25519", "malformed-token"),
    "padding": (TOKENS["Ed25519"] + "=", "Ed25519", "malformed-token"),
    "a part more": (TOKENS["Ed25519"] + ".AA", "Ed25519", "malformed-token"),
}


def test_characters_of_every_plane_are_kept() -> None:
    document = {**badge(), "name": "\U0001f600 \U00010000 \U0010ffff \\ud83d"}
    token = secure_token(document, key=PAIRS["Ed25519"], verification_method=METHOD, created=CREATED)
    assert read_token(token, "vc").document["name"] == document["name"]


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_by_its_name(name: str) -> None:
    text, algorithm, code = ATTACKS[name]
    assert code_of(text, algorithm) == code


def test_what_the_attacks_are_made_of_is_good_otherwise() -> None:
    assert code_of(forged({"alg": "EdDSA", **KID})) is None
    assert code_of(forged({"alg": "Ed25519", **KID})) is None


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_any_changed_character_is_refused(algorithm: Any, data: st.DataObject) -> None:
    text = TOKENS[algorithm]
    place = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.sampled_from("ABCXYZabcxyz019-_.=+/ é").filter(lambda one: one != text[place]))
    assert code_of(text[:place] + letter + text[place + 1 :], algorithm) is not None


@pytest.mark.parametrize(
    ("kid", "issuer", "method"),
    [
        (METHOD, ISSUER, METHOD),
        ("#key-1", ISSUER, METHOD),
        ("key-1", ISSUER, METHOD),
        (None, "did:key:z6Mk", "did:key:z6Mk#z6Mk"),
        ("did:key:z6Mk", "did:key:z6Mk", "did:key:z6Mk#z6Mk"),
        (None, ISSUER, None),
        (5, ISSUER, None),
    ],
)
def test_the_header_names_the_verification_method(kid: Any, issuer: str, method: str | None) -> None:
    header = {"alg": "EdDSA"} if kid is None else {"alg": "EdDSA", "kid": kid}
    assert read_token(forged(header, {**badge(), "issuer": issuer})).verification_method == method


def test_a_credential_of_1_1_is_read_from_its_claim() -> None:
    inner = {name: value for name, value in badge().items() if name not in ("id", "issuer")}
    inner["@context"] = [CREDENTIALS_V1, *inner["@context"][1:]]
    subject = {name: value for name, value in inner.pop("credentialSubject").items() if name != "id"}
    claims = {"iss": ISSUER, "jti": "urn:x:1", "nbf": 0, "exp": 1893456000, "sub": "did:example:s"}
    token = read_token(forged({"alg": "EdDSA", **KID}, {**claims, "vc": {**inner, "credentialSubject": subject}}))
    document = token.document
    assert (document["issuer"], document["id"], document["credentialSubject"]["id"]) == (
        ISSUER,
        "urn:x:1",
        "did:example:s",
    )
    assert (document["issuanceDate"], document["expirationDate"]) == ("1970-01-01T00:00:00Z", "2030-01-01T00:00:00Z")


@pytest.mark.parametrize(
    "change",
    [
        {"id": "https://x.example/1"},
        {"id": "data:application/jwt," + TOKENS["Ed25519"]},
        {"id": "data:application/vc+jwt;base64," + TOKENS["Ed25519"]},
        {"id": 5},
        {"@context": ["https://www.w3.org/2018/credentials/v1"]},
        {"proof": {}},
        {"name": "beside the token"},
        {"type": ["VerifiableCredential", "EnvelopedVerifiableCredential"]},
        {"id": "data:application/vc+sd-jwt," + TOKENS["Ed25519"]},
    ],
)
def test_an_envelope_that_is_none_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ProofError, match="malformed-envelope"):
        open_envelope({**envelope(TOKENS["Ed25519"]), **change})


def test_a_presentation_answers_in_its_token() -> None:
    shown = {"@context": ["https://www.w3.org/ns/credentials/v2"], "type": ["VerifiablePresentation"], "holder": ISSUER}
    text = secure_token(
        shown,
        key=PAIRS["P-256"],
        verification_method=METHOD,
        created=CREATED,
        expires=datetime(2030, 1, 1, tzinfo=UTC),
        kind="vp",
        nonce="n",
        audience="shop.example",
    )
    token: Token = open_envelope(envelope(text, "vp"), "vp")
    verify_token(token, MULTIKEYS["P-256"])
    assert (token.nonce, token.audiences, token.expires_at) == ("n", ("shop.example",), 1893456000)
    with pytest.raises(ProofError):
        read_token(text, "vc")


HOLDER = generate("Ed25519")
SHOWN = {"@context": ["https://www.w3.org/ns/credentials/v2"], "type": ["VerifiablePresentation"], "holder": ISSUER}


def bound(key: Any = HOLDER, hidden: tuple[str, ...] = (), **claims: Any) -> str:
    """A presentation with disclosures, and the key binding of its holder."""
    header = {"typ": "vp+sd-jwt", "cty": "vp", "kid": METHOD}
    payload = {**SHOWN, "note": "x", **claims}
    text = make_sd_jwt(payload, hidden, key=PAIRS["P-256"], header=header, holder=HOLDER.public_key())
    return bind(text, key=key, audience="shop.example", nonce="n", created=CREATED)


def test_a_key_binding_answers_for_a_presentation_with_disclosures() -> None:
    token = open_envelope(envelope(bound(hidden=("/note",)), "vp"), "vp")
    verify_token(token, MULTIKEYS["P-256"])
    assert (token.nonce, token.audiences, token.bound_at) == ("n", ("shop.example",), CREATED)
    assert token.document["note"] == "x"
    verify_token(read_token(bound(nonce="n", aud=["a", "shop.example"]), "vp"), MULTIKEYS["P-256"])


def test_a_key_binding_that_does_not_hold_is_refused() -> None:
    other = bound(hidden=("/note",)).split("~")
    for text, code in (
        (bound(generate("Ed25519")), "invalid-signature"),
        ("~".join([other[0], other[-1]]), "invalid-signature"),
        (bound(nonce="another"), "claims-mismatch"),
        (bound(aud="other.example"), "claims-mismatch"),
    ):
        with pytest.raises(ProofError, match=code):
            verify_token(read_token(text, "vp"), MULTIKEYS["P-256"])


@pytest.mark.parametrize("head", ["data:application/vc+jwt;charset=utf-8,", "DATA:Application/VC+JWT,"])
def test_a_media_type_may_be_written_in_any_case_and_with_parameters(head: str) -> None:
    assert open_envelope({**envelope(TOKENS["Ed25519"]), "id": head + TOKENS["Ed25519"]}).document["issuer"]


def test_the_claim_of_1_1_is_for_documents_of_1_1_alone() -> None:
    for claims in ({"vc": badge()}, {**badge(), "vc": {**badge(), "@context": [CREDENTIALS_V1]}}, {"vc": {}}):
        with pytest.raises(ProofError, match="malformed-token"):
            read_token(forged({"alg": "EdDSA", **KID}, claims))


def test_claims_of_the_token_are_not_part_of_its_document() -> None:
    claims = {"jti": "urn:x:2", "sub": "did:example:s", "nonce": "n", "scope": "all", "nbf": 1893456000}
    bare = {name: value for name, value in badge().items() if name != "id"}
    bare["credentialSubject"] = {name: value for name, value in bare["credentialSubject"].items() if name != "id"}
    token = read_token(forged({"alg": "EdDSA", "typ": "VC+JWT", **KID}, {**bare, **claims}))
    assert token.secured == bare
    assert token.not_before == 1893456000


@pytest.mark.parametrize("number", ["9007199254740992", "-9007199254740992", "1" * 1000, "1" * 9000, "1e400", "NaN"])
def test_a_number_that_readers_read_differently_is_refused(number: str) -> None:
    with pytest.raises(ProofError, match="malformed-token"):
        read_json_object(f'{{"x": [{number}]}}'.encode())
    assert read_json_object(b'{"x": [9007199254740991, 1e300]}') == {"x": [2**53 - 1, 1e300]}
