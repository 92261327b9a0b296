"""SD-JWT VCs: what is made and read, and what neither a caller, an issuer nor a holder can slip in."""

from datetime import timedelta
from typing import Any

import pytest

from shared.credentials import (
    ProofError,
    encode_jwk,
    generate,
    read_sd_jwt,
    require_sd_jwt_vc,
    secure_sd_jwt_vc,
    verify_sd_jwt,
)
from shared.credentials.sd_jwt import make_sd_jwt, present
from tests.unit.credentials.badges import CREATED, DID, METHOD

KEY, HOLDER = generate("P-256"), generate("Ed25519")
CLAIMS: dict[str, Any] = {"vct": "https://u.example/degree", "name": "Ada", "grades": ["A", "B"], "sub": "did:x:1"}


def secured(claims: dict[str, Any] | None = None, disclosable: tuple[str, ...] = ("/name",)) -> str:
    return secure_sd_jwt_vc(
        CLAIMS if claims is None else claims,
        disclosable,
        key=KEY,
        issuer=DID,
        verification_method=METHOD,
        created=CREATED,
        not_before=CREATED,
        expires=CREATED + timedelta(days=1),
        holder=HOLDER.public_key(),
    )


def test_the_token_says_who_issued_it_to_whom_and_for_how_long() -> None:
    token = read_sd_jwt(secured())
    payload = verify_sd_jwt(token, KEY.public_key())
    require_sd_jwt_vc(token, payload)
    at = int(CREATED.timestamp())
    assert token.jws.header == {"alg": "ES256", "typ": "dc+sd-jwt", "kid": METHOD}
    times = {"iat": at, "nbf": at, "exp": at + 86_400}
    assert payload == {"iss": DID, **times, **CLAIMS, "cnf": {"jwk": encode_jwk(HOLDER.public_key())}}
    assert "name" not in present(secured(), [])


@pytest.mark.parametrize(
    ("change", "disclosable", "code", "pointer"),
    [
        ({"vct": ""}, (), "required", "#/vct"),
        ({"vct": 5}, (), "required", "#/vct"),
        ({"iss": DID}, (), "claims-mismatch", "#/iss"),
        ({"cnf": {}}, (), "claims-mismatch", "#/cnf"),
        ({"exp": 1}, (), "claims-mismatch", "#/exp"),
        ({"name": {"_sd": []}}, (), "reserved-name", "#/name/_sd"),
        ({}, ("/vct",), "invalid-pointer", "#"),
        ({}, ("/iss",), "invalid-pointer", "#"),
        ({}, ("/iat",), "invalid-pointer", "#"),
        ({}, ("/exp",), "invalid-pointer", "#"),
        ({}, ("/cnf/jwk",), "invalid-pointer", "#"),
        ({"status": {"x": 1}}, ("/status/x",), "invalid-pointer", "#"),
        ({"vct#integrity": "sha256-x"}, ("/vct#integrity",), "invalid-pointer", "#"),
        ({}, ("/nothing",), "invalid-pointer", "#"),
    ],
)
def test_what_decides_is_not_the_callers_to_say_nor_the_holders_to_withhold(
    change: dict[str, Any], disclosable: tuple[str, ...], code: str, pointer: str
) -> None:
    with pytest.raises(ProofError) as raised:
        secured({**CLAIMS, **change}, disclosable)
    assert (raised.value.code, raised.value.pointer) == (code, pointer)


def fault_of(claims: dict[str, Any], hidden: tuple[str, ...] = (), typ: str | None = "dc+sd-jwt") -> str | None:
    """Why a token that anybody may have made is no SD-JWT VC."""
    header = {} if typ is None else {"typ": typ}
    token = read_sd_jwt(make_sd_jwt({"iss": DID, **claims}, hidden, key=KEY, header=header))
    try:
        require_sd_jwt_vc(token, token.payload)
    except ProofError as error:
        return error.detail
    return None


def test_the_older_type_is_read_and_others_are_not() -> None:
    for typ in ("dc+sd-jwt", "vc+sd-jwt", "application/dc+sd-jwt"):
        assert fault_of(CLAIMS, typ=typ) is None
    for other in ("JWT", "sd-jwt", "vp+sd-jwt", "kb+jwt", None):
        assert "dc+sd-jwt" in str(fault_of(CLAIMS, typ=other))


@pytest.mark.parametrize("name", ["iss", "nbf", "exp", "cnf", "vct", "vct#integrity", "status"])
def test_what_decides_must_not_be_a_disclosure_nor_have_one(name: str) -> None:
    value: Any = {"nbf": 1, "exp": 2, "cnf": {"jwk": {}}, "status": {"x": 1}}.get(name, "text")
    assert fault_of({**CLAIMS, name: value}) is None
    assert fault_of({**CLAIMS, name: value}, (f"/{name}",)) is not None
    if isinstance(value, dict):
        within = f"/{name}/{next(iter(value))}"
        assert fault_of({**CLAIMS, name: value}, (within,)) is not None


@pytest.mark.parametrize(
    "change", [{"vct": None}, {"vct": 1}, {"sub": 1}, {"exp": "soon"}, {"nbf": True}, {"iat": 1e15}]
)
def test_claims_of_another_kind_are_refused(change: dict[str, Any]) -> None:
    assert fault_of({**CLAIMS, **change}) is not None
