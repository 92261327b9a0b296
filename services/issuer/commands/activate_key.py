"""Give an institution a new signing key."""

from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.issuer.commands import announce
from services.issuer.domain.institution import Institution
from services.issuer.domain.signing_key import SigningKey
from services.issuer.store import signing_keys
from shared.credentials import encode_multikey
from shared.credentials.sealing import Sealer
from shared.events.ids import new_id
from shared.outbox import outbox
from shared.postgres.database import Transaction


async def activate_key(
    tx: Transaction, institution: Institution, number: int, *, sealer: Sealer, now: datetime
) -> SigningKey:
    """Make a key pair, keep the private half sealed, announce the public one (key.activated).

    The caller holds the institution's lock, has no other key active, and saves the institution at the version that this
    event takes: `institution.version`.
    """
    pair, key_id = Ed25519PrivateKey.generate(), new_id()
    key = SigningKey(
        id=key_id,
        institution_id=institution.id,
        number=number,
        did=institution.did,
        public_key_multibase=encode_multikey(pair.public_key()),
        private_key=sealer.seal(pair.private_bytes_raw(), signing_keys.TABLE, key_id),
        state="active",
        activated_at=now.replace(microsecond=0),  # proofs carry whole seconds, and must not look older than their key
        activated_version=institution.version,
    )
    await signing_keys.add(tx, key)
    await outbox.append(tx, announce.key_activated(key), at=now)
    return key
