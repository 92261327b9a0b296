"""The key set that tokens are checked against: how often it is asked for, and what a bad answer does to it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import jwt
import orjson
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.http import keysets
from shared.http.addresses import AddressPolicy
from shared.http.keysets import RemoteKeySet, read_key_set
from shared.http.outbound import OutboundClient
from shared.postgres.database import Database, Unavailable
from tests.unit.http.conftest import NOWHERE

STRANGE = ["../../etc/passwd", "https://evil.example/k", "' OR 1=1 --", "", "x" * 5000, "\u202e"]


def public(kid: str, key: Any = None) -> dict[str, Any]:
    """The JWK of a new Ed25519 key, or of that one."""
    made = (key or Ed25519PrivateKey.generate()).public_key()
    algorithm = jwt.algorithms.OKPAlgorithm if key is None else jwt.algorithms.RSAAlgorithm
    return {**orjson.loads(algorithm.to_jwk(made)), "kid": kid}


class TokenIssuer:
    """Answers with `body`, and counts."""

    def __init__(self) -> None:
        self.status, self.body, self.asked = 200, orjson.dumps({"keys": [public("one")]}), 0
        self.url = ""

    async def handle(self, _: web.Request) -> web.Response:
        """One request, slow enough for others to come meanwhile."""
        self.asked += 1
        await asyncio.sleep(0.05)
        return web.Response(status=self.status, body=self.body)


@pytest.fixture
async def issuer() -> AsyncIterator[TokenIssuer]:
    made = TokenIssuer()
    runner = web.ServerRunner(web.Server(made.handle))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/jwks"
    yield made
    await runner.cleanup()


@pytest.fixture
async def known(issuer: TokenIssuer) -> AsyncIterator[RemoteKeySet]:
    """The set as a service has it whose database is away."""
    async with OutboundClient(AddressPolicy.parse("127.0.0.0/8")) as client:
        yield RemoteKeySet(issuer.url, client, Database(NOWHERE))


async def test_a_thousand_unknown_keys_are_asked_for_once(issuer: TokenIssuer, known: RemoteKeySet) -> None:
    found = await asyncio.gather(*(known.key(f"unknown-{number}") for number in range(1000)))
    assert found == [None] * 1000
    assert [await known.key(kid) for kid in STRANGE] == [None] * len(STRANGE)
    assert await known.key("one") is not None
    assert issuer.asked == 1


async def test_a_new_key_is_found_when_the_time_is_over(
    issuer: TokenIssuer, known: RemoteKeySet, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await known.key("one") is not None
    issuer.body = orjson.dumps({"keys": [public("two")]})
    assert await known.key("two") is None, "not asked for again so soon"
    monkeypatch.setattr(keysets, "MIN_INTERVAL", 0.0)
    assert await known.key("two") is not None
    assert await known.key("one") is None, "a key taken away is gone"
    assert issuer.asked == 3


async def test_who_holds_an_unknown_key_does_not_hold_up_the_known(
    known: RemoteKeySet, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await known.key("one") is not None
    monkeypatch.setattr(keysets, "MIN_INTERVAL", 0.0)
    asking = asyncio.create_task(known.key("unknown"))
    await asyncio.sleep(0.01)
    async with asyncio.timeout(0.02):
        assert await known.key("one") is not None
    assert not asking.done()
    assert await asking is None


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, orjson.dumps({"keys": [public("two")]})),
        (404, orjson.dumps({"keys": [public("two")]})),
        (302, b""),
        (200, b"<html>"),
        (200, b"[]"),
        (200, b'{"keys": 5}'),
        (200, b'{"keys": []}'),
        (200, b'{"keys": [null, 5, {}]}'),
        (200, b'{"keys": [' + b" " * 70_000 + b"]}"),
    ],
)
async def test_a_bad_answer_takes_no_key_away(
    issuer: TokenIssuer, known: RemoteKeySet, monkeypatch: pytest.MonkeyPatch, status: int, body: bytes
) -> None:
    good = await known.key("one")
    assert good is not None
    monkeypatch.setattr(keysets, "MIN_INTERVAL", 0.0)
    issuer.status, issuer.body = status, body
    assert await known.key("two") is None
    assert await known.key("one") is good
    assert issuer.asked == 2


async def test_without_any_key_the_service_is_unavailable_and_nobody_is_refused(
    issuer: TokenIssuer, known: RemoteKeySet
) -> None:
    issuer.status = 500
    for _ in range(3):
        with pytest.raises(Unavailable):
            await known.key("one")
    assert issuer.asked == 1


def test_only_ed25519_keys_are_read() -> None:
    good = public("good")
    bad = [
        public("rsa", rsa.generate_private_key(public_exponent=65537, key_size=2048)),
        {**public("short"), "x": "AAAA"},
        {**public("no x"), "x": None},
        {**public("symmetric"), "kty": "oct", "k": "AAAA"},
        {name: value for name, value in public("nameless").items() if name != "kid"},
        {**public("x"), "kid": 5},
    ]
    assert read_key_set({"keys": [*bad, good]}).keys() == {"good"}
