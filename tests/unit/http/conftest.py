"""A small service for tests of what every service has: its database is nowhere, so that nothing but HTTP is tested."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from html import escape
from typing import Annotated, Any
from uuid import UUID, uuid4

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from fastapi import Depends, FastAPI, Response
from pydantic import BaseModel, Field

from shared.http.app import HttpSettings, create_app, pages, router
from shared.http.auth import AUDIENCE, Authenticator, Principal, identify, operator, operator_or, require, require_any
from shared.http.body import Body, Email, Moment, Name, Slug, WebUrl
from shared.http.limits import Limits
from shared.postgres.database import Database, DatabaseSettings

ISSUER = "https://issuer.example"
PUBLIC_URL = "https://service.example"
OPERATOR_TOKEN = "operator-token-of-the-tests"
NOWHERE = DatabaseSettings(url="postgresql://nobody:x@127.0.0.1:1/nothing", owner_url="")


class Keys:
    """A key set in memory: `current` signs, `asked` counts look-ups."""

    def __init__(self) -> None:
        self.current = Ed25519PrivateKey.generate()
        self.kid = "key-1"
        self.asked: list[str] = []

    async def key(self, kid: str) -> Ed25519PublicKey | None:
        """The public key where `kid` is ours."""
        self.asked.append(kid)
        return self.current.public_key() if kid == self.kid else None


class Tokens:
    """Mints access tokens; each argument spoils one thing."""

    def __init__(self, keys: Keys) -> None:
        self.keys = keys
        self.institution = uuid4()

    def __call__(
        self,
        *scopes: str,
        key: Any = None,
        algorithm: str = "EdDSA",
        header: dict[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        now = int(time.time())
        payload = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": "client-1",
            "client_id": "client-1",
            "iat": now,
            "exp": now + 600,
            "jti": str(uuid4()),
            "scope": " ".join(scopes),
            "institution": str(self.institution),
            **claims,
        }
        headers = {"typ": "at+jwt", "kid": self.keys.kid, **(header or {})}
        return jwt.encode(
            {name: value for name, value in payload.items() if value is not None},
            self.keys.current if key is None else key,
            algorithm,
            headers=headers,
        )


class Recipient(Body):
    email: Email
    name: Name | None = None


class ByDid(Body):
    did: str


class Order(Body):
    """A body with a field of each kind."""

    slug: Slug
    recipient: Recipient | ByDid
    amount: int | None = None
    ratio: float | None = None
    public: bool | None = None
    at: Moment | None = None
    url: WebUrl | None = None
    tags: Annotated[list[str], Field(max_length=10)] = Field(default_factory=list)
    id: UUID | None = None


class Echo(BaseModel):
    """What was understood."""

    client: str
    slug: str


routes = router("things", "/v1/things")
Writer = Annotated[Principal, Depends(require("things:write"))]


@routes.post("", status_code=201, response_model=Echo)
async def create(body: Order, who: Writer) -> Any:
    return {"client": who.client_id, "slug": body.slug}


@routes.post("/{thing_id}/publish")
async def publish(thing_id: UUID) -> dict[str, str]:
    return {"id": str(thing_id)}


@routes.get("/whoami")
async def whoami(who: Annotated[Principal | None, Depends(identify)]) -> dict[str, Any]:
    return {"name": who.name, "is_platform": who.is_platform} if who else {"name": None}


@routes.get("/operator")
async def for_the_operator(_: Annotated[Principal, Depends(operator())]) -> dict[str, Any]:
    return {}


@routes.get("/either")
async def for_either(who: Annotated[Principal, Depends(operator_or("things:write"))]) -> dict[str, Any]:
    return {"name": who.name}


@routes.get("/any")
async def for_either_scope(_: Annotated[Principal, Depends(require_any("things:read", "things:write"))]) -> Any:
    return {}


@routes.get("/broken")
async def broken() -> None:
    raise RuntimeError("the secret of the house")


@routes.get("/database")
async def database() -> None:
    async with Database(NOWHERE).worker():
        pass


people = pages("people")


@people.get("/welcome")
async def welcome(name: str = "stranger") -> Response:
    return Response(f"<h1>Welcome, {escape(name)}</h1>", media_type="text/html")


@pytest.fixture
def keys() -> Keys:
    """The key set that tokens are checked against."""
    return Keys()


@pytest.fixture
def token(keys: Keys) -> Tokens:
    """Mints tokens."""
    return Tokens(keys)


@pytest.fixture
def make_app(keys: Keys) -> Callable[..., FastAPI]:
    """Builds the service."""

    def make(rate_limit: float = 0, limits: Limits | None = None, **kwargs: Any) -> FastAPI:
        return create_app(
            title="Things",
            description="For tests.",
            settings=HttpSettings(PUBLIC_URL, "secret", rate_limit),
            db=Database(NOWHERE),
            routers=[routes, people, *kwargs.pop("routers", [])],
            authenticator=Authenticator(keys, issuer=ISSUER, operator_token=OPERATOR_TOKEN),
            limits=limits,
            **kwargs,
        )

    return make


@asynccontextmanager
async def client_of(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an app in this process."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://evil.example") as client:
        yield client


@pytest.fixture
async def client(make_app: Callable[..., FastAPI]) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the service."""
    async with client_of(make_app()) as made:
        yield made
