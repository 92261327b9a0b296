"""Tokens that let nobody in, at every route that asks for one: a problem with a challenge, and nothing is written."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from typing import Any
from uuid import uuid4

import asyncpg
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from shared.credentials.sealing import Sealed, Sealer
from tests.fixtures.api import Api, expect
from tests.fixtures.stack import Stack
from tests.integration.surface import WRITES, Route, Surface, fault, unchanged

pytestmark = pytest.mark.parametrize("bus_kind", ["embedded"], indirect=True)
PUBLIC_WRITES = {
    "POST registry/v1/claims",
    "POST registry/v1/credentials/{credential_id}/claim",
    "POST issuer/oauth/token",
    "POST notifier/unsubscribe/{token}",
    "POST notifier/unsubscribe/{token}/resume",
    "POST verifier/v1/verify",
    "POST verifier/v1/sd-jwt-vcs/verify",
    "POST verifier/credentials/verify",
    "POST verifier/presentations/verify",
    "POST verifier/proof-only/credentials/verify",
    "POST verifier/proof-only/presentations/verify",
    "POST verifier/challenges",
    "POST verifier/credentials/derive",
}


class Mint:
    """Signs with the issuer's own token key, so that a token is wrong in nothing but what a test makes wrong."""

    def __init__(self, surface: Surface, key: Ed25519PrivateKey) -> None:
        self.good = surface.tenant.token
        self.header: dict[str, Any] = jwt.get_unverified_header(self.good)
        self.claims: dict[str, Any] = jwt.decode(self.good, options={"verify_signature": False})
        self.key = key

    @classmethod
    async def of(cls, stack: Stack, surface: Surface) -> "Mint":
        """Take the key from the issuer's database with the key-encryption key of the tests' deployment."""
        kid = jwt.get_unverified_header(surface.tenant.token)["kid"]
        connection = await asyncpg.connect(stack.deployment.databases["issuer"].owner)
        try:
            row = await connection.fetchrow("SELECT ciphertext, kek_id FROM token_key WHERE kid = $1", kid)
        finally:
            await connection.close()
        sealed = Sealed(row["ciphertext"], row["kek_id"])
        raw = Sealer.from_text(stack.deployment.kek).unseal(sealed, "token_key", kid)
        return cls(surface, Ed25519PrivateKey.from_private_bytes(raw))

    def token(self, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """The good token with other claims, and headers, signed."""
        pem = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        given = {name: value for name, value in {**self.claims, **claims}.items() if value is not None}
        return jwt.encode(given, pem, "EdDSA", headers={**self.header, **(header or {})})

    def disguised(self, algorithm: str) -> str:
        """The good claims under another algorithm; HS256 has the public key as its secret."""
        signing = b".".join(part(each) for each in ({**self.header, "alg": algorithm}, self.claims))
        public = self.key.public_key()
        signature = {
            "none": b"",
            "HS256": hmac.digest(
                public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), signing, hashlib.sha256
            ),
            "HS512": hmac.digest(public.public_bytes_raw(), signing, hashlib.sha512),
            "eddsa": self.key.sign(signing),
        }[algorithm]
        return (signing + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


def part(value: object) -> bytes:
    """One part of a compact JWS."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")


@pytest.fixture
async def surface(api: Api) -> Surface:
    return await Surface.of(api)


@pytest.fixture
async def mint(running: Stack, surface: Surface) -> Mint:
    return await Mint.of(running, surface)


def secured(surface: Surface) -> list[Route]:
    """Every route that asks for a token, reading or writing."""
    return [route for route in surface.routes if route.secured]


async def refusals(surface: Surface, authorization: str | None) -> list[str]:
    """Send a header to every secured route: what was answered otherwise than by 401 with a challenge."""
    headers = {"If-Match": '"1"', **({} if authorization is None else {"Authorization": authorization})}
    routes = secured(surface)
    answers = await asyncio.gather(*(surface.send(route, route.smallest, headers=headers) for route in routes))
    return [
        f"{route.name}: {answer.status_code} {answer.text[:300]}"
        for route, answer in zip(routes, answers, strict=True)
        if fault(answer, {401}, {"invalid-token"}) or not answer.headers["www-authenticate"].startswith("Bearer ")
    ]


async def test_only_what_is_public_can_be_written_without_a_token(surface: Surface) -> None:
    assert {r.name for r in surface.routes if r.method in WRITES and not r.secured} == PUBLIC_WRITES


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer garbage", "Bearer a.b.c", "Basic eDp5", "Bearer " + "x" * 7000]
)
async def test_no_token_and_no_good_one_lead_nowhere(
    running: Stack, surface: Surface, authorization: str | None
) -> None:
    async with unchanged(running):
        faults = await refusals(surface, authorization)
    assert not faults, "\n".join(faults)


async def test_what_the_tests_mint_is_good_otherwise(surface: Surface, mint: Mint) -> None:
    answer = await surface.api.http.get(
        f"{surface.api.urls['issuer']}/v1/achievements", headers={"Authorization": f"Bearer {mint.token()}"}
    )
    expect(200, answer)


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": int(time.time()) - 60},
        {"exp": None},
        {"nbf": int(time.time()) + 3600},
        {"aud": "another"},
        {"iss": "https://evil.example"},
        {"institution": None},
        {"institution": "../x"},
    ],
    ids=["expired", "endless", "not yet valid", "another audience", "another issuer", "nobody's", "no id"],
)
async def test_a_token_of_ours_that_does_not_fit_leads_nowhere(
    running: Stack, surface: Surface, mint: Mint, claims: dict[str, Any]
) -> None:
    async with unchanged(running):
        faults = await refusals(surface, f"Bearer {mint.token(**claims)}")
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "JWT"},
        {"kid": "../../etc/passwd"},
        {"kid": "https://evil.example/k"},
        {"kid": "' OR 1=1 --"},
        {"jku": "https://evil.example/jwks"},
        {"jwk": {"kty": "OKP"}},
        {"x5u": "https://evil.example/c"},
        {"crit": ["exp"]},
    ],
    ids=str,
)
async def test_a_header_that_chooses_how_to_be_checked_leads_nowhere(
    running: Stack, surface: Surface, mint: Mint, header: dict[str, Any]
) -> None:
    async with unchanged(running):
        faults = await refusals(surface, f"Bearer {mint.token(header)}")
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("algorithm", ["none", "HS256", "HS512", "eddsa"])
async def test_another_algorithm_leads_nowhere(running: Stack, surface: Surface, mint: Mint, algorithm: str) -> None:
    async with unchanged(running):
        faults = await refusals(surface, f"Bearer {mint.disguised(algorithm)}")
    assert not faults, "\n".join(faults)


async def test_a_changed_token_leads_nowhere(running: Stack, surface: Surface, mint: Mint) -> None:
    head, payload, signature = mint.good.split(".")
    other = part({**mint.claims, "institution": "01900000-0000-7000-8000-000000000000"}).decode()
    async with unchanged(running):
        faults = await refusals(surface, f"Bearer {head}.{other}.{signature}")
        faults += await refusals(surface, f"Bearer {head}.{payload}.{'A' * len(signature)}")
        faults += await refusals(surface, f"Bearer {head}.{payload}.")
    assert not faults, "\n".join(faults)


async def test_a_token_for_reading_writes_nothing(running: Stack, surface: Surface, mint: Mint) -> None:
    reader = {"Authorization": f"Bearer {mint.token(scope='credentials:read endpoints:read')}", "If-Match": '"1"'}
    writer = {"Authorization": f"Bearer {mint.token(scope='achievements:write')}"}
    writing = [route for route in secured(surface) if route.method in WRITES]
    reading = [r for r in secured(surface) if r.service == "notifier" and r.method == "get"]
    reading += [r for r in secured(surface) if r.path.startswith("/v1/credentials") and r.method == "get"]
    assert len(writing) > 20
    assert len(reading) > 5
    faults = []
    async with unchanged(running):
        for route, headers in [*((r, reader) for r in writing), *((r, writer) for r in reading)]:
            answer = await surface.send(route, route.smallest, headers=headers)
            code = "operator-only" if route.operator else "insufficient-scope"
            if fault(answer, {403}, {code}) or (
                not route.operator and "scope=" not in answer.headers["www-authenticate"]
            ):
                faults.append(f"{route.name}: {answer.status_code} {answer.text[:300]}")
    assert not faults, "\n".join(faults)


async def test_the_operators_token_is_no_institutions(running: Stack, surface: Surface) -> None:
    """Nor does a word more or less make it."""
    token = surface.api.operator["Authorization"]
    async with unchanged(running):
        faults = await refusals(surface, f"{token}x") + await refusals(surface, token[:-1])
    assert not faults, "\n".join(faults)


async def test_unknown_keys_cause_no_flood_at_the_token_issuer(running: Stack, surface: Surface, mint: Mint) -> None:
    """A hundred made-up key ids at each service, at once: at most one look-up of the key set by each."""
    headers = [{"Authorization": f"Bearer {mint.token({'kid': uuid4().hex})}"} for _ in range(100)]
    reading = {route.service: route for route in secured(surface) if route.method == "get"}
    assert reading.keys() == surface.api.urls.keys()
    before = await asked_for_keys(surface)
    async with unchanged(running):
        answers = await asyncio.gather(
            *(surface.send(route, b"", headers=each) for route in reading.values() for each in headers)
        )
    assert {fault(answer, {401}, {"invalid-token"}) for answer in answers} == {None}
    assert await asked_for_keys(surface) - before <= len(reading) - 1


async def asked_for_keys(surface: Surface) -> float:
    """How often the issuer was asked for its key set."""
    text = (await surface.api.http.get(f"{surface.api.urls['issuer']}/metrics")).text
    lines = [line for line in text.splitlines() if line.startswith("http_requests_total") and "jwks.json" in line]
    assert lines, "the services have fetched it at least once"
    return sum(float(line.rpartition(" ")[2]) for line in lines)
