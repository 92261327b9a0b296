"""The shape a credential must have: Verifiable Credentials 2.0 (4), and for badges Open Badges 3.0 (B) on top."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.credentials.contexts import CREDENTIALS_V2, OPEN_BADGES_ALL, is_known
from shared.credentials.plain import disguises
from shared.credentials.times import read_timestamp

_BADGE_TYPES = frozenset({"OpenBadgeCredential", "AchievementCredential"})
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: where (a JSON pointer fragment), a stable word, a sentence."""

    pointer: str
    code: str
    detail: str


def check_structure(document: Mapping[str, Any]) -> list[Finding]:
    """Everything that is wrong with the shape of a credential; empty when nothing is. Never raises."""
    types = _texts(document.get("type"))
    findings = [
        *_check_contexts(document.get("@context"), badge=bool(_BADGE_TYPES & types)),
        *_check_terms(document),
        *_check_head(document, types),
        *_check_dates(document),
        *_check_subjects(document.get("credentialSubject")),
        *_check_status(document.get("credentialStatus")),
    ]
    if _BADGE_TYPES & types:
        findings += _check_badge(document)
    return findings


def _check_contexts(contexts: Any, *, badge: bool) -> Iterator[Finding]:
    if not isinstance(contexts, list) or not contexts or contexts[0] != CREDENTIALS_V2:
        yield Finding("#/@context", "context-not-allowed", f"the first context has to be {CREDENTIALS_V2}")
        return
    if badge and (len(contexts) < 2 or not _is_open_badges(contexts[1])):
        yield Finding("#/@context/1", "context-not-allowed", "the second context has to be Open Badges 3.0's")
    for place, context in enumerate(contexts[1:], 1):
        if not is_known(context):
            yield Finding(f"#/@context/{place}", "context-not-allowed", "this context is not known here")


def _check_terms(document: Mapping[str, Any]) -> Iterator[Finding]:
    unsecured = {name: value for name, value in document.items() if name != "proof"}
    for disguise in disguises(unsecured):
        yield Finding(disguise.pointer, disguise.code, disguise.detail)


def _is_open_badges(context: Any) -> bool:
    return isinstance(context, str) and context in OPEN_BADGES_ALL


def _check_head(document: Mapping[str, Any], types: set[str]) -> Iterator[Finding]:
    if "VerifiableCredential" not in types:
        yield Finding("#/type", "invalid-type", "one type has to be VerifiableCredential")
    if "id" in document and not _is_url(document["id"]):
        yield Finding("#/id", "relative-id", "an id is an absolute URL")
    issuer = document.get("issuer")
    if not _is_url(issuer.get("id") if isinstance(issuer, Mapping) else issuer):
        yield Finding("#/issuer", "required", "the issuer is an absolute URL, or an object with one as its id")


def _check_dates(document: Mapping[str, Any]) -> Iterator[Finding]:
    moments: dict[str, datetime] = {}
    for name in ("validFrom", "validUntil", "awardedDate"):
        if name not in document:
            continue
        moment = read_timestamp(document[name])
        if moment is None:
            yield Finding(f"#/{name}", "invalid-date", "a date has a time and a time zone, as 2030-01-31T00:00:00Z")
        else:
            moments[name] = moment
    if {"validFrom", "validUntil"} <= moments.keys() and moments["validUntil"] < moments["validFrom"]:
        yield Finding("#/validUntil", "invalid-date", "validUntil is before validFrom")


def _check_subjects(subject: Any) -> Iterator[Finding]:
    subjects = subject if isinstance(subject, list) else [subject]
    if not subjects or not all(isinstance(each, Mapping) and each for each in subjects):
        yield Finding("#/credentialSubject", "required", "a credential says something about a subject")
        return
    for place, each in enumerate(subjects):
        if "id" in each and not _is_url(each["id"]):
            where = f"#/credentialSubject/{place}/id" if isinstance(subject, list) else "#/credentialSubject/id"
            yield Finding(where, "relative-id", "an id is an absolute URL")


def _check_status(status: Any) -> Iterator[Finding]:
    entries = status if isinstance(status, list) else [] if status is None else [status]
    for place, entry in enumerate(entries):
        where = f"#/credentialStatus/{place}" if isinstance(status, list) else "#/credentialStatus"
        if not isinstance(entry, Mapping) or not _texts(entry.get("type")):
            yield Finding(where, "invalid-status", "a status is an object with a type")
        elif "id" in entry and not _is_url(entry["id"]):
            yield Finding(f"{where}/id", "relative-id", "an id is an absolute URL")


def _check_badge(document: Mapping[str, Any]) -> Iterator[Finding]:
    for name in ("id", "name", "validFrom"):
        if name not in document:
            yield Finding(f"#/{name}", "required", f"a badge has a {name}")
    subject = document.get("credentialSubject")
    if not isinstance(subject, Mapping):
        yield Finding("#/credentialSubject", "required", "a badge has one subject")
        return
    if "AchievementSubject" not in _texts(subject.get("type")):
        yield Finding("#/credentialSubject/type", "invalid-type", "one type has to be AchievementSubject")
    if not subject.get("id") and not subject.get("identifier"):
        yield Finding("#/credentialSubject", "required", "the learner has an id or an identifier")
    yield from _check_achievement(subject.get("achievement"))


def _check_achievement(achievement: Any) -> Iterator[Finding]:
    where = "#/credentialSubject/achievement"
    if not isinstance(achievement, Mapping):
        yield Finding(where, "required", "a badge is about an achievement")
        return
    if not _is_url(achievement.get("id")):
        yield Finding(f"{where}/id", "relative-id", "an id is an absolute URL")
    if "Achievement" not in _texts(achievement.get("type")):
        yield Finding(f"{where}/type", "invalid-type", "one type has to be Achievement")
    for name in ("name", "description"):
        if not isinstance(achievement.get(name), str | Mapping):
            yield Finding(f"{where}/{name}", "required", f"an achievement has a {name}")
    criteria = achievement.get("criteria")
    if not isinstance(criteria, Mapping) or not ("id" in criteria or "narrative" in criteria):
        yield Finding(f"{where}/criteria", "required", "an achievement has criteria, by id or narrative")


def _texts(value: Any) -> set[str]:
    values = value if isinstance(value, list) else [value]
    return {each for each in values if isinstance(each, str)}


def _is_url(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= 2000 and _URL.fullmatch(value) is not None
