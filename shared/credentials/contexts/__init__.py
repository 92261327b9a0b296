"""The JSON-LD contexts this product knows. Nothing else is ever loaded: a context decides what a document means."""

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from shared.credentials.pinned import Entry, UnusableFolder, read_document, read_manifest

CREDENTIALS_V2 = "https://www.w3.org/ns/credentials/v2"
CREDENTIALS_V1 = "https://www.w3.org/2018/credentials/v1"
OPEN_BADGES = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"
OPEN_BADGES_ALL = frozenset(
    f"https://purl.imsglobal.org/spec/ob/v3p0/context{suffix}.json" for suffix in ("", "-3.0.1", "-3.0.2", "-3.0.3")
)
DATA_INTEGRITY_V2 = "https://w3id.org/security/data-integrity/v2"
DID_V1 = "https://www.w3.org/ns/did/v1"
MULTIKEY_V1 = "https://w3id.org/security/multikey/v1"

_ELM = "http://data.europa.eu/snb/model/elm/"
_DC = "http://purl.org/dc/terms/"
_OWN = "urn:x-laurel:micro-credential:"

# The EU's elements of a micro-credential, as terms of the European Learning Model where it has them. It stands inline
# in a document, so that a verifier anywhere understands it without fetching anything from us; and because it is always
# this very object, verifiers here can insist on it.
MICRO_CREDENTIAL_CONTEXT: dict[str, Any] = {
    "microCredential": {
        "@id": f"{_OWN}elements",
        "@context": {
            "country": f"{_ELM}countryCode",
            "learningOutcomes": {
                "@id": f"{_ELM}learningOutcome",
                "@context": {"id": "@id", "name": f"{_DC}title", "description": f"{_DC}description"},
            },
            "workload": {
                "@id": f"{_OWN}workload",
                "@context": {"ects": f"{_ELM}creditPoint", "hours": f"{_OWN}hours"},
            },
            "level": {
                "@id": f"{_OWN}level",
                "@context": {"eqf": f"{_ELM}eqfLevel", "nqf": f"{_ELM}nqfLevel", "cycle": f"{_OWN}cycle"},
            },
            "assessment": {
                "@id": f"{_ELM}provenBy",
                "@context": {"type": f"{_OWN}assessmentType", "description": f"{_DC}description"},
            },
            "participation": f"{_ELM}mode",
            "qualityAssurance": {
                "@id": f"{_OWN}qualityAssurance",
                "@context": {
                    "type": f"{_OWN}qualityAssuranceType",
                    "body": f"{_OWN}qualityAssuranceBody",
                    "url": {"@id": "http://xmlns.com/foaf/0.1/homepage", "@type": "@id"},
                },
            },
            "prerequisites": f"{_ELM}entryRequirement",
            "supervision": f"{_ELM}idVerification",
            "stackability": f"{_OWN}stackability",
            "furtherInformation": {"@id": f"{_ELM}supplementaryDocument", "@type": "@id"},
        },
    }
}

_FOLDER = Path(__file__).parent
_added: dict[str, Entry] = {}


class UnknownContext(LookupError):
    """A context URL that is not among those shipped or added by the operator."""


@cache
def manifest() -> dict[str, Entry]:
    """What is known of each vendored context, by URL."""
    return read_manifest(_FOLDER)


def add_contexts(folder: Path) -> int:
    """Let the contexts of a folder be known too, by its `manifest.json`; says how many.

    Meant for the start of a process. Raises UnusableFolder for a manifest that cannot be used, a file that is not
    what the manifest says, and a URL that is known already: no context may change what documents mean.
    """
    entries = read_manifest(folder)
    for url, entry in entries.items():
        if url in manifest():
            raise UnusableFolder(f"the context {url} is shipped already")
        read_document(entry)
    _added.update(entries)
    load.cache_clear()
    return len(entries)


@cache
def load(url: str) -> dict[str, Any]:
    """A known context document. Raises UnknownContext, and UnusableFolder when its file was changed."""
    entry = manifest().get(url) or _added.get(url)
    if entry is None:
        raise UnknownContext(url)
    document: dict[str, Any] = json.loads(read_document(entry))
    return document


def published_digest(url: str, algorithm: str) -> bytes | None:
    """The digest of a context as its publisher serves it, where that is known: other files here differ in whitespace.

    `algorithm` is a name of `hashlib`'s.
    """
    entry = manifest().get(url, {})
    return hashlib.new(algorithm, read_document(entry)).digest() if entry.get("published") else None


def is_known(context: Any) -> bool:
    """Whether a member of `@context` is one known here: by URL, or our own inline object, by exact equality."""
    if isinstance(context, str):
        return context in manifest() or context in _added
    return bool(context == MICRO_CREDENTIAL_CONTEXT)


def contexts_for(achievement: Mapping[str, Any]) -> list[Any]:
    """The `@context` of a badge about this achievement: two URLs, and the inline object only when it is needed."""
    contexts: list[Any] = [CREDENTIALS_V2, OPEN_BADGES]
    return [*contexts, MICRO_CREDENTIAL_CONTEXT] if "microCredential" in achievement else contexts
