"""What this process remembers between two issues: whose key signs, and what is being issued.

Nothing here is believed blindly: the statement that inserts a credential names the versions it was built from, and when
one of them is no longer current the memory is refreshed and the credential built anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.issuer.domain.achievement import require_issuable
from services.issuer.domain.institution import Institution, require_active
from services.issuer.domain.signing_key import SigningKey
from services.issuer.store import achievements, institutions, signing_keys
from shared.credentials.sealing import Sealer
from shared.postgres.database import Transaction

_REMEMBERED = 10_000
_Name = TypeVar("_Name")
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Signatory:
    """An institution with its active key, opened."""

    institution: Institution
    profile: Mapping[str, Any]
    key: SigningKey
    private_key: Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class Issuable:
    """A published achievement at its present revision."""

    revision: int
    document: Mapping[str, Any]


class IssuerState:
    """Signatories and achievements by id. Bounded: when full it forgets everything, which only costs time."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer
        self._signatories: dict[UUID, Signatory] = {}
        self._issuables: dict[tuple[UUID, UUID], Issuable] = {}

    def forget(self, institution_id: UUID, achievement_id: UUID) -> None:
        """One of the two changed."""
        self._signatories.pop(institution_id, None)
        self._issuables.pop((institution_id, achievement_id), None)

    async def signatory(self, tx: Transaction, institution_id: UUID) -> Signatory:
        """Who signs for the institution. Raises Unknown, InstitutionIsSuspended."""
        known = self._signatories.get(institution_id)
        if known is None:
            known = await load_signatory(tx, institution_id, self._sealer)
            require_active(known.institution)
            _remember(self._signatories, institution_id, known)
        return known

    async def issuable(self, tx: Transaction, institution_id: UUID, achievement_id: UUID) -> Issuable:
        """What the institution can issue. Raises Unknown, WrongState."""
        known = self._issuables.get((institution_id, achievement_id))
        if known is None:
            achievement = await achievements.get(tx, achievement_id)
            require_issuable(achievement)
            revision = await achievements.get_revision(tx, achievement_id, achievement.revision)
            known = Issuable(revision.revision, revision.document)
            _remember(self._issuables, (institution_id, achievement_id), known)
        return known


async def load_signatory(tx: Transaction, institution_id: UUID, sealer: Sealer) -> Signatory:
    """The institution, suspended or not, with its active key opened. Raises Unknown, CannotUnseal."""
    institution = await institutions.get(tx, institution_id)
    key = await signing_keys.active(tx, institution_id)
    private = sealer.unseal(key.private_key, signing_keys.TABLE, key.id)
    return Signatory(institution, institution.issuer_profile(), key, Ed25519PrivateKey.from_private_bytes(private))


def _remember(known: dict[_Name, _Value], name: _Name, value: _Value) -> None:
    if len(known) >= _REMEMBERED:
        known.clear()
    known[name] = value
