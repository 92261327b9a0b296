"""The link that ends a learner's letters: it names a credential, never an address, and cannot be made up."""

import base64
import binascii
import hmac
from uuid import UUID

from shared.credentials.sealing import Sealer

_MAC_BYTES = 16


def token_of(credential_id: UUID, sealer: Sealer) -> str:
    """The last part of the link; the same for all letters about one credential."""
    return _text(credential_id.bytes + _macs(credential_id, sealer)[0])


def credential_of(token: str, sealer: Sealer) -> UUID | None:
    """The credential a token of ours stands for, whichever of the keys made it; None for any other text."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(raw) != 16 + _MAC_BYTES or token != _text(raw):
        return None
    credential_id = UUID(bytes=raw[:16])
    good = any(hmac.compare_digest(raw[16:], mac) for mac in _macs(credential_id, sealer))
    return credential_id if good else None


def _macs(credential_id: UUID, sealer: Sealer) -> list[bytes]:
    return [index[:_MAC_BYTES] for index in sealer.blind_indexes(f"unsubscribe:{credential_id}")]


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
