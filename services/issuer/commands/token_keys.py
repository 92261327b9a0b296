"""The key that access tokens are signed with: made at the first start, read from the store ever after."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from services.issuer.domain.access_token import ALGORITHM, TokenSigner
from services.issuer.store import token_keys
from services.issuer.store.token_keys import TokenKey
from shared.credentials.sealing import Sealer
from shared.events.ids import new_id
from shared.postgres.database import Database


class TokenKeys:
    """The issuer's own key set, read from the database when first needed, so that a start need not wait for it."""

    def __init__(self, db: Database, sealer: Sealer, clock: Callable[[], datetime]) -> None:
        self._db, self._sealer, self._clock = db, sealer, clock
        self._loading = asyncio.Lock()
        self._signer: TokenSigner | None = None
        self._public: dict[str, Ed25519PublicKey] = {}

    async def key(self, kid: str) -> Ed25519PublicKey | None:
        """The public key of that id, or None. Raises Unavailable."""
        await self._load()
        return self._public.get(kid)

    async def signer(self) -> TokenSigner:
        """The key that signs now. Raises Unavailable, CannotUnseal."""
        await self._load()
        assert self._signer is not None
        return self._signer

    async def document(self) -> dict[str, Any]:
        """The JSON Web Key Set (RFC 7517, 5; RFC 8037 for the keys). Raises Unavailable."""
        await self._load()
        return {"keys": [_jwk(kid, key) for kid, key in self._public.items()]}

    async def _load(self) -> None:
        if self._signer is not None:
            return
        async with self._loading:
            if self._signer is not None:
                return
            keys = await self._stored() or await self._make()
            newest = keys[0]
            private = self._sealer.unseal(newest.private_key, token_keys.TABLE, newest.kid)
            self._public = {key.kid: Ed25519PublicKey.from_public_bytes(key.public_key) for key in keys}
            self._signer = TokenSigner(newest.kid, Ed25519PrivateKey.from_private_bytes(private))

    async def _stored(self) -> list[TokenKey]:
        async with self._db.worker() as tx:
            return await token_keys.all_of_them(tx)

    async def _make(self) -> list[TokenKey]:
        pair, kid = Ed25519PrivateKey.generate(), str(new_id())
        sealed = self._sealer.seal(pair.private_bytes_raw(), token_keys.TABLE, kid)
        key = TokenKey(kid, pair.public_key().public_bytes_raw(), sealed, self._clock())
        async with self._db.worker() as tx:
            await token_keys.add_first(tx, key)
        return await self._stored()


def _jwk(kid: str, key: Ed25519PublicKey) -> dict[str, Any]:
    public = orjson.loads(jwt.algorithms.OKPAlgorithm.to_jwk(key))
    return {**public, "kid": kid, "use": "sig", "alg": ALGORITHM}
