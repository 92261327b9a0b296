"""The checks of a presentation: who shows it, and whether it answers the question that was asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.verifier.domain.answer import Check, Reason, failed, passed, undecided
from services.verifier.domain.checks import CLOCK_LEEWAY, MOST_WEIGHT, form, is_early, losses, verify_all
from services.verifier.domain.presented import Presented, id_of, size, weight
from shared.credentials import ProofError, Purpose, check_presentation, is_enveloped, many

MOST_CREDENTIALS = 50
BINDING_LASTS = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Question:
    """What the verifier asked: its challenge, and the domain that the answer was to be made for."""

    challenge: str | None = None
    domain: str | None = None


def purpose_of(document: Mapping[str, Any]) -> Purpose:
    """What the presentation's proofs say they are for: one who shows authenticates, unless they say otherwise."""
    purposes = [proof.get("proofPurpose") for proof in many(document.get("proof")) if isinstance(proof, Mapping)]
    asserts = purposes and all(purpose == "assertionMethod" for purpose in purposes)
    return "assertionMethod" if asserts else "authentication"


def proof(presented: Presented, keys: Mapping[str, str], question: Question, now: datetime) -> Check:
    """Every proof is sound, in time, and made for this question (Data Integrity 1.0, 4.4 and 2.1)."""
    if not presented.proofs:
        return failed("proof", "CRYPTOGRAPHIC_SECURITY_ERROR", "The presentation has no proof.")
    if not presented.has_keys(keys):
        return undecided("proof", "key-unknown", "A key that a proof names is not known to be its maker's.")
    if weight(presented.document) > MOST_WEIGHT:
        return failed("proof", "too-complex", f"A document of more than {MOST_WEIGHT} values is not canonicalised.")
    try:
        verified = verify_all(presented, keys, purpose_of(presented.document))
    except ProofError as error:
        return failed("proof", error.code, error.detail)
    if any(claim.expires is not None and now > claim.expires for claim in presented.proofs):
        return failed("proof", "proof-expired", "The time the proof was made for is over.")
    if is_early(presented, now):
        return failed("proof", "proof-not-yet-valid", "The token says that it is not to be accepted yet.")
    token = presented.token
    if token is not None and token.bound_at is not None and is_stale(token.bound_at, now):
        return failed("proof", "binding-stale", "The holder's answer is too old, or from the future.")
    answers: list[tuple[str | None, Sequence[str]]] = [(one.challenge, one.domains) for one in verified]
    if token is not None:  # audiences may be many (RFC 7519, 4.1.3); a proof's domains are those asked for
        answers.append((token.nonce, [one for one in token.audiences if one == question.domain]))
    wrong = next((found for given in answers if (found := wrong_answer(*given, question))), None)
    if wrong is not None:
        return failed("proof", wrong.code, wrong.detail)
    return passed("proof", "The presentation's proof is sound.")


def wrong_answer(challenge: str | None, domains: Sequence[str], question: Question) -> Reason | None:
    """Why a proof does not answer a question; None where it does."""
    if question.challenge is not None and challenge != question.challenge:
        return Reason("wrong-challenge", "The proof was not made for this challenge.")
    if question.domain is not None and set(domains) != {question.domain}:
        return Reason("wrong-domain", "The proof was not made for this domain.")
    return None


def is_stale(bound_at: datetime, now: datetime) -> bool:
    """Whether a key binding was made too long ago, or after now (RFC 9901, 7.3)."""
    return not now - BINDING_LASTS <= bound_at <= now + CLOCK_LEEWAY


def holder(presented: Presented) -> Check:
    """Who shows the presentation is who it says its holder is (VC Data Model 2.0, 4.13)."""
    named = id_of(presented.document.get("holder"))
    if named is not None and presented.proofs and all(claim.controller != named for claim in presented.proofs):
        return failed("issuer", "holder-mismatch", "No proof was made with a key of the holder.")
    return passed("issuer", "The proof was made by the holder." if named else "The presentation names no holder.")


def is_own_claim(document: Mapping[str, Any], shown_in: Mapping[str, Any]) -> bool:
    """Whether a credential without a proof of its own is what the presentation's holder says (4.13.3)."""
    maker = id_of(document.get("issuer"))
    is_bare = "proof" not in document and not is_enveloped(document)
    return is_bare and maker is not None and maker == id_of(shown_in.get("holder"))


def schema(presented: Presented) -> Check:
    """The presentation has the form of one, and so has the token that it is in."""
    if presented.trouble is not None:
        return failed("schema", presented.trouble.code, presented.trouble.detail)
    if len(many(presented.document.get("verifiableCredential"))) > MOST_CREDENTIALS:
        return failed("schema", "too-complex", f"A presentation has at most {MOST_CREDENTIALS} credentials here.")
    findings = check_presentation(presented.document)
    if not findings and not weight(presented.document) and size(presented.document) <= MOST_WEIGHT:
        findings += losses(presented, ("proof", "verifiableCredential"))
    return form(findings)
