"""An example of each event, as institutions and platforms hear of it: shown among the event types, sent as a test."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from services.notifier.domain.content import PRIVATE, STATUSES, TOLD, Audience
from shared.events.catalogue import CredentialIssued
from shared.events.catalogue.credential import StatusEntry
from shared.events.catalogue.learner import Organization, ProfileEntry, Skill
from shared.events.envelope import Event

_DID = "did:web:issuer.example:example-university"
_AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
_ACHIEVEMENT_ID = UUID("01906a3c-5b00-7000-8000-000000000002")
_CREDENTIAL_ID = UUID("01906a3c-5b00-7000-8000-000000000003")
_ACHIEVEMENT: dict[str, Any] = {
    "id": f"https://registry.example/achievements/{_ACHIEVEMENT_ID}",
    "type": ["Achievement"],
    "name": "Data Literacy",
    "description": "Reads, questions and explains data.",
    "criteria": {"narrative": "Passes the project and its defence."},
}
_CREDENTIAL: dict[str, Any] = {
    "@context": [
        "https://www.w3.org/ns/credentials/v2",
        "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json",
    ],
    "id": f"https://registry.example/credentials/{_CREDENTIAL_ID}",
    "type": ["VerifiableCredential", "OpenBadgeCredential"],
    "issuer": {"id": _DID, "type": ["Profile"], "name": "Example University"},
    "validFrom": "2026-03-01T12:00:00Z",
    "name": "Data Literacy",
    "credentialSubject": {"type": ["AchievementSubject"], "achievement": _ACHIEVEMENT},
    "proof": {
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-rdfc-2022",
        "verificationMethod": f"{_DID}#key-1",
        "proofPurpose": "assertionMethod",
        "proofValue": "z-of-an-example",
    },
}
_STATUS_LIST = "https://issuer.example/status-lists/01906a3c-5b00-7000-8000-000000000004"
_VALUES: dict[str, Any] = {
    "version": 1,
    "institution_id": UUID("01906a3c-5b00-7000-8000-000000000001"),
    "achievement_id": _ACHIEVEMENT_ID,
    "credential_id": _CREDENTIAL_ID,
    "verification_id": UUID("01906a3c-5b00-7000-8000-000000000005"),
    "slug": "example-university",
    "did": _DID,
    "issuer": _DID,
    "name": "Example University",
    "url": "https://university.example",
    "email": None,
    "image": None,
    "verification_method": f"{_DID}#key-1",
    "public_key_multibase": "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2",
    "revision": 1,
    "status_entry": StatusEntry(purpose="revocation", status_list_credential=_STATUS_LIST, index=7),
    "status_entries": [StatusEntry(purpose="revocation", status_list_credential=_STATUS_LIST, index=7)],
    "document_sha256": "3f" * 32,
    "reason": "An example.",
    "verdict": "valid",
    "endpoint_id": UUID("01906a3c-5b00-7000-8000-000000000006"),
    "share_id": UUID("01906a3c-5b00-7000-8000-000000000007"),
    "platform_id": UUID("01906a3c-5b00-7000-8000-000000000008"),
    "linkedin_organization_id": 1337,
    "entry": ProfileEntry(
        name="Applied Statistics",
        issuing_organization=Organization(name="Example University", url="https://university.example", did=_DID),
        issued_on=_AT,
        credential_url=f"https://registry.example/credentials/{_CREDENTIAL_ID}",
        skills=[Skill(name="plans studies", url="https://data.europa.eu/esco/skill/1", framework="ESCO")],
        add_to_profile_url="https://www.linkedin.com/profile/add?startTask=CERTIFICATION_NAME&name=Applied+Statistics",
    ),
    "failing_since": _AT,
    "attempts": 12,
    "disabled_after": _AT + timedelta(days=5),
}


def example(kind: type[Event], **given: Any) -> Event:
    """An event of that type with what is `given`; everything else in it is made up."""
    document = _CREDENTIAL if kind is CredentialIssued else _ACHIEVEMENT
    values = {**_VALUES, "document": document, **given}
    fields = kind.model_fields.keys() - PRIVATE
    return kind(**{name: _AT if name.endswith("_at") else values[name] for name in fields})


def told_to(audience: Audience, name: str, tenant_id: UUID | None = None) -> Event:
    """What a tenant of that kind hears of by that name: itself where it is given, else one that is made up."""
    given: dict[str, Any] = {"status": STATUSES.get(name)}
    if tenant_id is not None:
        given["platform_id" if audience == "platform" else "institution_id"] = tenant_id
    return example(TOLD[audience][name], **given)


EXAMPLES: dict[Audience, dict[str, Event]] = {
    audience: {name: told_to(audience, name) for name in told} for audience, told in TOLD.items()
}
EXAMPLE_AT = _AT
