"""Verify one credential: the service's main verb."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from services.verifier.commands.find_issuer import Issuers
from services.verifier.commands.note_verification import Note, Notes
from services.verifier.commands.read_status import Found, Statuses
from services.verifier.domain import checks
from services.verifier.domain.answer import Check, Verdict
from services.verifier.domain.checks import Bit
from services.verifier.domain.issuer import Issuer
from services.verifier.domain.presented import Presented, read, size
from services.verifier.domain.summary import Summary, summarise
from services.verifier.domain.verdict import VERIFIED, verdict_of
from services.verifier.store import credentials
from shared.credentials import MAX_PROOFS, CanonicalError, ProofError, derive, is_enveloped, jcs, present_envelope
from shared.events.ids import new_id
from shared.http.problems import FieldError, InvalidInput
from shared.postgres.database import Database
from shared.telemetry import metrics
from shared.telemetry.tracing import current_traceparent

_LIGHT = 300


@dataclass(frozen=True, slots=True)
class Verification:
    """The whole answer. `checks` are in the order they are named in `answer.CHECK_NAMES`."""

    id: UUID
    at: datetime
    verdict: Verdict
    checks: tuple[Check, ...]
    summary: Summary
    presented: Presented
    bits: tuple[Bit, ...] = ()

    @property
    def verified(self) -> bool:
        """Whether the credential may be relied on."""
        return self.verdict in VERIFIED


class Verifier:
    """What verifying needs besides the document. Credentials of ours have ids below `registry`."""

    def __init__(
        self,
        db: Database,
        issuers: Issuers,
        statuses: Statuses,
        notes: Notes,
        registry: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._db, self._issuers, self._statuses, self._notes, self._clock = db, issuers, statuses, notes, clock
        self._heavy = asyncio.Semaphore(1)
        self._home = f"{registry}/credentials/"

    async def verify_credential(self, document: Mapping[str, Any], client: str) -> Verification:
        """Check a document as it stands now. Whatever is wrong with it is an outcome, not an exception.

        `client` is whose share of fetches is spent. Raises TooManyFetches, Unavailable.
        """
        now = self._clock()
        presented = read(document)
        issuer = await self._issuers.find(presented, client)
        keys = {method: key.public_key_multibase for method, key in issuer.keys.items()}
        if any(method in keys for method in presented.methods):  # others only vouch for what the issuer signed too
            keys |= await self._keys_of(presented.others, client)
        proof, schema = await self._check_document(presented, keys)
        found = await self._statuses.read(presented, issuer, client, may_fetch=proof.outcome == "pass")
        is_original = await self._is_original(presented, issuer)
        done = (
            proof,
            schema,
            checks.issuer(presented, issuer, is_original=is_original),
            checks.validity(presented, now),
            checks.status(presented, found.bits),
        )
        verdict = verdict_of(done)
        verification = Verification(
            new_id(), now, verdict, done, summarise(presented, issuer.name), presented, found.bits
        )
        metrics.VERIFICATIONS.labels(verdict).inc()
        if proof.outcome == "pass" and verdict != "forged":  # of a forgery nobody is told that it was ours
            await self._note(verification, presented, issuer, found)
        return verification

    async def verify_proofs(self, document: Mapping[str, Any], client: str) -> tuple[Presented, tuple[Check, ...]]:
        """Check the cryptography and the form alone: `proof`, `schema`, and `issuer`, which warns where it would fail.

        Raises TooManyFetches, Unavailable.
        """
        presented = read(document)
        issuer = await self._issuers.find(presented, client)
        keys = {method: key.public_key_multibase for method, key in issuer.keys.items()}
        keys |= await self._keys_of(presented.others, client)
        proof, schema = await self._check_document(presented, keys)
        known = checks.issuer(presented, issuer, is_original=await self._is_original(presented, issuer))
        warned = replace(known, outcome="warn") if known.outcome in ("fail", "unknown") else known
        return presented, (proof, schema, warned)

    async def derive(self, document: Mapping[str, Any], pointers: Sequence[str]) -> dict[str, Any]:
        """What a holder shows of a document with a base proof, or in a token with disclosures. Raises InvalidInput."""
        async with self._heavy:
            try:
                shown_by = present_envelope if is_enveloped(document) else derive
                return await asyncio.to_thread(shown_by, document, pointers)
            except ProofError as error:
                is_pointer = error.code in ("invalid-pointer", "nothing-selected")
                place = "#/options/selectivePointers" if is_pointer else f"#/verifiableCredential{error.pointer[1:]}"
                raise InvalidInput(error.detail, errors=[FieldError(error.code, error.detail, place)]) from None

    async def _keys_of(self, controllers: Sequence[str], client: str) -> dict[str, str]:
        keys: dict[str, str] = {}
        for controller in controllers[:MAX_PROOFS]:
            keys |= (await self._issuers.keys_of(controller, client))[0]
        return keys

    async def _check_document(self, presented: Presented, keys: Mapping[str, str]) -> tuple[Check, Check]:
        """Proof and form. Large documents are checked one at a time beside the loop: they hold up but each other."""

        def examine() -> tuple[Check, Check]:
            return checks.proof(presented, keys), checks.schema(presented)

        if size(presented.document) * max(1, len(presented.proofs)) <= _LIGHT:
            return examine()
        async with self._heavy:
            return await asyncio.to_thread(examine)

    async def _is_original(self, presented: Presented, issuer: Issuer) -> bool:
        """Whether this very document was issued before its key leaked; only asked about keys that did."""
        leaks = [
            key.compromised_at
            for method in presented.methods
            if (key := issuer.keys.get(method)) is not None and key.compromised_at is not None
        ]
        credential_id = self._own_id(presented)
        if not leaks or credential_id is None:
            return False
        async with self._db.worker_connection() as connection:
            known = await credentials.get(connection, credential_id)
        if known is None or known.issued_at >= min(leaks):
            return False
        try:
            return hashlib.sha256(jcs(presented.document)).digest() == known.document_sha256
        except CanonicalError:
            return False

    async def _note(self, verification: Verification, presented: Presented, issuer: Issuer, found: Found) -> None:
        """Have credential.verified sent where the document is a credential of ours, signed by its issuer."""
        credential_id = self._own_id(presented)
        if credential_id is None or issuer.institution_id is None:
            return
        if found.credential_id is None:
            async with self._db.worker_connection() as connection:
                known = await credentials.get(connection, credential_id)
            is_ours = known is not None and known.institution_id == issuer.institution_id
        else:
            is_ours = found.credential_id == credential_id
        if is_ours:
            self._notes.add(
                Note(
                    verification.id,
                    credential_id,
                    issuer.institution_id,
                    verification.verdict,
                    verification.at,
                    current_traceparent(),
                )
            )

    def _own_id(self, presented: Presented) -> UUID | None:
        """The id of a credential of ours, where the document claims to be one."""
        if presented.id is None or not presented.id.startswith(self._home):
            return None
        try:
            credential_id = UUID(presented.id.removeprefix(self._home))
        except ValueError:
            return None
        return credential_id if presented.id == f"{self._home}{credential_id}" else None
