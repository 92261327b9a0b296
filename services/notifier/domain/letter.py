"""A letter: to whom, about what, and whether it is still to be sent."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args
from uuid import UUID

from shared.credentials.sealing import Sealed

LearnerKind = Literal["earned", "claim-link", "expiring-30", "expiring-7", "revoked"]
InstitutionKind = Literal["endpoint-failing", "endpoint-disabled"]
LetterKind = LearnerKind | InstitutionKind
LetterState = Literal["pending", "sent", "bounced", "suppressed", "exhausted"]
Refusal = Literal["unsubscribed", "bounced"]
LEARNER_KINDS: tuple[LearnerKind, ...] = get_args(LearnerKind)
INSTITUTION_KINDS: tuple[InstitutionKind, ...] = get_args(InstitutionKind)
KINDS: tuple[LetterKind, ...] = (*LEARNER_KINDS, *INSTITUTION_KINDS)

# How long before a credential's last moment its learner is warned; the later warning takes the place of the earlier.
WARNINGS: tuple[tuple[LearnerKind, timedelta], ...] = (
    ("expiring-30", timedelta(days=30)),
    ("expiring-7", timedelta(days=7)),
)
NEWS = timedelta(days=7)
# Within this a tenant's own event, which comes by another partition, has come, or there is none that says an address.
INTRODUCTION = timedelta(hours=1)
_ASKED_FOR = "claim-link"
_OVER: dict[str, frozenset[str]] = {
    "earned": frozenset({"revoked"}),
    "claim-link": frozenset({"revoked"}),
    "expiring-30": frozenset({"revoked", "suspended", "expired"}),
    "expiring-7": frozenset({"revoked", "suspended", "expired"}),
}


@dataclass(frozen=True, slots=True)
class Branding:
    """An institution, or a platform, as its letters show it; `image` is its logo's address, `email` where answers go,
    and letters about its endpoints."""

    name: str
    url: str
    image: str | None
    email: str | None


@dataclass(frozen=True, slots=True)
class Addressee:
    """What is stored about the learner of a credential; `address` is None for one without, or one that was erased."""

    address: Sealed | None
    language: str | None
    title: str
    valid_until: datetime | None
    status: str


@dataclass(frozen=True, slots=True)
class ClaimedLetter:
    """A letter this process has to send now, with all that is to be said in it.

    `attempt` numbers its tries for ever, `tries` those of this edition, which the schedule counts.
    """

    id: UUID
    institution_id: UUID
    kind: LetterKind
    credential_id: UUID | None
    endpoint_id: UUID | None
    endpoint_url: str | None
    endpoint_description: str | None
    link: Sealed | None
    link_expires_at: datetime | None
    edition: int
    attempt: int
    tries: int
    created_at: datetime
    addressee: Addressee | None
    branding: Branding | None

    @property
    def vouched(self) -> bool:
        """Whether a person wanted it sent again."""
        return self.edition > 1


def is_news(at: datetime, now: datetime) -> bool:
    """Whether an event of that time is still worth a letter: a projection that is rebuilt hears of old ones again."""
    return now - at <= NEWS


def why_not(letter: ClaimedLetter, now: datetime) -> str | None:
    """A word for why a letter is not to be sent any more, or None. Who refuses letters is another question."""
    if now - letter.created_at > NEWS and not letter.vouched:
        return "stale"
    if letter.addressee is not None:
        if letter.addressee.address is None:
            return "no-address"
        if letter.addressee.status in _OVER.get(letter.kind, ()):
            return letter.addressee.status
    elif not _addressed(letter, now):
        return "no-address"
    if letter.link_expires_at is not None and letter.link_expires_at <= now:
        return "link-expired"
    return None


def _addressed(letter: ClaimedLetter, now: datetime) -> bool:
    """Whether the owner of an endpoint has an address, or may still be heard of. A platform that was admitted before
    platforms had addresses is not, until it changes or the issuer's events are replayed."""
    if letter.branding is None:
        return now - letter.created_at < INTRODUCTION
    return letter.branding.email is not None


def refused(letter: ClaimedLetter, refusals: frozenset[str]) -> str | None:
    """Why an address gets no such letter, or None. Whoever unsubscribed still gets what they ask for; whoever has a
    letter sent again vouches for its mailbox."""
    if "bounced" in refusals and not letter.vouched:
        return "address-bounced"
    if "unsubscribed" in refusals and letter.kind in LEARNER_KINDS and letter.kind != _ASKED_FOR:
        return "unsubscribed"
    return None
