"""An institution that exists only in its events: it signs and announces what it issues, without an issuer service."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from shared.bus.port import Bus, Record
from shared.credentials import (
    Cryptosuite,
    PrivateKey,
    StatusList,
    build_open_badge,
    build_status_list_credential,
    did_document,
    encode_multikey,
    generate,
    sign,
    status_list_entry,
)
from shared.events.catalogue import (
    AchievementPublished,
    CredentialIssued,
    CredentialReinstated,
    CredentialRevoked,
    CredentialSuspended,
    InstitutionRegistered,
    KeyActivated,
    KeyCompromised,
    KeyRetired,
)
from shared.events.catalogue.credential import StatusEntry
from shared.events.envelope import Envelope, Event
from shared.events.ids import new_id

StatusEvent = CredentialRevoked | CredentialSuspended | CredentialReinstated


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


@dataclass(slots=True)
class Issued:
    """A signed credential, and the event that tells of it."""

    document: dict[str, Any]
    event: CredentialIssued

    @property
    def id(self) -> UUID:
        """The credential's id."""
        return self.event.credential_id

    def changed(self, kind: type[StatusEvent], version: int) -> StatusEvent:
        """The event of a change of its status."""
        purpose = "revocation" if kind is CredentialRevoked else "suspension"
        entry = next(each for each in self.event.status_entries if each.purpose == purpose)
        return kind(
            version=version,
            credential_id=self.id,
            institution_id=self.event.institution_id,
            status_entry=entry,
            reason="a test",
            changed_at=utc_now(),
        )


@dataclass(slots=True)
class PaperIssuer:
    """Signs as `did`; credentials live below `registry`, status lists below `lists`."""

    registry: str
    lists: str
    did: str
    slug: str = field(default_factory=lambda: f"paper-{uuid4().hex[:10]}")
    id: UUID = field(default_factory=uuid4)
    achievement_id: UUID = field(default_factory=uuid4)
    since: datetime = field(default_factory=lambda: utc_now() - timedelta(days=1))
    keys: list[PrivateKey] = field(default_factory=lambda: [generate("Ed25519")])
    version: int = 0
    positions: int = 0

    @property
    def method(self) -> str:
        """The verification method of the newest key."""
        return f"{self.did}#key-{len(self.keys)}"

    def multikeys(self) -> dict[str, str]:
        """All public keys by verification method."""
        return {
            f"{self.did}#key-{number}": encode_multikey(key.public_key()) for number, key in enumerate(self.keys, 1)
        }

    def introduction(self) -> list[Event]:
        """What announces the institution and its key."""
        registered = InstitutionRegistered(
            version=self._next(),
            institution_id=self.id,
            slug=self.slug,
            did=self.did,
            name=f"University {self.slug}",
            url="https://university.example",
            registered_at=self.since,
        )
        return [registered, self.activation(self.since)]

    def activation(self, at: datetime) -> KeyActivated:
        """What announces the newest key."""
        return KeyActivated(
            version=self._next(),
            institution_id=self.id,
            did=self.did,
            verification_method=self.method,
            public_key_multibase=self.multikeys()[self.method],
            activated_at=at,
        )

    def retirement(self, at: datetime) -> KeyRetired:
        """What announces that the newest key signs no more."""
        return KeyRetired(
            version=self._next(),
            institution_id=self.id,
            did=self.did,
            verification_method=self.method,
            retired_at=at,
        )

    def compromise(self, at: datetime) -> KeyCompromised:
        """What announces that the newest key leaked."""
        return KeyCompromised(
            version=self._next(),
            institution_id=self.id,
            did=self.did,
            verification_method=self.method,
            compromised_at=at,
            reason="a test",
        )

    def achievement(self) -> dict[str, Any]:
        """The Achievement."""
        return {
            "id": f"{self.registry}/achievements/{self.achievement_id}",
            "type": ["Achievement"],
            "name": "Applied Statistics",
            "description": "Plans a study and analyses its data.",
            "criteria": {"narrative": "Three pieces of work."},
            "achievementType": "MicroCredential",
        }

    def published(self) -> AchievementPublished:
        """What announces the Achievement."""
        return AchievementPublished(
            version=1,
            achievement_id=self.achievement_id,
            institution_id=self.id,
            revision=1,
            document=self.achievement(),
            published_at=utc_now(),
        )

    def issue(
        self,
        *,
        suite: Cryptosuite = "eddsa-jcs-2022",
        created: datetime | None = None,
        valid_until: datetime | None = None,
        status: Sequence[Mapping[str, Any]] | None = None,
        change: Mapping[str, Any] | None = None,
        key: PrivateKey | None = None,
        method: str | None = None,
    ) -> Issued:
        """Sign a credential. `change` replaces members before signing; `status` replaces the two entries."""
        credential_id = new_id()
        made_at = created or utc_now()
        entries = self._entries()
        own = [status_list_entry(one.status_list_credential, one.index, one.purpose) for one in entries]
        document = build_open_badge(
            credential_id=f"{self.registry}/credentials/{credential_id}",
            issuer={"id": self.did, "type": ["Profile"], "name": f"University {self.slug}"},
            achievement=self.achievement(),
            subject={"id": "did:example:learner"},
            valid_from=made_at,
            valid_until=valid_until,
            status=own if status is None else status,
        )
        signed = sign(
            {**document, **(change or {})},
            key=key or self.keys[-1],
            verification_method=method or self.method,
            cryptosuite=suite,
            created=made_at,
        )
        event = CredentialIssued(
            version=1,
            credential_id=credential_id,
            institution_id=self.id,
            achievement_id=self.achievement_id,
            issuer=self.did,
            document=signed,
            status_entries=entries,
            issued_at=made_at,
        )
        return Issued(signed, event)

    def status_list(
        self, url: str, bits: StatusList, *, purpose: str = "revocation", change: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """A signed status list. `change` replaces members before signing."""
        now = utc_now()
        document = build_status_list_credential(
            list_id=url,
            issuer=self.did,
            purpose=purpose,  # type: ignore[arg-type]
            status_list=bits,
            valid_from=now - timedelta(hours=1),
            valid_until=now + timedelta(hours=1),
        )
        return sign(
            {**document, **(change or {})},
            key=self.keys[-1],
            verification_method=self.method,
            cryptosuite="eddsa-jcs-2022",
            created=now,
        )

    def did_document(self) -> dict[str, Any]:
        """The DID document that lists the keys."""
        return did_document(self.did, self.multikeys())

    def _entries(self) -> list[StatusEntry]:
        self.positions += 1
        return [
            StatusEntry(
                purpose=purpose, status_list_credential=f"{self.lists}/{self.slug}-{purpose}", index=self.positions
            )
            for purpose in ("revocation", "suspension")
        ]

    def _next(self) -> int:
        self.version += 1
        return self.version


async def publish(bus: Bus, *events: Event) -> None:
    """Put events on the bus as a relay does, and insist that each was acknowledged."""
    await bus.ensure_topics(sorted({event.TOPIC for event in events}))
    producer = bus.producer()
    await producer.start()
    try:
        outcomes = await producer.send_all([_record(event) for event in events], 20)
    finally:
        await producer.stop()
    assert outcomes == [None] * len(events)


def _record(event: Event) -> Record:
    source = f"/{event.TOPIC.split('.')[0]}"
    envelope = Envelope(new_id(), event.TYPE, source, event.key, utc_now(), event.version)
    return Record(event.TOPIC, event.key.encode(), event.to_value(), envelope.headers())
