"""What learners hear of, by e-mail: who they are, until they are forgotten; what their credentials are called, and what
happens to those; and what is known of the institutions and platforms that are written to about their endpoints."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import structlog

from services.notifier.commands.remember_learner import remember_learner
from services.notifier.commands.write_letter import write_claim_letter, write_learner_letter
from services.notifier.domain.letter import Branding, is_news
from services.notifier.store import addressees
from shared.credentials.sealing import CannotUnseal, Sealer
from shared.events.catalogue import (
    ClaimOffered,
    CredentialExpired,
    CredentialIssued,
    CredentialReinstated,
    CredentialRevoked,
    CredentialSuspended,
    InstitutionRegistered,
    InstitutionUpdated,
    LearnerErased,
    PlatformRegistered,
    PlatformUpdated,
)
from shared.events.envelope import Envelope, Event
from shared.events.sealed_text import unseal_text
from shared.inbox.dispatch import Handlers
from shared.postgres.database import Transaction

log = structlog.get_logger()

_STATUS: dict[type[Event], str] = {
    CredentialRevoked: "revoked",
    CredentialSuspended: "suspended",
    CredentialReinstated: "active",
    CredentialExpired: "expired",
}


class Learners:
    """One a process. `recipients` opens what events carry sealed, `sealer` seals what is kept; `wake` tells the mailer,
    after the commit, that there may be something to send."""

    def __init__(
        self, recipients: Sealer, sealer: Sealer, wake: Callable[[], None], clock: Callable[[], datetime]
    ) -> None:
        self._recipients, self._sealer, self._wake, self._clock = recipients, sealer, wake, clock

    def handlers(self) -> Handlers:
        """The table."""
        return {
            InstitutionRegistered: self._institution,
            InstitutionUpdated: self._institution,
            PlatformRegistered: self._platform,
            PlatformUpdated: self._platform,
            CredentialIssued: self._issued,
            ClaimOffered: self._offered,
            LearnerErased: self._erased,
            **dict.fromkeys(_STATUS, self._status_changed),
        }

    async def _institution(self, tx: Transaction, _envelope: Envelope, event: Any) -> None:
        branding = Branding(event.name, event.url, event.image, event.email)
        await addressees.brand(tx, event.institution_id, branding, event.version)

    async def _platform(self, tx: Transaction, _envelope: Envelope, event: Any) -> None:
        branding = Branding(event.name, event.url, None, event.email)
        await addressees.brand(tx, event.platform_id, branding, event.version)

    async def _issued(self, tx: Transaction, _envelope: Envelope, event: Any) -> None:
        await remember_learner(tx, event, recipients=self._recipients, sealer=self._sealer)
        tx.after_commit(self._wake)

    async def _offered(self, tx: Transaction, envelope: Envelope, event: Any) -> None:
        now = self._clock()
        if not is_news(envelope.time, now) or event.expires_at <= now:
            return
        try:
            link = unseal_text(self._recipients, event.link, "claim_link", event.credential_id)
        except CannotUnseal as error:
            log.error("claim_link.unusable", credential_id=str(event.credential_id), error=str(error))
            return
        await write_claim_letter(
            tx,
            "earned" if event.occasion == "issued" else "claim-link",
            credential_id=event.credential_id,
            institution_id=event.institution_id,
            event_id=envelope.id,
            link=link,
            link_expires_at=event.expires_at,
            sealer=self._sealer,
            now=now,
        )
        tx.after_commit(self._wake)

    async def _erased(self, tx: Transaction, _envelope: Envelope, event: LearnerErased) -> None:
        await addressees.erase_of(tx, event.credential_id, event.institution_id, self._clock())

    async def _status_changed(self, tx: Transaction, envelope: Envelope, event: Any) -> None:
        now, status = self._clock(), _STATUS[type(event)]
        reachable = await addressees.change_status(tx, event.credential_id, status, event.version)
        if status != "revoked" or not reachable or not is_news(envelope.time, now):
            return
        await write_learner_letter(
            tx,
            "revoked",
            credential_id=event.credential_id,
            institution_id=event.institution_id,
            event_id=envelope.id,
            now=now,
        )
        tx.after_commit(self._wake)
