"""Give an institution a new signing key."""

from datetime import datetime

from services.issuer.commands import announce
from services.issuer.domain.institution import Institution
from services.issuer.domain.signing_key import SigningKey
from services.issuer.store import signing_keys
from shared.credentials import Algorithm, encode_multikey, generate, private_bytes
from shared.credentials.sealing import Sealer
from shared.events.ids import new_id
from shared.outbox import outbox
from shared.postgres.database import Transaction


async def activate_key(
    tx: Transaction, institution: Institution, number: int, algorithm: Algorithm, *, sealer: Sealer, now: datetime
) -> SigningKey:
    """Make a key pair, keep the private half sealed, announce the public one (key.activated).

    The caller holds the institution's lock, has no other key of that algorithm active, and saves the institution at
    the version that this event takes: `institution.version`.
    """
    pair, key_id = generate(algorithm), new_id()
    key = SigningKey(
        id=key_id,
        institution_id=institution.id,
        number=number,
        algorithm=algorithm,
        did=institution.did,
        public_key_multibase=encode_multikey(pair.public_key()),
        private_key=sealer.seal(private_bytes(pair), signing_keys.TABLE, key_id),
        state="active",
        activated_at=now.replace(microsecond=0),  # proofs carry whole seconds, and must not look older than their key
        activated_version=institution.version,
    )
    await signing_keys.add(tx, key)
    await outbox.append(tx, announce.key_activated(key), at=now)
    return key
