"""What goes on a profile, and LinkedIn's form to put it there by hand."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import pytest

from services.registry.domain.profile import Issuer, add_to_profile, profile_entry
from shared.credentials import build_open_badge

ID = UUID("01a217a3-a9ad-7440-b9b1-b37f8c1e244f")
URL = f"https://registry.example/credentials/{ID}"
ISSUED, EXPIRES = datetime(2026, 3, 1, 12, tzinfo=UTC), datetime(2029, 12, 31, 23, 59, 59, tzinfo=UTC)
ISSUER = Issuer("University of Today", "https://today.example", 1441)
ALIGNMENT = {"type": ["Alignment"], "targetName": "Statistics", "targetUrl": "https://esco.example/s/1"}


def document(valid_until: datetime | None = None, **achievement: Any) -> dict[str, Any]:
    return build_open_badge(
        credential_id=URL,
        issuer={"id": "did:web:u.example", "type": ["Profile"], "name": "University then", "url": "https://u.example"},
        achievement={"id": "https://r.example/a", "type": ["Achievement"], "name": "Applied Statistics", **achievement},
        subject={"id": "did:example:learner"},
        valid_from=ISSUED,
        valid_until=valid_until,
    )


def form(**change: Any) -> dict[str, str]:
    fields: dict[str, Any] = {
        "name": "Applied Statistics",
        "organization": "University of Today",
        "issued_on": ISSUED,
        "expires_on": EXPIRES,
        "url": URL,
        "credential_id": ID,
    }
    address = urlsplit(add_to_profile(**{**fields, **change}))
    assert (address.scheme, address.netloc, address.path) == ("https", "www.linkedin.com", "/profile/add")
    return dict(parse_qsl(address.query, strict_parsing=True, keep_blank_values=True))


def test_the_form_has_all_its_fields() -> None:
    assert form() == {
        "startTask": "CERTIFICATION_NAME",
        "name": "Applied Statistics",
        "organizationName": "University of Today",
        "issueYear": "2026",
        "issueMonth": "3",
        "expirationYear": "2029",
        "expirationMonth": "12",
        "certUrl": URL,
        "certId": str(ID),
    }


def test_an_organisation_with_a_page_is_named_by_its_number() -> None:
    assert form(organization=1441).keys() ^ form().keys() == {"organizationId", "organizationName"}
    assert form(organization=1441)["organizationId"] == "1441"


def test_what_does_not_expire_has_no_expiry_there() -> None:
    assert form().keys() - form(expires_on=None).keys() == {"expirationYear", "expirationMonth"}


@pytest.mark.parametrize("name", ["R&D = 100 % + #1?", 'Zoë’s "Käse"', "نحو", "a b", "&certUrl=https://evil.example"])
def test_any_name_arrives_as_it_is_and_in_its_own_field(name: str) -> None:
    assert form(name=name)["name"] == name
    assert form(name=name)["certUrl"] == URL
    assert add_to_profile(
        name=name, organization=name, issued_on=ISSUED, expires_on=None, url=URL, credential_id=ID
    ).isascii()


def test_an_entry_is_read_from_the_document_and_the_issuer_as_it_is_now() -> None:
    entry = profile_entry(
        document(
            EXPIRES,
            image={"id": "https://u.example/badge.png", "type": "Image"},
            alignment=[{**ALIGNMENT, "targetFramework": "ESCO"}, {**ALIGNMENT, "targetName": "R"}],
        ),
        ID,
        URL,
        ISSUER,
    )
    assert entry.model_dump(mode="json") == {
        "name": "Applied Statistics",
        "issuing_organization": {
            "name": "University of Today",
            "url": "https://today.example",
            "did": "did:web:u.example",
            "linkedin_organization_id": 1441,
        },
        "issued_on": "2026-03-01T12:00:00Z",
        "expires_on": "2029-12-31T23:59:59Z",
        "credential_url": URL,
        "image_url": "https://u.example/badge.png",
        "skills": [
            {"name": "Statistics", "url": "https://esco.example/s/1", "framework": "ESCO"},
            {"name": "R", "url": "https://esco.example/s/1", "framework": None},
        ],
        "add_to_profile_url": entry.add_to_profile_url,
    }
    assert "organizationId=1441&" in entry.add_to_profile_url
    assert "expirationYear=2029&expirationMonth=12&" in entry.add_to_profile_url


def test_without_more_an_entry_says_what_the_document_does() -> None:
    entry = profile_entry(document(), ID, URL, None)
    assert (entry.issuing_organization.name, entry.issuing_organization.url) == ("University then", "https://u.example")
    assert (entry.expires_on, entry.image_url, entry.skills) == (None, None, [])
    assert "organizationName=University%20then&" in entry.add_to_profile_url
