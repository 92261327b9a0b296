"""A learner whom the running notifier writes to, seen from their mailbox and through their institution's client."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx

from shared.credentials.sealing import Sealer
from shared.events.catalogue import CredentialIssued
from tests.fixtures.api import expect
from tests.fixtures.mail_server import MailServer
from tests.fixtures.services import Stacks
from tests.integration.lone_notifier import LoneNotifier, Tenant
from tests.integration.post_office import issued, offered, registered

SCOPES = "credentials:read credentials:write"


@contextmanager
def mailing_notifier(stacks: Stacks, bus_kind: str, server: MailServer) -> Iterator[LoneNotifier]:
    """The notifier alone, with a mail server."""
    mail = {"LAUREL_MAIL_FROM": "letters@laurel.example", "LAUREL_MAIL_RATE": "0", "LAUREL_MAIL_SCHEDULE": "0.3,0.3"}
    with LoneNotifier.on(stacks, bus_kind, LAUREL_SMTP_URL=server.url(), **mail) as made:
        yield made


@dataclass(frozen=True, slots=True)
class Learner:
    """Somebody with an address of their own, at an institution of the test's own, seen through its client."""

    notifier: LoneNotifier
    server: MailServer
    http: httpx.AsyncClient
    tenant: Tenant
    address: str

    @property
    def recipients(self) -> Sealer:
        return Sealer.from_text(self.notifier.stack.deployment.recipient_key)

    async def earn(self, **fields: Any) -> CredentialIssued:
        """A credential, with the offer to claim it."""
        event = issued(self.tenant.id, self.address, recipients=self.recipients, **fields)
        await self.notifier.publish(event)
        await self.offer(event, "issued")
        return event

    async def offer(self, event: CredentialIssued, occasion: str, days: float = 7) -> None:
        await self.notifier.publish(offered(event, occasion, days=days, recipients=self.recipients))

    async def letters(self, **params: str) -> list[dict[str, Any]]:
        answer = await self.http.get("/v1/letters", params=params, headers=self.tenant.headers)
        return list(expect(200, answer)["items"])

    async def until(self, state: str, seconds: float = 20, **params: str) -> dict[str, Any]:
        """The newest letter, once it is in that state."""
        deadline = time.monotonic() + seconds
        while not (found := await self.letters(**params)) or found[0]["state"] != state:
            assert time.monotonic() < deadline, found
            await asyncio.sleep(0.05)
        return found[0]

    async def link(self) -> str:
        """The path of the unsubscribe page, from the newest letter."""
        header = str(self.server.to(self.address)[-1].message["List-Unsubscribe"])
        return urlsplit(header.strip("<>")).path


async def join(
    notifier: LoneNotifier, server: MailServer, http: httpx.AsyncClient, kind: str = "zoe", tenant: Tenant | None = None
) -> Learner:
    """A learner of an institution of their own, unless one is given; `kind` is what the mail server does to them."""
    tenant = tenant or notifier.tenant(SCOPES)
    await notifier.publish(registered(tenant.id))
    return Learner(notifier, server, http, tenant, f"{kind}-{uuid4().hex[:8]}@example.org")
