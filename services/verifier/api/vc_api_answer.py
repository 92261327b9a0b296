"""Checks as the VC-API answers them: `verified`, problem details, and results by property (VCALM 1.0)."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

from services.verifier.commands.verify_credential import Judged
from services.verifier.commands.verify_presentation import Shown
from services.verifier.domain.answer import Check, Reason
from services.verifier.domain.checks import Bit
from services.verifier.domain.presented import dates_of
from services.verifier.domain.schema import Conformance
from shared.credentials import many

# What cannot be judged by anybody who does not know the type: said, and not held against the credential here.
_TOLERATED = frozenset({"status-type-unsupported"})
# Data Integrity 1.0, 4.4 and 4.5, for two of the ways in which a proof does not hold; VC Data Model 2.0, 7.1.
_TYPES = {
    "wrong-challenge": "https://w3id.org/security#INVALID_CHALLENGE_ERROR",
    "wrong-domain": "https://w3id.org/security#INVALID_DOMAIN_ERROR",
}
_TYPE_OF_CHECK = {
    "proof": "https://www.w3.org/TR/vc-data-model#CRYPTOGRAPHIC_SECURITY_ERROR",
    "schema": "https://www.w3.org/TR/vc-data-model#MALFORMED_VALUE_ERROR",
}


def credential_answer(judged: Judged, public_url: str) -> dict[str, Any]:
    """The answer about one credential."""
    return {
        "verified": is_verified(judged.checks),
        "problemDetails": _problems(judged.checks, public_url),
        "results": _results(judged),
    }


def presentation_answer(shown: Shown, public_url: str) -> dict[str, Any]:
    """The answer about a presentation, with one for each credential in it."""
    inside = [credential_answer(judged, public_url) for judged in shown.credentials]
    verified = is_verified(shown.checks) and all(one["verified"] for one in inside)
    problems = _problems(shown.checks, public_url)
    return {
        "verified": verified,
        "problemDetails": [*problems, *(problem for one in inside for problem in one["problemDetails"])],
        "results": {"presentation": {"proof": _proofs(shown.presented.document, shown.checks)}, "credentials": inside},
    }


def is_verified(checks: Sequence[Check]) -> bool:
    """No check failed, and none is open but for what nobody here can know."""
    return all(check.outcome in ("pass", "warn") or _is_tolerated(check) for check in checks)


def _is_tolerated(check: Check) -> bool:
    return check.outcome == "unknown" and check.reason is not None and check.reason.code in _TOLERATED


def _problems(checks: Sequence[Check], public_url: str) -> list[dict[str, str]]:
    found = []
    for check in checks:
        if check.reason is not None:
            is_warning = check.outcome == "warn" or _is_tolerated(check)
            kind = check.reason.type if is_warning else _type(check, check.reason)
            url = kind if "://" in kind else f"{public_url}/problems/{kind}"
            title = f"Warning: {check.reason.title}" if is_warning else check.reason.title
            found.append({"type": url, "title": title, "detail": check.reason.detail, "code": check.reason.code})
    return found


def _type(check: Check, reason: Reason) -> str:
    """The specifications' type of what is wrong, for which `code` has a narrower word."""
    return _TYPES.get(reason.code) or _TYPE_OF_CHECK.get(check.check) or reason.type


def _results(judged: Judged) -> dict[str, Any]:
    document = judged.presented.document
    outcomes = {check.check: check.outcome for check in judged.checks}
    results: dict[str, Any] = {"proof": _proofs(document, judged.checks)}
    if "validity" in outcomes:
        for name in dates_of(document):
            if name in document:
                results[name] = {"input": document[name], "verified": outcomes["validity"] == "pass"}
    if "status" in outcomes:
        entries = many(document.get("credentialStatus"))
        results["credentialStatus"] = [_status(one, judged.bits) for one in entries]
        schemas = zip_longest(many(document.get("credentialSchema")), judged.schemas)
        results["credentialSchema"] = [_schema(entry, found) for entry, found in schemas]
    return results


def _schema(entry: Any, found: Conformance | None) -> dict[str, Any]:
    """What a schema says, in the words of VC JSON Schema; nothing where it was not applied."""
    if found is None:
        return {"input": entry, "verified": False}
    said = {"input": entry, "verified": found.outcome == "success", "outcome": found.outcome}
    return {**said, "detail": found.reason.detail} if found.reason is not None else said


def _status(entry: Any, bits: Sequence[Bit]) -> dict[str, Any]:
    """What an entry's list says: `value`, and of messages the one that holds."""
    found = next((bit for bit in bits if isinstance(entry, Mapping) and _is_of(bit, entry)), None)
    if found is None or found.value is None:
        return {"input": entry, "verified": False}
    if found.entry.voids:
        return {"input": entry, "verified": not found.value, "value": found.value}
    messages = [one for one in many(entry.get("statusMessage")) if isinstance(one, Mapping)]
    holding = [one.get("message") for one in messages if str(one.get("status")).lower() == hex(found.value)]
    told = {"message": holding[0]} if holding else {}
    return {"input": entry, "verified": True, "value": found.value, **told}


def _is_of(bit: Bit, entry: Mapping[str, Any]) -> bool:
    named = entry.get("statusPurpose"), entry.get("statusListCredential"), entry.get("statusListIndex")
    return named == (bit.entry.purpose, bit.entry.status_list, str(bit.entry.index))


def _proofs(document: Mapping[str, Any], checks: Sequence[Check]) -> list[dict[str, Any]]:
    verified = any(check.check == "proof" and check.outcome == "pass" for check in checks)
    return [{"input": proof, "verified": verified} for proof in many(document.get("proof"))]
