"""Check a document by itself: who issued it, with which keys, its proofs and its form."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.verifier.commands.find_issuer import Issuers
from services.verifier.domain import checks
from services.verifier.domain.answer import Check
from services.verifier.domain.issuer import Issuer
from services.verifier.domain.presented import Presented, size
from shared.credentials import MAX_PROOFS

_LIGHT = 300


@dataclass(frozen=True, slots=True)
class Checked:
    """What a document says for itself."""

    issuer: Issuer
    proof: Check
    schema: Check


class Documents:
    """Checks documents, large ones one at a time."""

    def __init__(self, issuers: Issuers) -> None:
        self._issuers = issuers
        self.heavy = asyncio.Semaphore(1)

    async def check(self, presented: Presented, client: str, *, strangers_too: bool = False) -> Checked:
        """The proofs and the form. `strangers_too`: also where no proof is by a key of the issuer's.

        Raises TooManyFetches, Unavailable.
        """
        issuer = await self._issuers.find(presented, client)
        keys = {method: key.public_key_multibase for method, key in issuer.keys.items()}
        # Others only vouch for what the issuer signed too.
        if strangers_too or any(method in keys for method in presented.methods):
            keys |= await self._keys_of(presented.others, client)
        return Checked(issuer, *await self._examine(presented, keys))

    async def _keys_of(self, controllers: Sequence[str], client: str) -> dict[str, str]:
        keys: dict[str, str] = {}
        for controller in controllers[:MAX_PROOFS]:
            keys |= (await self._issuers.keys_of(controller, client))[0]
        return keys

    async def _examine(self, presented: Presented, keys: Mapping[str, str]) -> tuple[Check, Check]:
        """Proof and form. Large documents are checked one at a time beside the loop: they hold up but each other."""

        def examine() -> tuple[Check, Check]:
            return checks.proof(presented, keys), checks.schema(presented)

        if size(presented.document) * max(1, len(presented.proofs)) <= _LIGHT:
            return examine()
        async with self.heavy:
            return await asyncio.to_thread(examine)
