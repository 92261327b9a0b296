"""What a message says. Thin: ids, links and status, never who the learner is; platforms fetch the rest where it is
public. Full, for endpoints that ask for it: everything that the event says, the document included.

The platform that a credential is shared with is told what a profile needs.
"""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

import orjson
from pydantic import BaseModel

from shared.events.catalogue import (
    AchievementArchived,
    AchievementPublished,
    AchievementRevised,
    CredentialClaimed,
    CredentialExpired,
    CredentialIssued,
    CredentialRegistered,
    CredentialReinstated,
    CredentialRevoked,
    CredentialShared,
    CredentialSuspended,
    CredentialUnshared,
    CredentialVerified,
    EndpointDisabled,
    EndpointFailing,
    InstitutionRegistered,
    InstitutionSuspended,
    InstitutionUpdated,
    KeyActivated,
    KeyCompromised,
    KeyRetired,
    ShareChanged,
)
from shared.events.envelope import Event
from shared.events.ids import new_id

# Each type that platforms can hear of: the fields of the event that go out, and the status it leaves its subject in.
_CREDENTIAL = ("credential_id", "achievement_id", "institution_id")
SAID: dict[type[Event], tuple[tuple[str, ...], str | None]] = {
    InstitutionRegistered: (("institution_id", "slug", "did"), "active"),
    InstitutionUpdated: (("institution_id", "slug", "did"), "active"),
    InstitutionSuspended: (("institution_id",), "suspended"),
    KeyActivated: (("institution_id", "did", "verification_method"), "active"),
    KeyRetired: (("institution_id", "did", "verification_method"), "retired"),
    KeyCompromised: (("institution_id", "did", "verification_method"), "compromised"),
    AchievementPublished: (("achievement_id", "institution_id", "revision"), "published"),
    AchievementRevised: (("achievement_id", "institution_id", "revision"), "published"),
    AchievementArchived: (("achievement_id", "institution_id"), "archived"),
    CredentialIssued: (_CREDENTIAL, "active"),
    CredentialRegistered: (_CREDENTIAL, "active"),
    CredentialRevoked: (_CREDENTIAL, "revoked"),
    CredentialSuspended: (_CREDENTIAL, "suspended"),
    CredentialReinstated: (_CREDENTIAL, "active"),
    CredentialExpired: (_CREDENTIAL, "expired"),
    CredentialClaimed: (_CREDENTIAL, None),
    CredentialVerified: (("verification_id", *_CREDENTIAL, "verdict"), None),
    EndpointFailing: (("endpoint_id", "institution_id", "failing_since", "attempts", "disabled_after"), "failing"),
    EndpointDisabled: (("endpoint_id", "institution_id", "reason", "disabled_at"), "disabled"),
}
# What a learner shares is heard of by that platform alone, by the names that the same has for institutions.
_SHARE = ("share_id", *_CREDENTIAL, "platform_id")
SHARED: dict[type[Event], tuple[tuple[str, ...], str | None]] = {
    CredentialShared: ((*_SHARE, "entry"), None),
    CredentialUnshared: (_SHARE, None),
    ShareChanged: ((*_SHARE, "status"), None),
}
_CHANGES = {
    "active": CredentialReinstated.short_name(),
    "suspended": CredentialSuspended.short_name(),
    "revoked": CredentialRevoked.short_name(),
    "expired": CredentialExpired.short_name(),
}
STATUSES = {name: status for status, name in _CHANGES.items()}
# What a tenant of each kind can hear of: the names, and the events on the bus behind them.
Audience = Literal["institution", "platform"]
TOLD: dict[Audience, dict[str, type[Event]]] = {
    "institution": {kind.short_name(): kind for kind in SAID},
    "platform": {
        CredentialShared.short_name(): CredentialShared,
        CredentialUnshared.short_name(): CredentialUnshared,
        **dict.fromkeys(STATUSES, ShareChanged),
    },
}
NAMES: tuple[str, ...] = tuple(dict.fromkeys(name for told in TOLD.values() for name in told))
MAX_FULL_BYTES = 128 * 1024
_DATA = b',"data":'
PRIVATE = frozenset({"recipient"})  # sealed, and for whoever writes to learners alone


class Unspeakable(Exception):
    """An event whose text the database cannot take as JSON: it holds U+0000."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Public base URLs without a slash at the end."""

    registry: str
    verifier: str


def name_of(event: Event) -> str:
    """The short name that endpoints subscribe to; for a platform, that of what became of the credential."""
    return _CHANGES[event.status] if isinstance(event, ShareChanged) else event.short_name()


def tenant_of(event: Any) -> UUID:
    """Whose endpoints hear of an event: the platform's alone of what is shared with it, else the institution's."""
    tenant: UUID = event.platform_id if type(event) in SHARED else event.institution_id
    return tenant


def body_of(event: Event, at: datetime, addresses: Addresses, *, test: bool = False) -> bytes:
    """The Standard Webhooks body `{"type", "timestamp", "data"}` of an event that happened `at`, or of a test that is
    marked as one. Raises Unspeakable."""
    thin = orjson.dumps(thin_data(event, addresses) | _mark(test=test), option=orjson.OPT_UTC_Z)
    if b"\\u0000" in thin:
        raise Unspeakable(f"{event.short_name()} holds U+0000")
    return body_around(name_of(event), at, thin)


def body_around(name: str, at: datetime, data: bytes) -> bytes:
    """The same around `data` that is JSON already: its bytes stay as they are."""
    return orjson.dumps({"type": name, "timestamp": moment(at)})[:-1] + _DATA + data + b"}"


def data_in(body: bytes) -> bytes:
    """The bytes of `data` in a body that `body_around` made."""
    return body[body.index(_DATA) + len(_DATA) : -1]


def thin_data(event: Event, addresses: Addresses) -> dict[str, Any]:
    """Ids, links and status; of what is shared with a platform, what its profile needs."""
    fields, status = (SAID | SHARED)[type(event)]
    data = {name: _plain(value) for name in fields if (value := getattr(event, name)) is not None}
    if status is not None:
        data["status"] = status
    data["links"] = _links(data, addresses)
    return data


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json", exclude_none=True) if isinstance(value, BaseModel) else value


def full_data(event: Event, addresses: Addresses, *, test: bool = False) -> bytes:
    """All of the event's fields beside what is said thinly, as JSON of at most `MAX_FULL_BYTES`; beyond that `omitted`
    names the fields that were left out, and the links stand in for them. Never whom the institution would write to."""
    thin = thin_data(event, addresses) | _mark(test=test)
    said = event.model_dump(mode="json", exclude_none=True, exclude=set(PRIVATE))
    full = orjson.dumps(said | thin, option=orjson.OPT_UTC_Z)
    if len(full) <= MAX_FULL_BYTES:
        return full
    omitted = [name for name in said if name not in thin]
    return orjson.dumps(thin | {"omitted": omitted}, option=orjson.OPT_UTC_Z)


def _mark(*, test: bool) -> dict[str, Any]:
    return {"test": True} if test else {}


def moment(at: datetime) -> str:
    """RFC 3339 in UTC."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _links(data: dict[str, Any], addresses: Addresses) -> dict[str, str]:
    links = {}
    if "credential_id" in data:
        links["credential"] = f"{addresses.registry}/credentials/{data['credential_id']}"
        links["verify"] = f"{addresses.verifier}/v1/verify"
    if "achievement_id" in data:
        links["achievement"] = f"{addresses.registry}/achievements/{data['achievement_id']}"
    links["institution"] = f"{addresses.registry}/v1/institutions/{data['institution_id']}"
    return links


def message_id(identifier: UUID | None = None) -> str:
    """`msg_` and a UUIDv7 in base32: the platform's key for telling repetitions apart. Holds no dot."""
    raw = (identifier or new_id()).bytes
    return "msg_" + base64.b32encode(raw).rstrip(b"=").decode().lower()
