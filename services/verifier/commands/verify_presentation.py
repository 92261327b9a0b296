"""Verify a presentation and every credential in it (VCALM 1.0, "Verify Presentation")."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.verifier.commands.challenges import Challenges
from services.verifier.commands.find_issuer import Issuers
from services.verifier.commands.verify_credential import Judged, Verifier
from services.verifier.domain import checks, presentation
from services.verifier.domain.answer import Check, failed, warned
from services.verifier.domain.presentation import Question
from services.verifier.domain.presented import Presented, read
from shared.credentials import MAX_PROOFS, many


@dataclass(frozen=True, slots=True)
class Shown:
    """What was found about a presentation, and about each credential in it, in their order."""

    presented: Presented
    checks: tuple[Check, ...]
    credentials: tuple[Judged, ...]


class PresentationVerifier:
    """What verifying presentations needs besides the document."""

    def __init__(
        self, verifier: Verifier, issuers: Issuers, challenges: Challenges, clock: Callable[[], datetime]
    ) -> None:
        self._verifier, self._issuers, self._challenges, self._clock = verifier, issuers, challenges, clock
        self._heavy = asyncio.Semaphore(1)

    async def verify_presentation(
        self,
        document: Mapping[str, Any],
        question: Question,
        client: str,
        *,
        proofs_only: bool,
        may_be_bare: bool = False,
    ) -> Shown:
        """Check a presentation. `proofs_only`: the cryptography and form alone, of it and of its credentials.

        `may_be_bare`: without a proof, and without a question, it is judged by what is in it. A challenge of ours is
        used up where all else is in order. Raises TooManyFetches, Unavailable.
        """
        presented = read(document, "vp")
        document = presented.document
        schema = presentation.schema(presented)
        if schema.outcome != "pass":
            return Shown(presented, (schema,), ())
        keys: dict[str, str] = {}
        for controller in list({one.controller: None for one in presented.proofs if one.controller})[:MAX_PROOFS]:
            purpose = presentation.purpose_of(document)
            keys |= (await self._issuers.keys_of(controller, client, purpose))[0]
        async with self._heavy:
            proof = await asyncio.to_thread(presentation.proof, presented, keys, question, self._clock())
        if may_be_bare and not presented.proofs and question == Question():
            proof = warned("proof", "unsigned", "Nobody has signed the presentation: what is in it was judged alone.")
        done = (proof, schema, presentation.holder(presented))
        inside: list[Judged] = []
        for one in many(document.get("verifiableCredential")):
            if presentation.is_own_claim(one, document):
                inside.append(self._own(one, proof))
            else:
                inside.append(await self._credential(one, client, proofs_only))
        asked = question.challenge if proof.outcome == "pass" else None
        if asked is not None and not await self._challenges.take(asked):
            used = failed("proof", "challenge-used", "The challenge was answered before, or its time is over.")
            done = (used, *done[1:])
        return Shown(presented, done, tuple(inside))

    def _own(self, document: Mapping[str, Any], proof: Check) -> Judged:
        """What the holder says itself, secured by the presentation's own proof (VC Data Model 2.0, 4.13.3)."""
        presented = read(document)
        done = (
            proof,
            checks.schema(presented),
            warned("issuer", "self-asserted", "The holder says this itself."),
            checks.validity(presented, self._clock()),
        )
        return Judged(presented, done)

    async def _credential(self, document: Mapping[str, Any], client: str, proofs_only: bool) -> Judged:
        if proofs_only:
            return await self._verifier.verify_proofs(document, client)
        return (await self._verifier.verify_credential(document, client)).judged
