"""Access tokens (RFC 9068): what is let in, and every way to be kept out."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.unit.http.conftest import OPERATOR_TOKEN, Keys, Tokens

WHOAMI, OPERATOR, EITHER = "/v1/things/whoami", "/v1/things/operator", "/v1/things/either"
ANY = "/v1/things/any"


async def status(client: httpx.AsyncClient, header: str | bytes | None, url: str = EITHER) -> int:
    """The status for an Authorization header; problems must name their challenge."""
    answer = await client.get(url, headers={} if header is None else {"Authorization": header})
    if answer.status_code == 401:
        assert answer.headers["www-authenticate"].startswith('Bearer realm="laurel"')
        assert answer.json()["code"] == "invalid-token"
    return answer.status_code


async def test_a_good_token_names_the_institution(client: httpx.AsyncClient, token: Tokens) -> None:
    answer = await client.get(WHOAMI, headers={"Authorization": f"Bearer {token()}"})
    assert answer.json() == {"name": str(token.institution), "is_platform": False}
    assert (await client.get(WHOAMI)).json() == {"name": None}


@pytest.mark.parametrize(
    ("scope", "claims", "is_platform"),
    [
        ("endpoints:write", {"tenant_kind": "platform"}, True),
        ("endpoints:write", {"tenant_kind": "institution"}, False),
        ("endpoints:write", {"tenant_kind": "of-a-later-release"}, False),
        ("endpoints:write", {}, False),
        ("shares:write", {}, True),  # of an issuer that does not say
    ],
)
async def test_a_token_tells_platforms_from_institutions(
    client: httpx.AsyncClient, token: Tokens, scope: str, claims: dict[str, Any], is_platform: bool
) -> None:
    answer = await client.get(WHOAMI, headers={"Authorization": f"Bearer {token(scope, **claims)}"})
    assert answer.json()["is_platform"] is is_platform


async def test_a_public_read_with_a_bad_token_is_refused(client: httpx.AsyncClient) -> None:
    assert await status(client, "Bearer nonsense", WHOAMI) == 401


async def test_the_operator_is_let_in_where_operators_are(client: httpx.AsyncClient, token: Tokens) -> None:
    assert await status(client, f"Bearer {OPERATOR_TOKEN}", OPERATOR) == 200
    assert await status(client, f"Bearer {OPERATOR_TOKEN}", EITHER) == 200
    assert await status(client, f"Bearer {OPERATOR_TOKEN}x", OPERATOR) == 401
    refused = await client.get(OPERATOR, headers={"Authorization": f"Bearer {token('things:write')}"})
    assert (refused.status_code, refused.json()["code"]) == (403, "operator-only")


async def test_one_of_several_scopes_is_enough(client: httpx.AsyncClient, token: Tokens) -> None:
    for scope in ("things:read", "things:write", "things:read things:write"):
        assert await status(client, f"Bearer {token(scope)}", ANY) == 200
    refused = await client.get(ANY, headers={"Authorization": f"Bearer {token('other:read')}"})
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient-scope")
    assert 'scope="things:read things:write"' in refused.headers["www-authenticate"]
    assert refused.json()["detail"] == "the access token lacks the scope things:read or things:write"


async def test_a_missing_scope_is_named(client: httpx.AsyncClient, token: Tokens) -> None:
    refused = await client.get(EITHER, headers={"Authorization": f"Bearer {token('other:write things:writer')}"})
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient-scope")
    assert 'scope="things:write"' in refused.headers["www-authenticate"]


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Basic eDp5",
        "Bearer a b",
        "Bearer a.b.c",
        "Bearer \xfc.a.b",
        "Bearer " + "x" * 9000,
    ],
)
async def test_no_or_malformed_tokens_are_refused(client: httpx.AsyncClient, header: str | None) -> None:
    assert await status(client, None if header is None else header.encode("latin-1")) == 401


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": None},
        {"iat": None},
        {"iss": "https://other.example"},
        {"iss": None},
        {"aud": "other"},
        {"aud": None},
        {"sub": None},
        {"client_id": None},
        {"client_id": 7},
        {"jti": None},
        {"institution": None},
        {"institution": "no-uuid"},
        {"institution": 7},
        {"scope": ["things:write"]},
        {"exp": "soon"},
    ],
)
async def test_a_wrong_claim_is_refused(client: httpx.AsyncClient, token: Tokens, claims: dict[str, Any]) -> None:
    assert await status(client, f"Bearer {token('things:write', **claims)}") == 401


@pytest.mark.parametrize(("claim", "seconds"), [("exp", -31), ("nbf", 60), ("iat", 60)])
async def test_a_token_outside_its_time_is_refused(
    client: httpx.AsyncClient, token: Tokens, claim: str, seconds: int
) -> None:
    header = f"Bearer {token('things:write', **{claim: int(time.time()) + seconds})}"
    assert await status(client, header) == 401


async def test_clocks_may_differ_a_little(client: httpx.AsyncClient, token: Tokens) -> None:
    now = int(time.time())
    for claims in ({"exp": now - 10}, {"nbf": now + 10}, {"iat": now + 10}):
        assert await status(client, f"Bearer {token('things:write', **claims)}") == 200


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "JWT"},
        {"typ": None},
        {"typ": "id_token+jwt"},
        {"kid": ""},
        {"kid": "../../etc/passwd"},
        {"kid": "https://evil.example/key"},
        {"kid": "' OR 1=1 --"},
        {"kid": "x" * 1000},
        {"jku": "https://evil.example/jwks"},
        {"x5u": "https://evil.example/cert"},
        {"crit": ["exp"]},
        {"jwk": {"kty": "OKP"}},
    ],
)
async def test_a_header_that_chooses_its_own_key_is_refused(
    client: httpx.AsyncClient, token: Tokens, header: dict[str, Any]
) -> None:
    assert await status(client, f"Bearer {token('things:write', header=header)}") == 401


async def test_a_key_of_somebody_else_is_refused(client: httpx.AsyncClient, token: Tokens) -> None:
    assert await status(client, f"Bearer {token('things:write', key=Ed25519PrivateKey.generate())}") == 401
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert await status(client, f"Bearer {token('things:write', key=rsa_key, algorithm='RS256')}") == 401


@pytest.mark.parametrize("algorithm", ["none", "HS256", "eddsa", "Ed448"])
async def test_another_algorithm_is_refused(
    client: httpx.AsyncClient, token: Tokens, keys: Keys, algorithm: str
) -> None:
    payload = jwt.decode(token("things:write"), options={"verify_signature": False})
    signing = b".".join(_part(part) for part in ({"alg": algorithm, "typ": "at+jwt", "kid": "key-1"}, payload))
    public = keys.current.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signature = {
        "none": b"",
        "HS256": hmac.digest(public, signing, hashlib.sha256),
        "eddsa": keys.current.sign(signing),
        "Ed448": keys.current.sign(signing),
    }[algorithm]
    forged = signing + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")
    assert await status(client, b"Bearer " + forged) == 401


async def test_a_changed_byte_is_refused(client: httpx.AsyncClient, token: Tokens) -> None:
    good = token("things:write")
    head, payload, signature = good.split(".")
    for spoiled in (f"{head}.{payload[:-2]}xx.{signature}", f"{head}.{payload}.{'A' * len(signature)}", f"{good}.x"):
        assert await status(client, f"Bearer {spoiled}") == 401
    assert await status(client, f"bearer {good}") == 200


async def test_a_token_seen_before_is_not_checked_again_until_it_expires(
    client: httpx.AsyncClient, token: Tokens, keys: Keys
) -> None:
    header = f"Bearer {token('things:write', exp=int(time.time()) - 28)}"
    assert await status(client, header) == 200
    assert await status(client, header) == 200
    assert keys.asked == ["key-1"]
    await asyncio.sleep(2.1)
    assert await status(client, header) == 401


def _part(value: object) -> bytes:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")
