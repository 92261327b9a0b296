"""Learners, institutions and letters on a real database, and mailers that send them: no process, no bus."""

import asyncio
import base64
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import orjson

from services.notifier.domain.content import Addresses
from services.notifier.domain.delivery import Schedule
from services.notifier.domain.mail import Sender
from services.notifier.domain.mail_server import MailServer as Server
from services.notifier.domain.mailbox import Mailbox
from services.notifier.handlers.learners import Learners
from services.notifier.main import TEMPLATES, read_wording
from services.notifier.workers.folder import FolderPostman
from services.notifier.workers.mailer import Mailer, Postman, Rules
from services.notifier.workers.smtp import SmtpPostman
from services.notifier.workers.writing import Writer
from shared.credentials.sealing import Sealer
from shared.events.catalogue import ClaimOffered, CredentialIssued, CredentialRevoked, InstitutionRegistered
from shared.events.catalogue.credential import StatusEntry
from shared.events.envelope import Envelope, Event
from shared.events.ids import new_id
from shared.events.sealed_text import seal_text
from shared.postgres.database import Database

WORDING = read_wording(TEMPLATES)
KEK = Sealer.from_text("kek:" + base64.b64encode(b"k" * 32).decode())
RECIPIENTS = Sealer.from_text("rk:" + base64.b64encode(b"r" * 32).decode())
SENDER = Sender(Mailbox.of("letters@laurel.example"), Mailbox.of("bounces@laurel.example"))
ADDRESSES = Addresses("https://registry.example", "https://verifier.example")
ENTRY = StatusEntry(purpose="revocation", status_list_credential="https://issuer.example/l", index=7)
QUICK = Schedule((0.2, 0.2, 0.2))


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


def registered(institution: UUID, **changes: Any) -> InstitutionRegistered:
    """An institution's profile."""
    fields = {
        "version": 1,
        "institution_id": institution,
        "slug": "uni",
        "did": "did:web:uni.example",
        "name": "University & Sons",
        "url": "https://uni.example/",
        "email": "registrar@uni.example",
        "registered_at": utc_now(),
    }
    return InstitutionRegistered(**{**fields, **changes})


def issued(
    institution: UUID,
    address: str | None,
    *,
    credential: UUID | None = None,
    recipients: Sealer = RECIPIENTS,
    name: str | None = "Zoë Müller",
    language: str | None = "de-AT",
    title: str = "Applied Statistics",
    issued_at: datetime | None = None,
    valid_until: datetime | None = None,
) -> CredentialIssued:
    """A credential to a learner; only what letters read of the document."""
    credential_id = credential or new_id()
    document: dict[str, Any] = {"credentialSubject": {"achievement": {"name": title}}}
    if valid_until:
        document["validUntil"] = valid_until.isoformat()
    told = orjson.dumps({"email": address, "name": name, "language": language}).decode()
    return CredentialIssued(
        version=1,
        credential_id=credential_id,
        institution_id=institution,
        achievement_id=uuid4(),
        issuer="did:web:uni.example",
        document=document,
        status_entries=[],
        recipient=seal_text(recipients, told, "recipient", credential_id) if address else None,
        issued_at=issued_at or utc_now(),
    )


def offered(
    about: CredentialIssued,
    occasion: str = "issued",
    *,
    code: str = "code",
    days: float = 7,
    recipients: Sealer = RECIPIENTS,
) -> ClaimOffered:
    """A claim link for a credential."""
    link = f"https://registry.example/claim/{about.credential_id}#{code}"
    return ClaimOffered(
        version=2,
        credential_id=about.credential_id,
        institution_id=about.institution_id,
        occasion=occasion,  # type: ignore[arg-type]
        link=seal_text(recipients, link, "claim_link", about.credential_id),
        expires_at=utc_now() + timedelta(days=days),
    )


def changed(about: CredentialIssued, kind: type[Event] = CredentialRevoked, version: int = 2) -> Event:
    """Its status changed."""
    return kind(
        version=version,
        credential_id=about.credential_id,
        institution_id=about.institution_id,
        status_entry=ENTRY,
        reason="Plagiarism by Zoë Müller",
        changed_at=utc_now(),
    )


@dataclass(slots=True)
class PostOffice:
    """One database, one institution."""

    db: Database
    institution: UUID = field(default_factory=uuid4)
    now: datetime | None = None
    kek: Sealer = KEK

    def clock(self) -> datetime:
        """The real time, or the one that a test set."""
        return self.now or utc_now()

    async def hear(self, *events: Event, at: datetime | None = None, event_id: UUID | None = None) -> None:
        """Let the handlers have events, in one transaction."""
        table = Learners(RECIPIENTS, self.kek, lambda: None, self.clock).handlers()
        async with self.db.worker() as tx:
            for event in events:
                time = at or self.clock()
                envelope = Envelope(event_id or new_id(), event.TYPE, "/test", event.key, time, event.version)
                await table[type(event)](tx, envelope, event)

    async def rows(self, query: str, *args: object) -> list[dict[str, Any]]:
        """What a statement gives."""
        async with self.db.worker() as tx:
            return [dict(row) for row in await tx.fetch(query, *args)]

    async def states(self) -> list[tuple[str, str, str | None]]:
        """Kind, state and reason of every letter."""
        rows = await self.rows("SELECT kind, state, reason FROM letter ORDER BY created_at, id")
        return [(row["kind"], row["state"], row["reason"]) for row in rows]

    async def settled(self, seconds: float = 20) -> list[tuple[str, str, str | None]]:
        """The same, once none is pending."""
        async with asyncio.timeout(seconds):
            while any(state == "pending" for _, state, _ in await self.states()):
                await asyncio.sleep(0.05)
        return await self.states()

    def mailer(
        self,
        url: str,
        *,
        timeout: float = 10,
        per_minute: float = 0,
        schedule: Schedule = QUICK,
        tls: ssl.SSLContext | None = None,
    ) -> Mailer:
        """What sends letters to the server at `url`."""
        server, context = Server.parse(url), tls or ssl.create_default_context()
        rules = Rules(timeout, per_minute, schedule)
        return self._mailer(lambda: SmtpPostman(server, timeout, "client.example", context), rules)

    def mailer_into(self, folder: Path) -> Mailer:
        """What writes letters into a folder."""
        return self._mailer(lambda: FolderPostman(folder), Rules(10, 0, Schedule((60,))))

    def _mailer(self, postmen: Callable[[], Postman], rules: Rules) -> Mailer:
        writer = Writer(self.db, self.kek, WORDING, SENDER, ADDRESSES, "https://notifier.example")
        return Mailer(self.db, writer, postmen, rules, self.clock)

    async def until_tried(self, error: str, seconds: float = 20) -> None:
        """Wait for a try that ended so."""
        async with asyncio.timeout(seconds):
            while not await self.rows("SELECT FROM letter_attempt WHERE error = $1", error):
                await asyncio.sleep(0.05)

    @contextlib.asynccontextmanager
    async def sending(self, *mailers: Mailer) -> AsyncIterator[None]:
        """Let mailers work for as long as the block."""
        running = [asyncio.create_task(mailer.run()) for mailer in mailers]
        try:
            yield
        finally:
            await asyncio.gather(*(mailer.stop() for mailer in mailers))
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
