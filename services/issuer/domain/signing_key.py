"""An institution's signing keys: one is active; a retired one's signatures stay good, a compromised one's do not."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.issuer.domain.errors import Fault, Invalid, WrongState
from shared.credentials import Algorithm
from shared.credentials.sealing import Sealed

KeyState = Literal["active", "retired", "compromised"]


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The public half and the sealed private half. The `…_version`s are those of the institution's events about it."""

    id: UUID
    institution_id: UUID
    number: int
    algorithm: Algorithm
    did: str
    public_key_multibase: str
    private_key: Sealed
    state: KeyState
    activated_at: datetime
    activated_version: int
    retired_at: datetime | None = None
    retired_version: int | None = None
    compromised_at: datetime | None = None
    compromised_version: int | None = None
    compromised_reason: str | None = None

    @property
    def verification_method(self) -> str:
        """The DID URL by which proofs name the key."""
        return f"{self.did}#key-{self.number}"

    @property
    def did_key(self) -> str:
        """The key as an identifier of its own (did:key): who signs by it needs no document anywhere."""
        return f"did:key:{self.public_key_multibase}"


def retire(key: SigningKey, now: datetime, version: int) -> SigningKey:
    """The key, signing no more from `now` on. Raises WrongState unless it is active."""
    if key.state != "active":
        raise WrongState(f"The key is {key.state}; only the active key can be retired.")
    return replace(key, state="retired", retired_at=now, retired_version=version)


def compromise(key: SigningKey, since: datetime, reason: str, now: datetime, version: int) -> SigningKey:
    """The key, not to be believed from the second of `since` on. Raises WrongState, or Invalid for a future time."""
    if key.state == "compromised":
        raise WrongState("The key is known to be compromised already.")
    if since > now:
        raise Invalid([Fault("#/compromised_at", "invalid-date", "must not lie in the future")])
    return replace(
        key,
        state="compromised",
        compromised_at=max(since.replace(microsecond=0), key.activated_at),
        compromised_version=version,
        compromised_reason=reason,
    )
