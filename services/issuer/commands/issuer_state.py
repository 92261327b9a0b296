"""What this process remembers between two issues: whose key signs, and what is being issued.

Nothing here is believed blindly: the statement that inserts a credential names the versions it was built from, and when
one of them is no longer current the memory is refreshed and the credential built anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from services.issuer.domain.achievement import Achievement, require_issuable
from services.issuer.domain.errors import Fault, Invalid, Unknown, WrongState
from services.issuer.domain.institution import Institution, require_active
from services.issuer.domain.signing_key import SigningKey
from services.issuer.store import achievements, institutions, signing_keys
from shared.credentials import AnyCryptosuite, PrivateKey, algorithms_of, private_key
from shared.credentials.sealing import Sealer
from shared.postgres.database import Transaction

_REMEMBERED = 10_000
_Name = TypeVar("_Name")
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class OpenKey:
    """An active key with its private half."""

    key: SigningKey
    private_key: PrivateKey


@dataclass(frozen=True, slots=True)
class Signatory:
    """An institution with its active keys, opened: one an algorithm."""

    institution: Institution
    profile: Mapping[str, Any]
    keys: tuple[OpenKey, ...]

    @property
    def identifiers(self) -> set[str]:
        """What documents may name as their issuer: the institution's DID, and each active key by itself."""
        return {self.institution.did, *(one.key.did_key for one in self.keys)}

    def has_key_for(self, cryptosuite: AnyCryptosuite) -> bool:
        """Whether it can sign by a cryptosuite."""
        return any(one.key.algorithm in algorithms_of(cryptosuite) for one in self.keys)

    def key_for(self, cryptosuite: AnyCryptosuite) -> OpenKey:
        """What signs by a cryptosuite; P-256 before P-384 where both do. Raises WrongState."""
        for algorithm in algorithms_of(cryptosuite):
            for one in self.keys:
                if one.key.algorithm == algorithm:
                    return one
        raise WrongState(f"The institution has no key for {cryptosuite}; an administrator can add one.")


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

    def forget_institution(self, institution_id: UUID) -> None:
        """It changed."""
        self._signatories.pop(institution_id, None)

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

    async def signatory_for(self, tx: Transaction, institution_id: UUID, cryptosuite: AnyCryptosuite) -> Signatory:
        """As `signatory`; asks again where the one remembered has no key for the suite, which may be new."""
        known = await self.signatory(tx, institution_id)
        if not known.has_key_for(cryptosuite):
            self.forget_institution(institution_id)
            known = await self.signatory(tx, institution_id)
        return known

    async def issuable(self, tx: Transaction, institution_id: UUID, achievement_id: UUID) -> Issuable:
        """What the institution can issue. Raises Invalid for an achievement it does not have, WrongState."""
        known = self._issuables.get((institution_id, achievement_id))
        if known is None:
            achievement = await _named(tx, achievement_id)
            require_issuable(achievement)
            revision = await achievements.get_revision(tx, achievement_id, achievement.revision)
            known = Issuable(revision.revision, revision.document)
            _remember(self._issuables, (institution_id, achievement_id), known)
        return known


async def load_signatory(tx: Transaction, institution_id: UUID, sealer: Sealer) -> Signatory:
    """The institution, suspended or not, with its active keys opened. Raises Unknown, CannotUnseal."""
    institution = await institutions.get(tx, institution_id)
    keys = tuple(_opened(key, sealer) for key in await signing_keys.active(tx, institution_id))
    return Signatory(institution, institution.issuer_profile(), keys)


async def _named(tx: Transaction, achievement_id: UUID) -> Achievement:
    """The achievement that an order names: where there is none, the order is wrong and not the address it came to."""
    try:
        return await achievements.get(tx, achievement_id)
    except Unknown as error:
        raise Invalid([Fault("#/achievement", "unknown-achievement", error.detail)]) from None


def _opened(key: SigningKey, sealer: Sealer) -> OpenKey:
    secret = sealer.unseal(key.private_key, signing_keys.TABLE, key.id)
    return OpenKey(key, private_key(key.algorithm, secret))


def _remember(known: dict[_Name, _Value], name: _Name, value: _Value) -> None:
    if len(known) >= _REMEMBERED:
        known.clear()
    known[name] = value
