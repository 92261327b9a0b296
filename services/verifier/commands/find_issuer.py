"""Find out who issued a document: from our own store first, then from where the issuer's DID leads."""

from dataclasses import replace

from services.verifier.commands.memory import Memory
from services.verifier.commands.resolve_did import Resolver
from services.verifier.domain.answer import Reason
from services.verifier.domain.issuer import Issuer, Key
from services.verifier.domain.presented import Presented
from services.verifier.store import issuers
from shared.credentials import Purpose
from shared.postgres.database import Database

# How long another replica's event may go unnoticed here; events themselves take milliseconds.
_FRESH_SECONDS = 1.0
_REMEMBERED = 10_000
_DID_KEY = "did:key:"


class Issuers:
    """What is known of issuers."""

    def __init__(self, db: Database, resolver: Resolver) -> None:
        self._db, self._resolver = db, resolver
        self._memory: Memory[str, Issuer] = Memory(_REMEMBERED)

    async def find(self, presented: Presented, client: str) -> Issuer:
        """The issuer a document names, with the keys its proofs name where they can be found.

        Raises TooManyFetches, Unavailable.
        """
        did = presented.issuer
        if did is None:
            return Issuer("")
        ours = await self.registered(did)
        wanted = [claim.verification_method for claim in presented.proofs if claim.controller == did]
        if ours is not None and all(method in ours.keys for method in wanted):
            return ours
        if not wanted:
            return Issuer(did, trouble=Reason("did-unresolvable", "No proof names a key of the issuer."))
        resolved = await self._resolver.resolve(did, client, is_ours=ours is not None)
        found = {method: Key(key) for method, key in resolved.keys.items()}
        if ours is None:
            return Issuer(did, keys=found, trouble=resolved.trouble)
        # What our own store says of a key stands; only keys it has not heard of yet are taken from the document.
        return replace(ours, keys={**found, **ours.keys}, trouble=resolved.trouble)

    async def keys_of(self, did: str, client: str, purpose: Purpose = "assertionMethod") -> tuple[dict[str, str], str]:
        """The Multikeys that somebody may sign with for a purpose, and why there are none, or an empty text.

        A key of ours that leaked is left out. Raises TooManyFetches, Unavailable.
        """
        ours = await self.registered(did)
        if ours is not None and purpose == "assertionMethod":
            good = {name: key for name, key in ours.keys.items() if key.compromised_at is None}
            return {name: key.public_key_multibase for name, key in good.items()}, ""
        resolved = await self._resolver.resolve(did, client, is_ours=ours is not None)
        if resolved.trouble is not None:
            return {}, resolved.trouble.detail
        return resolved.keys if purpose == "assertionMethod" else resolved.authentication, ""

    async def registered(self, did: str) -> Issuer | None:
        """An institution of ours, by its DID or by the did:key of one of its keys. Raises Unavailable."""
        known = self._memory.get(did)
        if known is None:
            async with self._db.worker_connection() as connection:
                if did.startswith(_DID_KEY):
                    known = await issuers.by_multikey(connection, did.removeprefix(_DID_KEY))
                else:
                    known = await issuers.by_did(connection, did)
            if known is not None:
                self._memory.put(did, known, _FRESH_SECONDS)
        return known
