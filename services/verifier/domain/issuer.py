"""Who issued, as far as we know, and whether a key may be believed at a time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.verifier.domain.answer import Reason


@dataclass(frozen=True, slots=True)
class Key:
    """A public key and its life. A key of a foreign issuer has no times: its DID document lists it, or not."""

    public_key_multibase: str
    activated_at: datetime | None = None
    retired_at: datetime | None = None
    compromised_at: datetime | None = None
    compromised_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Issuer:
    """What is known of an issuer. `institution_id` is None for one that is none of ours.

    `trouble` says why keys may be missing (its DID does not resolve) or must not be believed (they changed).
    """

    did: str
    institution_id: UUID | None = None
    name: str | None = None
    is_suspended: bool = False
    keys: Mapping[str, Key] = field(default_factory=dict)
    trouble: Reason | None = None


KEY_CHANGED = "key-changed"


def disbelief(key: Key, made_at: datetime | None, *, is_original: bool) -> Reason | None:
    """Why a proof made at a time with a key must not be believed; None when it may.

    Whoever holds a leaked key can write any date into a proof, so of what it signed only originals are believed:
    credentials we had heard of before the leak.
    """
    if key.compromised_at is not None:
        if made_at is None or made_at >= key.compromised_at:
            return Reason("key-compromised", "the key had leaked when the proof was made")
        if not is_original:
            return Reason("key-compromised", "the key has leaked, and this is no credential known from before the leak")
    if key.activated_at is None and key.retired_at is None:
        return None
    if made_at is None:
        return Reason("proof-undated", "the proof does not say when it was made")
    # A proof's time is in whole seconds, so it may lie before an activation in the same second.
    if key.activated_at is not None and made_at < key.activated_at.replace(microsecond=0):
        return Reason("key-not-yet-valid", "the key was not in use yet when the proof was made")
    if key.retired_at is not None and made_at > key.retired_at:
        return Reason("key-retired", "the key had been retired when the proof was made")
    return None
