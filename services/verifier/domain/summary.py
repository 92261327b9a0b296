"""What a verification tells of the credential besides its checks: enough to show a person what was verified.

Texts come from the document and are shown as claims; they are cut where they are long.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.verifier.domain.presented import Presented

MAX_TEXT = 500


@dataclass(frozen=True, slots=True)
class Summary:
    """Claims of the document, and the issuer's name as we know it, or as the document says."""

    id: str | None
    name: str | None
    achievement: str | None
    issuer_id: str | None
    issuer_name: str | None
    valid_from: datetime | None
    valid_until: datetime | None


def summarise(presented: Presented, registered_name: str | None) -> Summary:
    """The summary of a document."""
    document = presented.document
    issuer = document.get("issuer")
    return Summary(
        id=_short(presented.id),
        name=_short(document.get("name")),
        achievement=_short(presented.achievement.get("name")),
        issuer_id=_short(ascii_did(presented.issuer)),
        issuer_name=registered_name or (_short(issuer.get("name")) if isinstance(issuer, Mapping) else None),
        valid_from=presented.valid_from,
        valid_until=presented.valid_until,
    )


def ascii_did(did: str | None) -> str | None:
    """A DID in ASCII, so that a letter that merely looks like another shows (RFC 3492)."""
    if did is None or did.isascii():
        return did
    return ":".join(_ascii(part) for part in did.split(":"))


def _ascii(part: str) -> str:
    try:
        return part.encode("idna").decode()
    except UnicodeError:
        return part.encode("ascii", "backslashreplace").decode()


def _short(value: Any) -> str | None:
    return value[:MAX_TEXT] if isinstance(value, str) else None
