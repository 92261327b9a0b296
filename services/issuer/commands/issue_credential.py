"""Sign and record one credential: the product's main verb."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from services.issuer.commands.change_status import status_entry
from services.issuer.commands.issuer_state import Issuable, IssuerState, OpenKey, Signatory
from services.issuer.commands.reserve_positions import LentPositions
from services.issuer.commands.seal_recipient import RecipientSealer
from services.issuer.domain.addresses import Addresses
from services.issuer.domain.credential import Credential, Position, Purpose
from services.issuer.domain.errors import Fault, Invalid, WrongState
from services.issuer.domain.recipient import Recipient, Subject, subject_of
from services.issuer.domain.results import results_of
from services.issuer.store import credentials
from services.issuer.store.credentials import BuiltFrom, Signed
from shared.credentials import Cryptosuite, ProofError, build_open_badge, sign, status_list_entry
from shared.events.catalogue.credential import CredentialIssued, Sealed
from shared.events.ids import new_id
from shared.outbox import outbox
from shared.postgres.database import Transaction

_TRIES = 3
MAX_DOCUMENT = 200 * 1024  # an event carries it, and has at most 256 KiB


@dataclass(frozen=True, slots=True)
class Order:
    """What an institution asks to be issued."""

    institution_id: UUID
    achievement_id: UUID
    recipient: Recipient
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    evidence: Sequence[Mapping[str, Any]] = ()
    results: Sequence[Mapping[str, Any]] = ()
    cryptosuite: Cryptosuite = "eddsa-rdfc-2022"


@dataclass(frozen=True, slots=True)
class Issued:
    """The record, and the signed document as the bytes that are stored and answered."""

    credential: Credential
    document: bytes


class Issuer:
    """What issuing needs besides the order: the process's memory, what seals learners, and the public addresses."""

    def __init__(self, state: IssuerState, recipients: RecipientSealer, addresses: Addresses) -> None:
        self._state, self._recipients, self._addresses = state, recipients, addresses

    async def issue_credential(
        self, tx: Transaction, order: Order, positions: LentPositions, *, now: datetime
    ) -> Issued:
        """Build, sign and record the credential and announce it (credential.issued), all in `tx`.

        When `tx` commits, the key that signed is active and the revision is the present one.
        Raises Unknown, WrongState, InstitutionIsSuspended, Invalid.
        """
        for _ in range(_TRIES):
            signatory = await self._state.signatory_for(tx, order.institution_id, order.cryptosuite)
            issuable = await self._state.issuable(tx, order.institution_id, order.achievement_id)
            # Another process's clock may be ahead of ours: a key never signs before it was activated.
            signer = signatory.key_for(order.cryptosuite)
            at = max(now, signer.key.activated_at)
            subject = subject_of(order.recipient)
            credential = _record(order, positions, subject, issuable, at)
            document = self._sign(order, credential, subject, signatory.profile, signer, issuable)
            issued = Issued(credential, _bytes_of(document))
            positions.used = True
            built = BuiltFrom(signatory.institution.version, issuable.revision)
            if await credentials.add_if_current(tx, self._sealed(order, issued, signatory), built):
                recipient = self._recipients.for_event(order.recipient, credential.id)
                event = issued_event(credential, document, signatory.institution.did, recipient, self._addresses)
                await outbox.append(tx, event, at=at)
                return issued
            self._state.forget(order.institution_id, order.achievement_id)
        raise WrongState("The institution or the achievement is changing too fast; try again.")

    def _sign(
        self,
        order: Order,
        credential: Credential,
        subject: Subject,
        profile: Mapping[str, Any],
        signer: OpenKey,
        issuable: Issuable,
    ) -> dict[str, Any]:
        document = build_open_badge(
            credential_id=self._addresses.credential(credential.id),
            issuer=profile,
            achievement=issuable.document,
            subject=subject.properties,
            valid_from=order.valid_from or credential.issued_at,
            valid_until=order.valid_until,
            results=results_of(order.results, issuable.document),
            evidence=[{**one, "type": ["Evidence"]} for one in order.evidence],
            status=self._status_entries(credential),
        )
        try:
            return sign(
                document,
                key=signer.private_key,
                verification_method=signer.key.verification_method,
                cryptosuite=order.cryptosuite,
                created=credential.issued_at,
            )
        except ProofError as error:  # seven equal results, say: eddsa-rdfc-2022 cannot order them in bounded time
            raise Invalid([Fault("#", error.code, f"{order.cryptosuite} cannot sign it: {error.detail}")]) from None

    def _status_entries(self, credential: Credential) -> list[dict[str, Any]]:
        places: tuple[tuple[Purpose, Position], ...] = (
            ("revocation", credential.revocation),
            ("suspension", credential.suspension),
        )
        return [
            status_list_entry(self._addresses.status_list(position.list_id), position.index, purpose)
            for purpose, position in places
        ]

    def _sealed(self, order: Order, issued: Issued, signatory: Signatory) -> Signed:
        return Signed(
            credential=issued.credential,
            issuer=signatory.institution.did,
            document=issued.document,
            recipient=self._recipients.for_row(order.recipient, issued.credential.id),
            recipient_index=self._recipients.indexes(order.recipient)[0],
        )


def issued_event(
    credential: Credential, document: dict[str, Any], issuer: str, recipient: Sealed | None, addresses: Addresses
) -> CredentialIssued:
    """The event of a credential's first version."""
    return CredentialIssued(
        version=1,
        credential_id=credential.id,
        institution_id=credential.institution_id,
        achievement_id=credential.achievement_id,
        issuer=issuer,
        document=document,
        status_entries=[
            status_entry("revocation", credential.revocation, addresses),
            status_entry("suspension", credential.suspension, addresses),
        ],
        recipient=recipient,
        issued_at=credential.issued_at,
    )


def _bytes_of(document: dict[str, Any]) -> bytes:
    raw = orjson.dumps(document)
    if len(raw) > MAX_DOCUMENT:
        raise Invalid([Fault("#", "too-long", f"makes a document of {len(raw)} bytes, more than {MAX_DOCUMENT}")])
    return raw


def _record(order: Order, positions: LentPositions, subject: Subject, issuable: Issuable, at: datetime) -> Credential:
    if order.valid_until is not None and order.valid_until <= (order.valid_from or at):
        raise Invalid([Fault("#/validUntil", "invalid-date", "must be later than validFrom")])
    return Credential(
        id=new_id(),
        institution_id=order.institution_id,
        achievement_id=order.achievement_id,
        revision=issuable.revision,
        status="active",
        version=1,
        recipient_kind=order.recipient.kind,
        recipient_id=subject.recipient_id,
        revocation=positions.revocation,
        suspension=positions.suspension,
        valid_until=order.valid_until,
        issued_at=at,
        changed_at=at,
        reason=None,
        expired_version=None,
    )
