"""Texts that travel sealed: topics hold no address, and nobody without the recipient key can read one."""

import base64
import binascii
from typing import Literal
from uuid import UUID

from shared.credentials import sealing
from shared.credentials.sealing import CannotUnseal, Sealer
from shared.events.catalogue.credential import Sealed

SealedKind = Literal["recipient", "claim_link"]


def seal_text(sealer: Sealer, text: str, kind: SealedKind, credential_id: UUID) -> Sealed:
    """`text` for an event about a credential, bound to both: in another event, or as another field, it does not open.

    `sealer` holds the keys of `LAUREL_RECIPIENT_KEY`.
    """
    sealed = sealer.seal(text.encode(), kind, credential_id)
    encoded = base64.urlsafe_b64encode(sealed.ciphertext).rstrip(b"=").decode()
    return Sealed(ciphertext=encoded, key_id=sealed.kek_id)


def unseal_text(sealer: Sealer, sealed: Sealed, kind: SealedKind, credential_id: UUID) -> str:
    """What `seal_text` was given. Raises CannotUnseal."""
    padding = "=" * (-len(sealed.ciphertext) % 4)
    try:
        ciphertext = base64.b64decode(sealed.ciphertext + padding, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise CannotUnseal(f"a sealed {kind} is not base64url") from None
    return sealer.unseal(sealing.Sealed(ciphertext, sealed.key_id), kind, credential_id).decode()
