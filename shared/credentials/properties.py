"""A credential's optional properties (VC Data Model 2.0, 4.4 to 4.12 and 5; 1.1, 4.4 to 4.9 and 5)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shared.credentials.contexts import CREDENTIALS_V1, published_digest
from shared.credentials.digests import READERS, UnusableDigest
from shared.credentials.finding import Finding, is_url, many, placed, texts

# Each is an object with a type; those with an id as well may not be named by less.
_TYPED = (
    "credentialStatus",
    "credentialSchema",
    "refreshService",
    "termsOfUse",
    "evidence",
    "confidenceMethod",
    "renderMethod",
)
_NEED_ID = {
    "https://www.w3.org/ns/credentials/v2": ("credentialSchema",),
    CREDENTIALS_V1: ("credentialSchema", "credentialStatus", "refreshService"),
}
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*", re.ASCII)
_MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]{1,127}/[\w!#$&^.+-]{1,127}(?:\s*;.{1,200})?", re.ASCII)
_INDEX = re.compile(r"[0-9]{1,12}", re.ASCII)
_ENTRY_TEXTS = ("statusPurpose", "statusListIndex", "statusListCredential")


def check_properties(document: Mapping[str, Any], base: str) -> Iterator[Finding]:
    """What is wrong with the optional properties; `base` is the data model's context. Never raises."""
    yield from check_typed(document, _TYPED, _NEED_ID[base])
    yield from _check_entries(document.get("credentialStatus"))
    yield from _check_related(document.get("relatedResource"))
    for name in (*_TYPED, "relatedResource", "issuer", "credentialSubject", "validFrom", "validUntil", "name"):
        if name in document and document[name] is None:
            yield Finding(f"#/{name}", "required", "a property that has no value is left out")


def check_typed(document: Mapping[str, Any], names: Sequence[str], need_id: Sequence[str] = ()) -> Iterator[Finding]:
    """Each of these properties, where it is there, has one or more objects with a type."""
    for name in names:
        if document.get(name) == []:
            yield Finding(f"#/{name}", "required", "a property that has no value is left out")
        for where, entry in placed(document.get(name), name):
            yield from _check_typed(entry, where, needs_id=name in need_id)
            if isinstance(entry, Mapping):
                yield from _check_digests(entry, where, None)


def check_names(node: Mapping[str, Any], where: str) -> Iterator[Finding]:
    """`name` and `description` are texts, or texts with their languages (VC Data Model 2.0, 4.6, 11.1)."""
    for name in ("name", "description"):
        if name not in node:
            continue
        value = node[name]
        if value == []:
            yield Finding(f"{where}/{name}", "required", "a property that has no value is left out")
        pairs = enumerate(value) if isinstance(value, list) else [(None, value)]
        for place, each in pairs:
            pointer = f"{where}/{name}" if place is None else f"{where}/{name}/{place}"
            if isinstance(each, str) and not isinstance(value, list):
                continue
            if not _is_language_value(each):
                yield Finding(pointer, "invalid-value", "a text, or an object with @value and @language")


def _is_language_value(value: Any) -> bool:
    if not isinstance(value, Mapping) or not value.keys() <= {"@value", "@language", "@direction"}:
        return False
    language, direction = value.get("@language", "en"), value.get("@direction", "ltr")
    return (
        isinstance(value.get("@value"), str)
        and isinstance(language, str)
        and _LANGUAGE.fullmatch(language) is not None
        and direction in ("ltr", "rtl")
    )


def _check_typed(entry: Any, where: str, *, needs_id: bool) -> Iterator[Finding]:
    code = "invalid-status" if where.startswith("#/credentialStatus") else "invalid-type"
    if not isinstance(entry, Mapping) or not texts(entry.get("type")):
        yield Finding(where, code, "this is an object with a type")
    elif not all(isinstance(kind, str) and kind for kind in many(entry["type"])):
        yield Finding(f"{where}/type", code, "a type is a text")
    elif "id" in entry and not is_url(entry["id"]):
        yield Finding(f"{where}/id", "relative-id", "an id is an absolute URL")
    elif needs_id and "id" not in entry:
        yield Finding(f"{where}/id", "required", "this has an id")


def _check_entries(value: Any) -> Iterator[Finding]:
    """Places in status lists, each named once (Bitstring Status List 1.0, 2.1)."""
    seen: list[tuple[Any, ...]] = []
    for where, entry in placed(value, "credentialStatus"):
        if not isinstance(entry, Mapping) or "BitstringStatusListEntry" not in texts(entry.get("type")):
            continue
        yield from _check_entry(entry, where)
        named = tuple(entry.get(name) for name in _ENTRY_TEXTS)
        if named in seen:
            yield Finding(where, "invalid-status", "the same entry stands twice")
        seen.append(named)


def _check_entry(entry: Mapping[str, Any], where: str) -> Iterator[Finding]:
    for name in _ENTRY_TEXTS:
        if not isinstance(entry.get(name), str) or not entry[name]:
            yield Finding(f"{where}/{name}", "required", f"a status list entry has a {name}, a text")
            return
    if _INDEX.fullmatch(entry["statusListIndex"]) is None:
        yield Finding(f"{where}/statusListIndex", "invalid-value", "an index is an integer from 0 on, as a text")
    if not is_url(entry["statusListCredential"]):
        yield Finding(f"{where}/statusListCredential", "relative-id", "a status list is named by its URL")
    if entry.get("id") == entry["statusListCredential"]:
        yield Finding(f"{where}/id", "invalid-status", "the id of an entry is not the list's URL")
    size = entry.get("statusSize", 1)
    if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= 32:
        yield Finding(f"{where}/statusSize", "invalid-value", "a statusSize is a number of bits, from 1 to 32")
    elif size > 1 or "statusMessage" in entry:
        yield from _check_messages(entry.get("statusMessage"), size, where)


def _check_messages(messages: Any, size: int, where: str) -> Iterator[Finding]:
    listed = many(messages)
    values = set()
    for one in listed:
        status = one.get("status") if isinstance(one, Mapping) else None
        if not isinstance(status, str) or re.fullmatch("0x[0-9a-fA-F]{1,8}", status) is None:
            yield Finding(f"{where}/statusMessage", "invalid-value", "a message has a status such as 0x0")
            return
        if not isinstance(one.get("message"), str):
            yield Finding(f"{where}/statusMessage", "required", "a message has a text")
            return
        values.add(int(status, 16))
    if len(listed) != 2**size or values != set(range(2**size)):
        yield Finding(f"{where}/statusMessage", "invalid-value", f"{size} bits have {2**size} messages, one a value")


def _check_related(value: Any) -> Iterator[Finding]:
    """Resources with their digests, each named once (VC Data Model 2.0, 5.3)."""
    seen = set()
    if value == []:
        yield Finding("#/relatedResource", "required", "a property that has no value is left out")
    for where, one in placed(value, "relatedResource"):
        if not isinstance(one, Mapping) or not is_url(one.get("id")):
            yield Finding(f"{where}/id", "required", "a related resource has a URL as its id")
            continue
        if one["id"] in seen:
            yield Finding(f"{where}/id", "invalid-value", "a resource is named once")
        seen.add(one["id"])
        if "digestSRI" not in one and "digestMultibase" not in one:
            yield Finding(where, "required", "a related resource has a digestSRI or a digestMultibase")
        media_type = one.get("mediaType", "text/plain")
        if not isinstance(media_type, str) or _MEDIA_TYPE.fullmatch(media_type) is None:
            yield Finding(f"{where}/mediaType", "invalid-value", "a mediaType is one, such as image/png")
        yield from _check_digests(one, where, one["id"])


def _check_digests(one: Mapping[str, Any], where: str, resource: str | None) -> Iterator[Finding]:
    for name, read in READERS.items():
        for text in many(one[name]) or [None] if name in one else ():
            try:
                algorithm, digest = read(text)
            except UnusableDigest as error:
                yield Finding(f"{where}/{name}", "invalid-value", str(error))
                continue
            published = published_digest(resource, algorithm) if resource else None
            if published is not None and digest != published:
                yield Finding(f"{where}/{name}", "digest-mismatch", "the context has another digest")
