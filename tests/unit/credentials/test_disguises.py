"""The same RDF written as other JSON: the signature would hold, and a date or a status would go unseen."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from shared.credentials import CREDENTIALS_V2, CanonicalError, ProofError, check_structure, rdfc, verify_proof
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


def renamed_by_a_context(document: Document) -> None:
    document["@context"] = [*document["@context"], {"ends": {"@id": UNTIL, "@type": DATE_TIME}}]
    document["ends"] = document.pop("validUntil")


def renamed_by_a_prefix(document: Document) -> None:
    document["@context"] = [*document["@context"], {"cr": "https://www.w3.org/2018/credentials#"}]
    document["cr:validUntil"] = {"@type": DATE_TIME, "@value": document.pop("validUntil")}


def said_from_the_other_side(document: Document) -> None:
    status = document.pop("credentialStatus")
    for entry in status:
        entry["@reverse"] = {STATUS: {"@id": document["id"]}}
    document["@context"] = [*document["@context"], {"other": {"@id": "https://e.example/other", "@type": "@id"}}]
    document["other"] = status


def said_by_a_part(document: Document) -> None:
    about = {"id": document["id"], STATUS: document.pop("credentialStatus")}
    document["credentialSubject"]["endorsement"] = about


def full_iri_of_a_status_type(document: Document) -> None:
    for entry in document["credentialStatus"]:
        entry["type"] = "https://www.w3.org/ns/credentials/status#BitstringStatusListEntry"
        entry["@context"] = {"@vocab": "https://www.w3.org/ns/credentials/status#"}


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
    (renamed_by_a_context, "not-plain"),
    (renamed_by_a_prefix, "not-plain"),
    (said_from_the_other_side, "not-plain"),
    (said_by_a_part, "not-plain"),
    (full_iri_of_a_status_type, "not-plain"),
    (keyword_for_an_id, "not-plain"),
]
# Same RDF, and no property that decides is missing from the JSON: but its values are not where they are read.
MALFORMED: list[Callable[[Document], None]] = [in_a_set, keyword_for_a_type]


@pytest.mark.parametrize(("disguise", "code"), DISGUISES)
def test_a_disguised_property_is_refused(disguise: Callable[[Document], None], code: str) -> None:
    verify_proof(ENDED, KEYS)
    document = copy.deepcopy(ENDED)
    disguise(document)
    with pytest.raises(ProofError) as caught:
        verify_proof(document, KEYS)
    assert caught.value.code == code


@pytest.mark.parametrize("disguise", MALFORMED)
def test_values_that_are_not_where_they_are_read_are_malformed(disguise: Callable[[Document], None]) -> None:
    document = copy.deepcopy(ENDED)
    disguise(document)
    assert check_structure(document)


def test_everything_else_may_be_spelled_as_its_author_likes() -> None:
    context = {"shade": "https://e.example/shade", "about": {"@id": "https://e.example/about", "@type": "@id"}}
    document = signed(
        {
            **badge(),
            "@context": [*badge()["@context"], context],
            "https://e.example/size": 5,
            "about": {"@context": {"tone": "https://e.example/tone"}, "type": "https://e.example/Thing", "tone": "x"},
            "shade": "dark",
        }
    )
    verify_proof(document, KEYS)
    assert check_structure(document) == []


def test_an_id_by_a_prefix_is_another_spelling_by_either_way() -> None:
    """Security contexts have prefixes, so that the short way to RDF meets them too."""
    for context in ("https://w3id.org/security/v2", {"sec": "https://w3id.org/security#", "id": "@id"}):
        with pytest.raises(CanonicalError, match="not-plain"):
            rdfc({"@context": [context, {"note": "https://e.example/note"}], "id": "sec:1", "note": "x"})
    with pytest.raises(CanonicalError, match="not-plain"):
        rdfc({"@context": "https://w3id.org/security/v2", "id": "sec:1", "type": "EcdsaSecp256k1Signature2019"})


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
