"""A notifier without the other services: tests sign its tokens and put the events on the bus themselves."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Self
from uuid import UUID, uuid4

import asyncpg
import httpx
import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from services.cli.ports import free_ports
from shared.bus.embedded import EmbeddedBus
from shared.bus.kafka import KafkaBus
from shared.bus.port import Bus, Record
from shared.events.catalogue import CredentialRevoked, ShareChanged
from shared.events.catalogue.credential import StatusEntry
from shared.events.envelope import Envelope, Event
from shared.events.ids import new_id
from tests.fixtures.api import expect
from tests.fixtures.receiver import Delivery, Receiver
from tests.fixtures.services import Stacks
from tests.fixtures.stack import ServiceProcess, Stack
from tests.integration.paper_issuer import utc_now

KID = "of-the-test"
SCOPES = "endpoints:read endpoints:write"
QUICK = {"LAUREL_WEBHOOK_SCHEDULE": "0.3,0.3,0.3", "LAUREL_WEBHOOK_TIMEOUT": "2"}


@dataclass(frozen=True, slots=True)
class Tenant:
    """An institution as the notifier knows one: an id in a token."""

    id: UUID
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class LoneNotifier:
    """The process, and the means to drive it. `key` signs the tokens it accepts."""

    stack: Stack
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @classmethod
    @contextlib.contextmanager
    def on(cls, stacks: Stacks, bus: str, *, wrapper: Sequence[str] = (), **env: str) -> Iterator[Self]:
        """A notifier on fresh databases, ready; it finds the tests' key where it keeps its copy of the key set.

        `wrapper` is put before its module.
        """
        stacks.stop_shared()
        wrappers = {"notifier": wrapper}
        with stacks.open(bus, env={**QUICK, **env}, wrappers=wrappers, start=False) as stack:
            made = cls(stack)
            stacks.background.run(made._introduce_key())
            stack.start("notifier")
            yield made

    async def _introduce_key(self) -> None:
        jwk = orjson.loads(jwt.get_algorithm_by_name("EdDSA").to_jwk(self.key.public_key()))
        url = f"{self.stack.deployment.url('issuer')}/.well-known/jwks.json"
        await self.execute(
            "INSERT INTO jwks_cache VALUES ($1, $2::text::jsonb, now())",
            url,
            orjson.dumps({"keys": [{**jwk, "kid": KID}]}).decode(),
        )

    @property
    def url(self) -> str:
        """Its base URL."""
        return self.stack["notifier"].url

    @property
    def operator(self) -> dict[str, str]:
        """The operator's headers."""
        return {"Authorization": f"Bearer {self.stack.deployment.operator_token}"}

    @contextlib.contextmanager
    def replica(self, folder: Path, instance: str = "2") -> Iterator[ServiceProcess]:
        """Another notifier on the same database and bus."""
        port = free_ports()["notifier"]
        environment = {**self.stack["notifier"].environment, "LAUREL_PORT": str(port), "LAUREL_INSTANCE": instance}
        process = ServiceProcess("notifier", port, environment, folder / f"replica-{instance}.log")
        process.start()
        try:
            process.wait_ready()
            yield process
        finally:
            if process.exit_code is None:
                process.stop()

    def tenant(
        self, scope: str = SCOPES, *, seconds: int = 600, client: str = "client", kind: str = "institution"
    ) -> Tenant:
        """An institution of the test's own, or a `platform`, with a token of `scope` that is good for so long."""
        institution, now = uuid4(), int(time.time())
        claims = {
            "iss": self.stack.deployment.url("issuer"),
            "aud": "laurel",
            "sub": client,
            "client_id": client,
            "exp": now + seconds,
            "iat": now - 60,
            "jti": uuid4().hex,
            "scope": scope,
            "institution": str(institution),
            "tenant_kind": kind,
        }
        return Tenant(institution, self._signed(claims))

    def narrowed(self, tenant: Tenant, scope: str) -> Tenant:
        """The same institution with a token of that scope alone."""
        token = tenant.headers["Authorization"].removeprefix("Bearer ")
        claims = jwt.decode(token, options={"verify_signature": False})
        return Tenant(tenant.id, self._signed({**claims, "jti": uuid4().hex, "scope": scope}))

    def _signed(self, claims: dict[str, Any]) -> dict[str, str]:
        pem = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        token = jwt.encode(claims, pem, algorithm="EdDSA", headers={"kid": KID, "typ": "at+jwt"})
        return {"Authorization": f"Bearer {token}"}

    async def execute(self, query: str, *args: Any) -> list[asyncpg.Record]:
        """Rows of a statement run as the owner of the notifier's tables."""
        connection = await asyncpg.connect(self.stack.deployment.databases["notifier"].owner)
        try:
            return list(await connection.fetch(query, *args))
        finally:
            await connection.close()

    @contextlib.asynccontextmanager
    async def bus(self) -> AsyncIterator[Bus]:
        """The bus it listens to."""
        deployment = self.stack.deployment
        made: Bus
        if deployment.kafka is not None:
            made = KafkaBus(deployment.kafka)
        else:
            assert deployment.bus_database_url is not None
            made = EmbeddedBus(deployment.bus_database_url)
        try:
            yield made
        finally:
            await made.close()

    async def publish(
        self, *events: Event, traceparent: str | None = None, event_id: UUID | None = None, at: datetime | None = None
    ) -> list[UUID]:
        """Put events on the bus as a relay does, of `at` or of now; their ids, new ones unless `event_id` is given."""
        records = [_record(event, traceparent, event_id, at or utc_now()) for event in events]
        async with self.bus() as bus:
            await bus.ensure_topics(sorted({event.TOPIC for event in events}))
            producer = bus.producer()
            await producer.start()
            try:
                assert await producer.send_all([record for _, record in records], 20) == [None] * len(events)
            finally:
                await producer.stop()
        return [identifier for identifier, _ in records]


class Platform:
    """One endpoint of one institution at the receiver, and what the notifier says about it."""

    def __init__(self, notifier: LoneNotifier, receiver: Receiver, tenant: Tenant, http: httpx.AsyncClient) -> None:
        self.notifier, self.receiver, self.tenant, self.http = notifier, receiver, tenant, http
        self.name, self.id, self.secret = uuid4().hex, "", ""

    @classmethod
    async def join(
        cls,
        notifier: LoneNotifier,
        receiver: Receiver,
        http: httpx.AsyncClient,
        behaviour: str = "ok",
        *,
        events: Sequence[str] = ("*",),
        tenant: Tenant | None = None,
        **asked: Any,
    ) -> Self:
        """Register an endpoint that behaves like that, and asks for that."""
        made = cls(notifier, receiver, tenant or notifier.tenant(), http)
        answer = expect(
            201,
            await http.post(
                "/v1/endpoints",
                json={"url": receiver.url(made.name, behaviour), "events": list(events), **asked},
                headers=made.tenant.headers,
            ),
        )
        made.id, made.secret = answer["id"], answer["secret"]
        return made

    async def tell(self, count: int = 1) -> list[UUID]:
        """Let `count` credentials of the institution be revoked; the ids of the credentials."""
        events = [revoked(self.tenant.id) for _ in range(count)]
        await self.notifier.publish(*events)
        return [event.credential_id for event in events]

    async def heard(self, count: int, seconds: float = 20) -> list[Delivery]:
        """What the receiver has got, once it is that much."""
        return await self.receiver.wait(self.name, count, seconds)

    async def get(self, path: str, **params: str) -> dict[str, Any]:
        """An answer of the notifier to the institution."""
        return expect(200, await self.http.get(path, params=params, headers=self.tenant.headers))

    async def endpoint(self) -> dict[str, Any]:
        """The endpoint as it is now."""
        return await self.get(f"/v1/endpoints/{self.id}")

    async def until(self, state: str, *, key: str = "state", seconds: float = 20) -> dict[str, Any]:
        """The endpoint, once `key` is that."""
        deadline = time.monotonic() + seconds
        while (now := await self.endpoint())[key] != state:
            assert time.monotonic() < deadline, now
            await asyncio.sleep(0.05)
        return now

    async def messages(self, **params: str) -> list[dict[str, Any]]:
        """The institution's messages, newest first."""
        return list((await self.get("/v1/messages", **params))["items"])

    async def message(self, state: str, seconds: float = 20) -> dict[str, Any]:
        """The institution's only message, once its delivery here is in that state."""
        deadline = time.monotonic() + seconds
        while True:
            for message in await self.messages():
                if any(d["endpoint_id"] == self.id and d["state"] == state for d in message["deliveries"]):
                    return message
            assert time.monotonic() < deadline, await self.messages()
            await asyncio.sleep(0.05)

    async def attempts(self, message_id: str, count: int = 1, seconds: float = 20) -> list[dict[str, Any]]:
        """The attempts on record for a message, once there are that many."""
        deadline = time.monotonic() + seconds
        while len(found := (await self.get(f"/v1/messages/{message_id}/attempts"))["items"]) < count:
            assert time.monotonic() < deadline, found
            await asyncio.sleep(0.05)
        return list(found)


def revoked(institution: UUID, credential: UUID | None = None, version: int = 2) -> CredentialRevoked:
    """A credential of that institution is void."""
    return CredentialRevoked(
        version=version,
        credential_id=credential or new_id(),
        institution_id=institution,
        status_entry=StatusEntry(purpose="revocation", status_list_credential="https://issuer.example/l", index=7),
        reason="Learner Example Surname withdrew",
        changed_at=utc_now(),
    )


def share_changed(platform: UUID, **given: Any) -> ShareChanged:
    """A credential that is shared with that platform was suspended; `given` says more of it."""
    fields = {"share_id": new_id(), "credential_id": new_id(), "institution_id": new_id(), "achievement_id": new_id()}
    return ShareChanged(version=3, platform_id=platform, status="suspended", changed_at=utc_now(), **(fields | given))


def _record(event: Event, traceparent: str | None, event_id: UUID | None, at: datetime) -> tuple[UUID, Record]:
    identifier, source = event_id or new_id(), f"/{event.TOPIC.split('.')[0]}"
    envelope = Envelope(identifier, event.TYPE, source, event.key, at, event.version, traceparent)
    return identifier, Record(event.TOPIC, event.key.encode(), event.to_value(), envelope.headers())
