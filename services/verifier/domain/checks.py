"""The five checks, one a function. Each is pure: what it needs to know is given to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.verifier.domain.answer import Check, Reason, failed, passed, undecided, warned
from services.verifier.domain.issuer import KEY_CHANGED, Issuer, disbelief
from services.verifier.domain.presented import Entry, Presented, size, weight
from shared.credentials import (
    CanonicalError,
    Finding,
    ProofError,
    Purpose,
    VerifiedProof,
    check_structure,
    contexts_of,
    is_known,
    read_seconds,
    require_rdf,
    verify_proof,
    verify_token,
)

MOST_WEIGHT = 2000
UNSUPPORTED = "status-type-unsupported"
CLOCK_LEEWAY = timedelta(seconds=60)
_FAILED = {
    "revocation": ("credential-revoked", "The issuer revoked the credential."),
    "suspension": ("credential-suspended", "The issuer suspended the credential."),
}


@dataclass(frozen=True, slots=True)
class Bit:
    """What was found at a status list entry: its value, or why it is not known. `source` says where it was found."""

    entry: Entry
    value: int | None
    source: str
    reason: Reason | None = None


def proof(presented: Presented, keys: Mapping[str, str]) -> Check:
    """Every proof is sound under its maker's key, `keys` by verification method (Data Integrity 1.0, 4.4)."""
    if presented.trouble is not None:
        return failed("proof", presented.trouble.code, presented.trouble.detail)
    if not presented.proofs:
        return failed("proof", "CRYPTOGRAPHIC_SECURITY_ERROR", "The credential has no proof.")
    if not presented.has_keys(keys):
        return undecided("proof", "key-unknown", "A key that a proof names is not known to be its maker's.")
    if weight(presented.document) > MOST_WEIGHT:
        return failed(
            "proof", "too-complex", f"A document of more than {MOST_WEIGHT} values is not canonicalised here."
        )
    try:
        verify_all(presented, keys, "assertionMethod")
    except ProofError as error:
        return failed("proof", error.code, error.detail)
    return passed("proof", f"The {'proof is' if len(presented.proofs) == 1 else 'proofs are all'} sound.")


def verify_all(presented: Presented, keys: Mapping[str, str], purpose: Purpose) -> list[VerifiedProof]:
    """Check the token that a document was in, and every proof that it has. Raises ProofError."""
    token = presented.token
    if token is None:
        return verify_proof(presented.document, keys, purpose=purpose)
    verify_token(token, keys[token.verification_method or ""])
    return verify_proof(token.secured, keys, purpose=purpose) if "proof" in presented.document else []


def schema(presented: Presented) -> Check:
    """The document has the form its types ask for, and says nothing that its contexts do not define.

    Canonicalising RDF finds the latter by itself; for the other suites it is looked for here, but in documents too
    large for it: what those sign is the text, of which nothing can be lost.
    """
    findings = list(check_structure(presented.document))
    if not findings and not weight(presented.document) and size(presented.document) <= MOST_WEIGHT:
        findings += losses(presented)
    if not findings and any(isinstance(one, Mapping) and not is_known(one) for one in contexts_of(presented.document)):
        detail = "The document brings contexts of its own: what its properties mean is for who knows those to say."
        return warned("schema", "own-contexts", detail)
    return form(findings)


def form(findings: Sequence[Finding]) -> Check:
    """What was found about a document's form, as a check."""
    if not findings:
        return passed("schema", "The document has the form of a credential.")
    first, more = findings[0], len(findings) - 1
    detail = f"{first.pointer}: {first.detail}" + (f" (and {more} more)" if more else "")
    return failed("schema", first.code, detail)


def losses(presented: Presented, without: Sequence[str] = ("proof",)) -> list[Finding]:
    """The first thing in a document, but for some properties, that means nothing in RDF."""
    document = presented.document if presented.token is None else presented.token.secured
    try:
        require_rdf({name: value for name, value in document.items() if name not in without})
    except CanonicalError as error:
        return [Finding(error.pointer, error.code, error.detail)]
    return []


def issuer(presented: Presented, known: Issuer, *, is_original: bool) -> Check:
    """The issuer is known, a proof is by a key of it, and each of its keys was good when the proof was made."""
    if presented.issuer is None:
        return failed("issuer", "MALFORMED_VALUE_ERROR", "The credential names no issuer.")
    if known.trouble is not None and known.trouble.code == KEY_CHANGED:
        return failed("issuer", known.trouble.code, known.trouble.detail)
    own = [claim for claim in presented.proofs if claim.controller == presented.issuer]
    if presented.proofs and not own:
        return failed("issuer", "controller-mismatch", "No proof was made with a key of the issuer.")
    for claim in own:
        key = known.keys.get(claim.verification_method or "")
        if key is None and known.trouble is not None:
            return undecided("issuer", known.trouble.code, known.trouble.detail)
        if key is None:
            return failed("issuer", "unknown-key", "The issuer has no such key.")
        reason = disbelief(key, claim.created or presented.valid_from, is_original=is_original)
        if reason is not None:
            return failed("issuer", reason.code, f"Not to be believed: {reason.detail}.")
    return _standing(known)


def _standing(known: Issuer) -> Check:
    if known.institution_id is None:
        late = f" {known.trouble.detail}" if known.trouble else ""
        return warned(
            "issuer", "issuer-not-registered", f"The keys are the issuer's, who is not registered here.{late}"
        )
    if known.is_suspended:
        return warned("issuer", "issuer-suspended", f"{known.name} may not issue any more; what it issued stays.")
    return passed("issuer", f"{known.name} is registered, and the key was good when the proof was made.")


def validity(presented: Presented, now: datetime) -> Check:
    """Now is between validFrom and validUntil (VC Data Model 2.0, 4.9), and before the end of every proof."""
    if presented.bad_date is not None:
        return undecided("validity", "MALFORMED_VALUE_ERROR", f"{presented.bad_date} is not a date with a time zone.")
    if presented.valid_from is not None and now + CLOCK_LEEWAY < presented.valid_from:
        return failed("validity", "credential-not-yet-valid", f"Valid from {_day(presented.valid_from)} on.")
    if any(claim.expires is not None and now > claim.expires for claim in presented.proofs):
        return failed("validity", "proof-expired", "The time the proof was made for is over.")
    if is_early(presented, now):
        return failed("validity", "proof-not-yet-valid", "The token says that it is not to be accepted yet.")
    if presented.valid_until is not None and now > presented.valid_until:
        return failed("validity", "credential-expired", f"Valid until {_day(presented.valid_until)}.")
    if presented.valid_until is not None:
        return passed("validity", f"Valid until {_day(presented.valid_until)}.")
    return passed("validity", "Valid without an end.")


def is_early(presented: Presented, now: datetime) -> bool:
    """Whether the token that the document was in has not begun (`nbf`, RFC 7519, 4.1.5)."""
    begins = read_seconds(presented.token.not_before) if presented.token is not None else None
    return begins is not None and now + CLOCK_LEEWAY < begins


def status(presented: Presented, bits: Sequence[Bit]) -> Check:
    """No status list says that the credential is void (Bitstring Status List 1.0, 3.2)."""
    messages = [bit for bit in bits if not bit.entry.voids]
    bits = [bit for bit in bits if bit.entry.voids]
    for bit in bits:
        if bit.value:
            code, detail = _FAILED[bit.entry.purpose]
            return failed("status", code, f"{detail} {bit.source}".strip())
    reasons = [*presented.faults, *(bit.reason for bit in bits if bit.reason is not None)]
    if reasons:
        # A type that nobody here knows may be overlooked by some; so it is only named where nothing else is open.
        worst = next((reason for reason in reasons if reason.code != UNSUPPORTED), reasons[0])
        return undecided("status", worst.code, worst.detail)
    if not bits:
        only = "The credential has messages, and" if messages else "The credential has"
        return passed("status", f"{only} no status that could void it." if messages else f"{only} no status.")
    return passed("status", f"Neither revoked nor suspended. {bits[0].source}".strip())


def _day(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC")
