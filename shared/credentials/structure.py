"""The shape a credential must have: Verifiable Credentials 2.0 and 1.1, and for badges Open Badges 3.0 on top."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from shared.credentials.badge_structure import BADGE_TYPES, check_badge
from shared.credentials.contexts import CREDENTIALS_V1, CREDENTIALS_V2, OPEN_BADGES_ALL, is_known
from shared.credentials.finding import Finding, is_url, many, texts
from shared.credentials.properties import check_names, check_properties, check_typed
from shared.credentials.status_list import StatusListError, unpack_list
from shared.credentials.times import read_timestamp

_BASES = (CREDENTIALS_V2, CREDENTIALS_V1)
_DATES = {
    CREDENTIALS_V2: ("validFrom", "validUntil"),
    CREDENTIALS_V1: ("issuanceDate", "expirationDate"),
}


def check_structure(document: Mapping[str, Any]) -> list[Finding]:
    """Everything that is wrong with the shape of a credential; empty when nothing is. Never raises."""
    types, base = texts(document.get("type")), base_context(document)
    is_badge = bool(BADGE_TYPES & types)
    findings = [
        *check_contexts(document.get("@context")),
        *_check_head(document, types),
        *_check_dates(document, base),
        *_check_subjects(document.get("credentialSubject")),
        *check_properties(document, base),
    ]
    if base == CREDENTIALS_V2:
        findings += check_names(document, "#")
    if "BitstringStatusListCredential" in types:
        findings += _check_status_list(document.get("credentialSubject"))
    if is_badge:
        findings += [*_check_badge_contexts(document.get("@context")), *check_badge(document, _DATES[base][0])]
    return findings


def check_presentation(document: Mapping[str, Any]) -> list[Finding]:
    """As `check_structure`, of a presentation without the credentials in it (VC Data Model 2.0, 4.13)."""
    findings = [*check_contexts(document.get("@context")), *_check_type(document, "VerifiablePresentation")]
    if "id" in document and not is_url(document["id"]):
        findings.append(Finding("#/id", "relative-id", "an id is an absolute URL"))
    if "VerifiableCredential" in texts(document.get("type")):
        findings.append(Finding("#/type", "invalid-type", "a presentation is no credential"))
    if "holder" in document:
        findings += _check_who(document["holder"], "holder")
    findings += check_typed(document, ("termsOfUse", "refreshService"))
    if "verifiableCredential" in document and not many(document["verifiableCredential"]):
        findings.append(Finding("#/verifiableCredential", "required", "a property that has no value is left out"))
    for place, one in enumerate(many(document.get("verifiableCredential"))):
        if not isinstance(one, Mapping):
            where = f"#/verifiableCredential/{place}"
            findings.append(Finding(where, "invalid-type", "a credential in a presentation is an object"))
    return findings


def base_context(document: Mapping[str, Any]) -> str:
    """Which data model the document follows, as its first context says: 2.0's where it says neither."""
    first = next(iter(many(document.get("@context"))), None)
    return CREDENTIALS_V1 if first == CREDENTIALS_V1 else CREDENTIALS_V2


def check_contexts(contexts: Any) -> Iterator[Finding]:
    """The `@context` is an ordered set that begins with the data model's own (VC Data Model 2.0, 4.3)."""
    if not isinstance(contexts, list) or not contexts or contexts[0] not in _BASES:
        yield Finding("#/@context", "context-not-allowed", f"the first one has to be {CREDENTIALS_V2}")
        return
    for place, context in enumerate(contexts[1:], 1):
        where = f"#/@context/{place}"
        if context in _BASES:
            yield Finding(where, "context-not-allowed", "the data model's context comes first, and once")
        elif isinstance(context, str) and not is_known(context):
            yield Finding(where, "context-not-allowed", "this context is not known here")
        elif not isinstance(context, str | Mapping):
            yield Finding(where, "invalid-type", "a context is a URL or an object")


def _check_badge_contexts(contexts: Any) -> Iterator[Finding]:
    second = contexts[1] if isinstance(contexts, list) and len(contexts) > 1 else None
    if not isinstance(second, str) or second not in OPEN_BADGES_ALL:
        yield Finding("#/@context/1", "context-not-allowed", "the second context has to be Open Badges 3.0's")


def _check_head(document: Mapping[str, Any], types: set[str]) -> Iterator[Finding]:
    yield from _check_type(document, "VerifiableCredential")
    if "VerifiablePresentation" in types:
        yield Finding("#/type", "invalid-type", "a credential is no presentation")
    if "id" in document and not is_url(document["id"]):
        yield Finding("#/id", "relative-id", "an id is an absolute URL")
    yield from _check_who(document.get("issuer"), "issuer")
    if base_context(document) == CREDENTIALS_V2 and isinstance(document.get("issuer"), Mapping):
        yield from check_names(document["issuer"], "#/issuer")


def _check_status_list(subject: Any) -> Iterator[Finding]:
    """What the subject of a list says (Bitstring Status List 1.0, 2.2)."""
    if not isinstance(subject, Mapping):
        yield Finding("#/credentialSubject", "required", "a status list is one subject")
        return
    try:
        unpack_list(subject)
    except StatusListError as error:
        yield Finding("#/credentialSubject", "invalid-status", error.detail)


def _check_type(document: Mapping[str, Any], needed: str) -> Iterator[Finding]:
    kinds = document.get("type")
    if not all(isinstance(kind, str) and kind for kind in many(kinds)):
        yield Finding("#/type", "invalid-type", "a type is a text")
    elif needed not in texts(kinds):
        yield Finding("#/type", "invalid-type", f"one type has to be {needed}")


def _check_who(who: Any, name: str) -> Iterator[Finding]:
    if not is_url(who.get("id") if isinstance(who, Mapping) else who):
        yield Finding(f"#/{name}", "required", f"the {name} is an absolute URL, or an object with one as its id")


def _check_dates(document: Mapping[str, Any], base: str) -> Iterator[Finding]:
    moments: dict[str, datetime] = {}
    first, last = _DATES[base]
    if base == CREDENTIALS_V1 and first not in document:
        yield Finding(f"#/{first}", "required", f"a credential of the data model 1.1 has an {first}")
    for name in (first, last, "awardedDate"):
        if name not in document:
            continue
        moment = read_timestamp(document[name])
        if moment is None:
            yield Finding(f"#/{name}", "invalid-date", "a date has a time and a time zone, as 2030-01-31T00:00:00Z")
        else:
            moments[name] = moment
    if {first, last} <= moments.keys() and moments[last] < moments[first]:
        yield Finding(f"#/{last}", "invalid-date", f"{last} is before {first}")


def _says(subject: Mapping[str, Any]) -> Iterator[bool]:
    """Whether anything is said: in JSON-LD null says nothing."""
    return (value is not None for value in subject.values())


def _check_subjects(subject: Any) -> Iterator[Finding]:
    subjects = subject if isinstance(subject, list) else [subject]
    if not subjects or not all(isinstance(each, Mapping) and any(_says(each)) for each in subjects):
        yield Finding("#/credentialSubject", "required", "a credential says something about a subject")
        return
    for place, each in enumerate(subjects):
        if "id" in each and not is_url(each["id"]):
            where = f"#/credentialSubject/{place}/id" if isinstance(subject, list) else "#/credentialSubject/id"
            yield Finding(where, "relative-id", "an id is an absolute URL")
