"""What a profile needs to show a credential, read from the signed document."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

from shared.events.catalogue.learner import Organization, ProfileEntry, Skill

ADD_TO_PROFILE = "https://www.linkedin.com/profile/add"


@dataclass(frozen=True, slots=True)
class Issuer:
    """The institution as it describes itself now; the document says what it was at the time of issue."""

    name: str
    url: str
    linkedin_organization_id: int | None


def profile_entry(document: Mapping[str, Any], credential_id: UUID, url: str, issuer: Issuer | None) -> ProfileEntry:
    """Everything of an Open Badges 3.0 credential that goes on a profile; `url` is the credential's public address.

    `issuer` is None while its event has not been heard of.
    """
    achievement = document["credentialSubject"]["achievement"]
    stated = document["issuer"]
    name = issuer.name if issuer else stated.get("name", stated["id"])
    number = issuer.linkedin_organization_id if issuer else None
    issued_on = datetime.fromisoformat(document["validFrom"])
    expires_on = datetime.fromisoformat(document["validUntil"]) if "validUntil" in document else None
    return ProfileEntry(
        name=document["name"],
        issuing_organization=Organization(
            name=name,
            url=issuer.url if issuer else stated.get("url", stated["id"]),
            did=stated["id"],
            linkedin_organization_id=number,
        ),
        issued_on=issued_on,
        expires_on=expires_on,
        credential_url=url,
        image_url=achievement["image"]["id"] if "image" in achievement else None,
        skills=[_skill(alignment) for alignment in achievement.get("alignment", ())],
        add_to_profile_url=add_to_profile(
            name=document["name"],
            organization=number or name,
            issued_on=issued_on,
            expires_on=expires_on,
            url=url,
            credential_id=credential_id,
        ),
    )


def add_to_profile(
    *,
    name: str,
    organization: int | str,
    issued_on: datetime,
    expires_on: datetime | None,
    url: str,
    credential_id: UUID,
) -> str:
    """LinkedIn's Add-to-Profile form, filled in.

    `organization` is the number of its page on LinkedIn or, where it has none, its name. Months count from 1, without
    a zero before; the expiry is left out where there is none.
    """
    form: dict[str, str | int] = {"startTask": "CERTIFICATION_NAME", "name": name}
    form["organizationId" if isinstance(organization, int) else "organizationName"] = organization
    form |= {"issueYear": issued_on.year, "issueMonth": issued_on.month}
    if expires_on is not None:
        form |= {"expirationYear": expires_on.year, "expirationMonth": expires_on.month}
    form |= {"certUrl": url, "certId": str(credential_id)}
    return f"{ADD_TO_PROFILE}?{urlencode(form, quote_via=quote)}"


def _skill(alignment: Mapping[str, Any]) -> Skill:
    return Skill(name=alignment["targetName"], url=alignment["targetUrl"], framework=alignment.get("targetFramework"))
