"""The same RDF written as other JSON: the signature would hold, and a date or a status would go unseen."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from shared.credentials import CREDENTIALS_V2, ProofError, check_structure, verify_proof
from tests.unit.credentials.badges import CREATED, KEYS, badge, signed

Document = dict[str, Any]
STATUS = "https://www.w3.org/2018/credentials#credentialStatus"
UNTIL = "https://www.w3.org/2018/credentials#validUntil"
DATE_TIME = "http://www.w3.org/2001/XMLSchema#dateTime"
ENDED = signed({**badge(), "validUntil": "2026-03-02T00:00:00Z"})


def full_iri_of_the_status(document: Document) -> None:
    document[STATUS] = document.pop("credentialStatus")


def full_iri_of_the_end(document: Document) -> None:
    document[UNTIL] = {"@type": DATE_TIME, "@value": document.pop("validUntil")}


def nested(document: Document) -> None:
    document["@nest"] = {"validUntil": document.pop("validUntil")}


def included(document: Document) -> None:
    status = document.pop("credentialStatus")
    document["@included"] = [{"id": document["id"], STATUS: status}]


def in_a_graph(document: Document) -> None:
    body = {name: document.pop(name) for name in list(document) if name not in ("@context", "proof")}
    document["@graph"] = [body]


def in_a_set(document: Document) -> None:
    document["credentialStatus"] = {"@set": document["credentialStatus"]}


def renamed_by_a_context_inside(document: Document) -> None:
    subject = document["credentialSubject"]
    subject["@context"] = {"forWhat": "https://purl.imsglobal.org/spec/vc/ob/vocab.html#achievement"}
    subject["forWhat"] = subject.pop("achievement")


def keyword_for_a_type(document: Document) -> None:
    document["@type"] = document.pop("type")


def keyword_for_an_id(document: Document) -> None:
    document["@id"] = document.pop("id")


DISGUISES: list[tuple[Callable[[Document], None], str]] = [
    (full_iri_of_the_status, "not-plain"),
    (full_iri_of_the_end, "not-plain"),
    (nested, "not-plain"),
    (included, "not-plain"),
    (in_a_graph, "not-plain"),
    (in_a_set, "not-plain"),
    (renamed_by_a_context_inside, "context-not-allowed"),
    (keyword_for_a_type, "not-plain"),
    (keyword_for_an_id, "not-plain"),
]


@pytest.mark.parametrize(("disguise", "code"), DISGUISES)
def test_a_disguised_property_is_refused_by_proof_and_schema(disguise: Callable[[Document], None], code: str) -> None:
    verify_proof(ENDED, KEYS)
    document = copy.deepcopy(ENDED)
    disguise(document)
    with pytest.raises(ProofError) as caught:
        verify_proof(document, KEYS)
    assert caught.value.code == code
    assert code in {finding.code for finding in check_structure(document)}


def test_the_finding_points_at_the_disguise() -> None:
    document = copy.deepcopy(ENDED)
    full_iri_of_the_end(document)
    assert "#/https:~1~1www.w3.org~12018~1credentials#validUntil" in {one.pointer for one in check_structure(document)}


def test_a_status_list_is_held_to_the_same() -> None:
    subject = {"id": "https://i.example/1#list", "type": "BitstringStatusList", "statusPurpose": "revocation"}
    document = signed(
        {
            "@context": [CREDENTIALS_V2],
            "id": "https://i.example/1",
            "type": ["VerifiableCredential", "BitstringStatusListCredential"],
            "issuer": "did:web:issuer.example:institutions:acme",
            "validFrom": CREATED.isoformat(),
            "validUntil": "2026-03-02T00:00:00Z",
            "credentialSubject": {**subject, "encodedList": "uH4sIAAAAAAAA"},
        }
    )
    full_iri_of_the_end(document)
    with pytest.raises(ProofError, match="not-plain"):
        verify_proof(document, KEYS)


def test_texts_with_a_language_are_plain() -> None:
    document = signed({**badge(), "name": {"@value": "Insigne", "@language": "fr", "@direction": "ltr"}})
    verify_proof(document, KEYS)
    assert check_structure(document) == []
