"""A credential as its public page is given it, with everything in it that an institution can say."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from services.registry.domain.credential_page import Links, Shown
from services.registry.domain.profile import Issuer, profile_entry
from services.registry.domain.standing import Standing

ID = UUID("01a20000-0000-7000-8000-000000000001")
ADDRESS = f"https://registry.example/credentials/{ID}"
ACTIVE = Standing("active")
LINKS = Links(
    document=f"{ADDRESS}/document",
    record=f"https://registry.example/v1/credentials/{ID}",
    verify="https://verifier.example/v1/verify",
    manual="https://verifier.example/docs",
)
MICRO_CREDENTIAL: dict[str, Any] = {
    "country": "NL",
    "learningOutcomes": [
        {
            "id": "http://data.europa.eu/esco/skill/1",
            "name": "Plans a study",
            "description": "Chooses a design and a sample that can answer the question.",
        },
        {"name": "Says how sure a result is"},
    ],
    "workload": {"ects": 2.5, "hours": 70},
    "level": {"eqf": 6, "nqf": "NLQF 6", "cycle": "first"},
    "assessment": {"type": "Written examination", "description": "Three hours, with open books."},
    "participation": "work-based",
    "qualityAssurance": {"type": "Accreditation", "body": "NVAO", "url": "https://nvao.example/decision/7"},
    "prerequisites": "School mathematics.",
    "supervision": "supervised-with-identity-check",
    "stackability": "stackable",
    "furtherInformation": "https://northport.example/statistics",
}
ACHIEVEMENT: dict[str, Any] = {
    "name": "Applied Statistics",
    "description": "Plans a study, analyses its data and says how sure the result is.",
    "criteria": {"id": "https://northport.example/criteria", "narrative": "Three graded pieces of work."},
    "achievementType": "MicroCredential",
    "inLanguage": "en",
    "image": {"id": "https://northport.example/badge.png", "caption": "A star", "type": "Image"},
    "alignment": [
        {"targetName": "Statistics", "targetUrl": "https://esco.example/s/1", "targetFramework": "ESCO"},
        {"targetName": "R", "targetUrl": "https://skills.example/r"},
    ],
    "microCredential": MICRO_CREDENTIAL,
}


def shown(
    *,
    title: str = "Applied Statistics",
    standing: Standing = ACTIVE,
    issuer: Issuer | None = Issuer("Northport University", "https://northport.example", 1441),
    subject: Mapping[str, Any] | None = None,
    without: tuple[str, ...] = (),
    valid_until: str | None = "2029-11-23T00:00:00Z",
    **achievement: Any,
) -> Shown:
    """What the page says of a credential; `achievement` replaces members of its own, `without` leaves some out."""
    content = {name: value for name, value in {**ACHIEVEMENT, **achievement}.items() if name not in without}
    document = {
        "name": title,
        "issuer": {"id": "did:web:issuer.example:institutions:northport", "name": "Northport"},
        "validFrom": "2026-11-23T18:00:00Z",
        "credentialSubject": {"achievement": content, **(subject or {})},
        **({"validUntil": valid_until} if valid_until else {}),
    }
    entry = profile_entry(document, ID, ADDRESS, issuer)
    return Shown(str(ID), entry, content, standing, datetime(2026, 11, 23, 18, 0, 3, tzinfo=UTC), LINKS)
