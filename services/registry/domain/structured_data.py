"""A credential in the words of schema.org, for programs that read pages and know nothing of Open Badges."""

from collections.abc import Mapping
from typing import Any

from services.registry.domain.foreign_text import is_picture, is_web
from services.registry.domain.standing import Standing
from shared.events.catalogue.learner import ProfileEntry


def structured_data(entry: ProfileEntry, achievement: Mapping[str, Any], standing: Standing) -> dict[str, Any]:
    """An `EducationalOccupationalCredential`. It says nothing of the learner."""
    issuer = entry.issuing_organization
    stated = {
        "@context": "https://schema.org",
        "@type": "EducationalOccupationalCredential",
        "@id": entry.credential_url,
        "url": entry.credential_url,
        "name": entry.name,
        "description": achievement["description"],
        "inLanguage": achievement.get("inLanguage"),
        "image": entry.image_url if is_picture(entry.image_url) else None,
        "credentialCategory": achievement.get("achievementType"),
        "creativeWorkStatus": standing.name,
        "educationalLevel": _level(achievement.get("microCredential", {}).get("level", {})),
        "publisher": _stated(
            {
                "@type": "Organization",
                "@id": issuer.did,
                "name": issuer.name,
                "url": issuer.url if is_web(issuer.url) else None,
            }
        ),
        "datePublished": entry.issued_on.isoformat(),
        "expires": entry.expires_on.isoformat() if entry.expires_on else None,
        "competencyRequired": [
            _stated({"@type": "DefinedTerm", "name": skill.name, "url": skill.url, "inDefinedTermSet": skill.framework})
            for skill in entry.skills
        ],
    }
    return _stated(stated)


def _level(level: Mapping[str, Any]) -> str | None:
    return f"EQF {level['eqf']}" if "eqf" in level else level.get("nqf")


def _stated(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value not in (None, [])}
