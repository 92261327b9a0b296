"""Unsigned credentials to exchange, each a place where two implementations may differ. Each holds WORD once."""

import json
from typing import Any

from shared.credentials import (
    CREDENTIALS_V1,
    CREDENTIALS_V2,
    DATA_INTEGRITY_V2,
    MICRO_CREDENTIAL_CONTEXT,
    OPEN_BADGES,
)
from tests.interop.issuers import NOW
from tests.unit.credentials.badges import EU_ELEMENTS
from tests.unit.credentials.badges import badge as unit_badge

WORD = "Lorbeerkranz"


def changed(document: dict[str, Any]) -> dict[str, Any]:
    """The document with one character of it another, the proof as it was."""
    text = json.dumps(document)
    assert text.count(WORD) == 1
    return dict(json.loads(text.replace(WORD, WORD.replace("k", "K"))))


def badge(issuer: str) -> dict[str, Any]:
    """An Open Badge as our issuer writes it, with a status entry."""
    document = unit_badge(name=WORD)
    return {**document, "name": "Python", "issuer": {**document["issuer"], "id": issuer}}


def eu_badge(issuer: str) -> dict[str, Any]:
    """The same with the EU's elements: a context that stands inline, numbers with fractions, blank nodes."""
    document = badge(issuer)
    document["@context"] = [CREDENTIALS_V2, OPEN_BADGES, MICRO_CREDENTIAL_CONTEXT]
    document["credentialSubject"]["achievement"]["microCredential"] = EU_ELEMENTS
    return document


def subjects(issuer: str) -> dict[str, Any]:
    """A plain credential about several subjects, most without an id: what they are called depends on hashes."""
    about: list[dict[str, Any]] = [{"name": f"Person {number}"} for number in range(12)]
    about += [{"id": "did:example:learner", "name": WORD}, {"id": "urn:uuid:7e7a", "description": "Another"}]
    return {**_plain(issuer), "credentialSubject": about}


def names(issuer: str) -> dict[str, Any]:
    """Names in languages and scripts, one from right to left, and characters that canonical forms escape."""
    name = [
        {"@value": "Grundlagen der Zusammenarbeit – Straße", "@language": "de"},
        {"@value": "أساسيات", "@language": "ar-EG", "@direction": "rtl"},
        {"@value": "基礎 😀 𝔘", "@language": "ja"},
        {"@value": "e\u0301 is not \u00e9", "@language": "en-GB"},
    ]
    description = f'{WORD} "quoted" \\ \b\f\t\r\n \u0001\u001f\u007f\u0080\u2028\ufeff'
    subject = {"id": "did:example:learner", "name": "𝔘nicode \ue000 \ufb01"}
    return {**_plain(issuer), "name": name, "description": description, "credentialSubject": subject}


def numbers(issuer: str) -> dict[str, Any]:
    """Numbers, which JSON, JCS and RDF write in three ways."""
    document = badge(issuer)
    document["credentialSubject"]["achievement"]["creditsAvailable"] = 5
    results = [0.1, 1e21, 0.0001, 5.0, -0.0, 100, 2**53 - 1, 12345678.9]
    document["credentialSubject"]["creditsEarned"] = results
    return document


def version_1(issuer: str) -> dict[str, Any]:
    """A credential of the data model's version 1.1, with the context for Data Integrity proofs."""
    return {
        "@context": [CREDENTIALS_V1, DATA_INTEGRITY_V2],
        "id": "urn:uuid:9d1b1a3c-6a3c-4d1c-8d5e-1f0a2b3c4d5e",
        "type": ["VerifiableCredential"],
        "issuer": issuer,
        "issuanceDate": NOW,
        "credentialSubject": {"id": f"did:example:{WORD}"},
    }


def _plain(issuer: str) -> dict[str, Any]:
    return {
        "@context": [CREDENTIALS_V2],
        "id": "https://registry.example/credentials/2",
        "type": ["VerifiableCredential"],
        "issuer": issuer,
        "validFrom": NOW,
    }
