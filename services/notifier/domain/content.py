"""What a message says. Thin: ids, links and status, never who the learner is; platforms fetch the rest where it is
public. Full, for endpoints that ask for it: everything that the event says, the document included."""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from shared.events.catalogue import (
    AchievementArchived,
    AchievementPublished,
    AchievementRevised,
    CredentialIssued,
    CredentialRegistered,
    CredentialReinstated,
    CredentialRevoked,
    CredentialSuspended,
    CredentialVerified,
    EndpointDisabled,
    EndpointFailing,
    InstitutionRegistered,
    InstitutionSuspended,
    InstitutionUpdated,
    KeyActivated,
    KeyCompromised,
    KeyRetired,
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
    CredentialVerified: (("verification_id", "credential_id", "institution_id", "verdict"), None),
    EndpointFailing: (("endpoint_id", "institution_id", "failing_since", "attempts", "disabled_after"), "failing"),
    EndpointDisabled: (("endpoint_id", "institution_id", "reason", "disabled_at"), "disabled"),
}
NAMES: tuple[str, ...] = tuple(kind.short_name() for kind in SAID)
MAX_FULL_BYTES = 128 * 1024
_DATA = b',"data":'


class Unspeakable(Exception):
    """An event whose text the database cannot take as JSON: it holds U+0000."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Public base URLs without a slash at the end."""

    registry: str
    verifier: str


def body_of(event: Event, at: datetime, addresses: Addresses, *, test: bool = False) -> bytes:
    """The Standard Webhooks body `{"type", "timestamp", "data"}` of an event that happened `at`, or of a test that is
    marked as one. Raises Unspeakable."""
    thin = orjson.dumps(thin_data(event, addresses) | _mark(test=test), option=orjson.OPT_UTC_Z)
    if b"\\u0000" in thin:
        raise Unspeakable(f"{event.short_name()} holds U+0000")
    return body_around(event.short_name(), at, thin)


def body_around(name: str, at: datetime, data: bytes) -> bytes:
    """The same around `data` that is JSON already: its bytes stay as they are."""
    return orjson.dumps({"type": name, "timestamp": moment(at)})[:-1] + _DATA + data + b"}"


def data_in(body: bytes) -> bytes:
    """The bytes of `data` in a body that `body_around` made."""
    return body[body.index(_DATA) + len(_DATA) : -1]


def thin_data(event: Event, addresses: Addresses) -> dict[str, Any]:
    """Ids, links and status."""
    fields, status = SAID[type(event)]
    data = {name: value for name in fields if (value := getattr(event, name)) is not None}
    if status is not None:
        data["status"] = status
    data["links"] = _links(data, addresses)
    return data


def full_data(event: Event, addresses: Addresses, *, test: bool = False) -> bytes:
    """All of the event's fields beside what is said thinly, as JSON of at most `MAX_FULL_BYTES`; beyond that `omitted`
    names the fields that were left out, and the links stand in for them."""
    thin = thin_data(event, addresses) | _mark(test=test)
    said = event.model_dump(mode="json", exclude_none=True)
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
