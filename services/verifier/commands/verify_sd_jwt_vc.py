"""Verify an SD-JWT VC, with or without its holder's key binding (draft-ietf-oauth-sd-jwt-vc, 2.4)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.verifier.commands.challenges import Challenges
from services.verifier.commands.find_issuer import Issuers
from services.verifier.domain import checks, sd_jwt_vc
from services.verifier.domain.answer import Check, Verdict, failed, undecided
from services.verifier.domain.presentation import Question
from services.verifier.domain.sd_jwt_vc import ShownVc
from services.verifier.domain.verdict import VERIFIED, verdict_of
from shared.credentials import Binding
from shared.events.ids import new_id
from shared.telemetry import metrics


@dataclass(frozen=True, slots=True)
class SdJwtVerification:
    """The whole answer. `claims` are those shown, None where nothing in the token can be believed."""

    id: UUID
    at: datetime
    verdict: Verdict
    checks: tuple[Check, ...]
    shown: ShownVc
    issuer_name: str | None
    binding: Binding | None

    @property
    def verified(self) -> bool:
        """Whether the credential may be relied on."""
        return self.verdict in VERIFIED

    @property
    def claims(self) -> Mapping[str, Any] | None:
        """What is disclosed, and what always is."""
        return None if self.verdict == "forged" else self.shown.presented.document


class SdJwtVcVerifier:
    """What verifying SD-JWT VCs needs besides the token."""

    def __init__(self, issuers: Issuers, challenges: Challenges, clock: Callable[[], datetime]) -> None:
        self._issuers, self._challenges, self._clock = issuers, challenges, clock

    async def verify(self, text: str, question: Question, client: str, *, binding_required: bool) -> SdJwtVerification:
        """Check a token as it is shown now. Whatever is wrong with it is an outcome, not an exception.

        A challenge of ours is used up where proof and binding hold. Raises TooManyFetches, Unavailable.
        """
        now = self._clock()
        shown = sd_jwt_vc.read_vc(text)
        issuer = await self._issuers.find(shown.presented, client)
        keys = {method: key.public_key_multibase for method, key in issuer.keys.items()}
        proof = sd_jwt_vc.proof(shown, keys)
        binding, answer = undecided("binding", "key-unknown", "The key of the holder is not known."), None
        if proof.outcome == "pass":
            binding, answer = sd_jwt_vc.binding(shown, question, now, required=binding_required)
        asked = question.challenge if binding.outcome == "pass" else None
        if asked is not None and not await self._challenges.take(asked):
            binding = failed("binding", "challenge-used", "The challenge was answered before, or its time is over.")
        done = (
            proof,
            sd_jwt_vc.schema(shown),
            checks.issuer(shown.presented, issuer, is_original=False),
            checks.validity(shown.presented, now),
            checks.status(shown.presented, ()),
            binding,
        )
        verdict = verdict_of(done)
        metrics.VERIFICATIONS.labels(verdict).inc()
        return SdJwtVerification(new_id(), now, verdict, done, shown, issuer.name, answer)
