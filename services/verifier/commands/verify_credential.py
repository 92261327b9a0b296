"""Verify one credential: the service's main verb."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from services.verifier.commands.check_document import Documents
from services.verifier.commands.note_verification import Note, Notes
from services.verifier.commands.read_schema import Schemas
from services.verifier.commands.read_status import Found, Statuses
from services.verifier.domain import checks
from services.verifier.domain.answer import Check, Verdict
from services.verifier.domain.checks import Bit
from services.verifier.domain.issuer import Issuer
from services.verifier.domain.presented import Presented, read
from services.verifier.domain.schema import Conformance, judge
from services.verifier.domain.summary import Summary, summarise
from services.verifier.domain.verdict import VERIFIED, verdict_of
from services.verifier.store import credentials
from shared.credentials import CanonicalError, ProofError, derive, is_enveloped, jcs, present_envelope
from shared.events.ids import new_id
from shared.http.problems import FieldError, InvalidInput
from shared.postgres.database import Database
from shared.telemetry import metrics
from shared.telemetry.tracing import current_traceparent


@dataclass(frozen=True, slots=True)
class Judged:
    """A document with its checks; in full verification also what its status lists and its schemas say, in their order.

    `schemas` is empty where they were not applied.
    """

    presented: Presented
    checks: tuple[Check, ...]
    bits: tuple[Bit, ...] = ()
    schemas: tuple[Conformance, ...] = ()


@dataclass(frozen=True, slots=True)
class Verification:
    """The whole answer. The checks are in the order they are named in `answer.CHECK_NAMES`."""

    id: UUID
    at: datetime
    verdict: Verdict
    summary: Summary
    judged: Judged

    @property
    def verified(self) -> bool:
        """Whether the credential may be relied on."""
        return self.verdict in VERIFIED


class Verifier:
    """What verifying needs besides the document. Credentials and achievements of ours have ids below `registry`."""

    def __init__(
        self,
        db: Database,
        documents: Documents,
        statuses: Statuses,
        schemas: Schemas,
        notes: Notes,
        registry: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._db, self._documents, self._statuses, self._schemas = db, documents, statuses, schemas
        self._notes, self._clock = notes, clock
        self._home, self._achievements = f"{registry}/credentials/", f"{registry}/achievements/"

    async def verify_credential(self, document: Mapping[str, Any], client: str) -> Verification:
        """Check a document as it stands now. Whatever is wrong with it is an outcome, not an exception.

        `client` is whose share of fetches is spent. Raises TooManyFetches, Unavailable.
        """
        now = self._clock()
        presented = read(document)
        checked = await self._documents.check(presented, client)
        is_sound = checked.proof.outcome == "pass"
        found = await self._statuses.read(presented, checked.issuer, client, may_fetch=is_sound)
        is_original = await self._is_original(presented, checked.issuer)
        may_apply = is_sound and checked.schema.outcome != "fail"
        schemas = await self._schemas.apply(presented, client) if may_apply else ()
        done = (
            checked.proof,
            judge(checked.schema, schemas),
            checks.issuer(presented, checked.issuer, is_original=is_original),
            checks.validity(presented, now),
            checks.status(presented, found.bits),
        )
        verdict = verdict_of(done)
        judged = Judged(presented, done, found.bits, schemas)
        verification = Verification(new_id(), now, verdict, summarise(presented, checked.issuer.name), judged)
        metrics.VERIFICATIONS.labels(verdict).inc()
        if is_sound and verdict != "forged":  # of a forgery nobody is told that it was ours
            await self._note(verification, checked.issuer, found)
        return verification

    async def verify_proofs(self, document: Mapping[str, Any], client: str) -> Judged:
        """Check the cryptography and the form alone: `proof`, `schema`, and `issuer`, which warns where it would fail.

        Raises TooManyFetches, Unavailable.
        """
        presented = read(document)
        checked = await self._documents.check(presented, client, strangers_too=True)
        is_original = await self._is_original(presented, checked.issuer)
        known = checks.issuer(presented, checked.issuer, is_original=is_original)
        warned = replace(known, outcome="warn") if known.outcome in ("fail", "unknown") else known
        return Judged(presented, (checked.proof, checked.schema, warned))

    async def derive(self, document: Mapping[str, Any], pointers: Sequence[str]) -> dict[str, Any]:
        """What a holder shows of a document with a base proof, or in a token with disclosures. Raises InvalidInput."""
        async with self._documents.heavy:
            try:
                shown_by = present_envelope if is_enveloped(document) else derive
                return await asyncio.to_thread(shown_by, document, pointers)
            except ProofError as error:
                is_pointer = error.code in ("invalid-pointer", "nothing-selected")
                place = "#/options/selectivePointers" if is_pointer else f"#/verifiableCredential{error.pointer[1:]}"
                raise InvalidInput(error.detail, errors=[FieldError(error.code, error.detail, place)]) from None

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

    async def _note(self, verification: Verification, issuer: Issuer, found: Found) -> None:
        """Have credential.verified sent where the document is a credential of ours, signed by its issuer. What it is an
        achievement of, it says itself."""
        credential_id = self._own_id(verification.judged.presented)
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
                    _id_below(self._achievements, verification.judged.presented.achievement.get("id")),
                    verification.verdict,
                    verification.at,
                    current_traceparent(),
                )
            )

    def _own_id(self, presented: Presented) -> UUID | None:
        """The id of a credential of ours, where the document claims to be one."""
        return _id_below(self._home, presented.id)


def _id_below(home: str, url: Any) -> UUID | None:
    """The id that stands behind `home` in a URL; None for any other URL, and for what is none."""
    if not isinstance(url, str) or not url.startswith(home):
        return None
    try:
        found = UUID(url.removeprefix(home))
    except ValueError:
        return None
    return found if url == f"{home}{found}" else None
