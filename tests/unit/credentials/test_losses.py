"""Words put into a signed document where JSON-LD would drop them, or into RDF where JSON does not show them."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.credentials import (
    CREDENTIALS_V2,
    CRYPTOSUITES,
    CanonicalError,
    Cryptosuite,
    ProofError,
    derive,
    encode_multikey,
    generate,
    rdfc,
    require_rdf,
    sign_base,
    verify_proof,
)
from tests.unit.credentials.badges import CREATED, KEYS, METHOD, badge, signed

Document = dict[str, Any]
EXAMPLES = "https://www.w3.org/ns/credentials/examples/v2"
ODRL = "https://www.w3.org/ns/odrl.jsonld"
SD_KEY = generate("P-256")
SIGNED: dict[str, Document] = {suite: signed(suite=suite) for suite in CRYPTOSUITES}
SIGNED["ecdsa-sd-2023"] = derive(
    sign_base(badge(), key=SD_KEY, verification_method=METHOD, created=CREATED),  # type: ignore[arg-type]
    ["/credentialSubject"],
)
RDF = [name for name in SIGNED if "jcs" not in name]


def keys_for(suite: str) -> dict[str, str]:
    return {METHOD: encode_multikey(SD_KEY.public_key())} if suite == "ecdsa-sd-2023" else KEYS


def code_of(document: Document, suite: str) -> str:
    with pytest.raises(ProofError) as caught:
        verify_proof(document, keys_for(suite))
    return caught.value.code


SUBJECT: list[tuple[Document, str]] = [
    ({"result": [{"id": "urn:result 1", "type": ["Result"], "value": "A+"}]}, "relative-id"),
    ({"result": [{"type": ["Result", "urn:medical licence"]}]}, "undefined-term"),
    ({"source": "urn:a b"}, "relative-id"),
    ({"_:degree": "PhD"}, "undefined-term"),
    ({"https://x.example/a b": "PhD"}, "undefined-term"),
    ({"@index": "Doctor of Medicine"}, "not-plain"),
    ({"@honours": "summa cum laude"}, "undefined-term"),
    ({"@nest": {}}, "not-plain"),
    ({"@reverse": {}}, "not-plain"),
    ({"@included": []}, "not-plain"),
    ({"@graph": []}, "not-plain"),
    ({"narrative": {"@value": None, "@language": "en"}}, "lost-data"),
    ({"https://x.example/PhD": None}, "lost-data"),
    ({"urn:x": []}, "lost-data"),
    ({"evidence": [None]}, "undefined-term"),
    ({"result": []}, "lost-data"),
    ({"narrative": {"@set": []}}, "lost-data"),
]


@pytest.mark.parametrize("suite", RDF)
@pytest.mark.parametrize(("words", "code"), SUBJECT, ids=[str(words) for words, _ in SUBJECT])
def test_what_would_be_dropped_cannot_be_put_in(suite: str, words: Document, code: str) -> None:
    document = copy.deepcopy(SIGNED[suite])
    document["credentialSubject"].update(words)
    assert code_of(document, suite) == code


CONTEXTS: list[tuple[Document | str, Document, str]] = [
    ({"honours": "_:h"}, {"honours": "summa cum laude"}, "undefined-term"),
    ({"note": "@index"}, {"note": "anything"}, "not-plain"),
    ({"aside": "@nest"}, {"aside": {}}, "not-plain"),
    ({"aside": {"@id": "https://x.example/aside", "@nest": "@nest"}}, {"aside": "x"}, "not-plain"),
    ({"map": {"@id": "https://x.example/map", "@container": "@index"}}, {"map": {}}, "not-plain"),
    ({"map": {"@id": "https://x.example/map", "@container": ["@graph", "@id"]}}, {"map": {}}, "not-plain"),
    ({"unused": None}, {"unused": "PhD"}, "undefined-term"),
    (ODRL, {"uid": "did:example:another"}, "not-plain"),
]


@pytest.mark.parametrize(("context", "words", "code"), CONTEXTS, ids=[str(context) for context, _, _ in CONTEXTS])
def test_nor_under_a_name_that_a_context_gives_it(context: Document | str, words: Document, code: str) -> None:
    document = copy.deepcopy(SIGNED["eddsa-rdfc-2022"])
    document["@context"].append(context)
    document["credentialSubject"].update(words)
    if "uid" in words:
        document["credentialSubject"].pop("id")
    assert code_of(document, "eddsa-rdfc-2022") == code


@pytest.mark.parametrize("suite", RDF)
@pytest.mark.parametrize("words", [{"nonce": None}, {"nonce": []}, {"previousProof": []}, {"domain": []}, {"_:x": "y"}])
def test_nor_into_the_proof(suite: str, words: Document) -> None:
    document = copy.deepcopy(SIGNED[suite])
    document["proof"].update(words)
    assert code_of(document, suite) in ("lost-data", "undefined-term", "malformed-proof")


@pytest.mark.parametrize("suite", RDF)
def test_a_proof_has_no_contexts_but_the_document_s(suite: str) -> None:
    document = copy.deepcopy(SIGNED[suite])
    document["proof"]["@context"] = {"any": "thing"}
    assert code_of(document, suite) == "context-mismatch"


def test_a_language_or_an_id_cannot_hold_another_statement() -> None:
    """Signed: a penalty. It is taken out of the JSON and put into the language of the name beside it."""
    penalty = "https://www.w3.org/ns/credentials/examples#penalty"
    document = {**badge(), "@context": [*badge()["@context"], EXAMPLES]}
    document["credentialSubject"] |= {"penalty": "struck off", "note": {"@value": "x", "@language": "en"}}
    document = signed(document)
    verify_proof(document, KEYS)
    subject = document["credentialSubject"]
    del subject["penalty"]
    subject["note"]["@language"] = f'en .\n<{subject["id"]}> <{penalty}> "struck off"'
    assert code_of(document, "eddsa-rdfc-2022") == "not-json-ld"
    for language in ("en ", "en .#", "", "e-n-toolongtobeone"):
        subject["note"]["@language"] = language
        assert code_of(document, "eddsa-rdfc-2022") in ("not-json-ld", "undefined-term")
    changed = copy.deepcopy(SIGNED["eddsa-rdfc-2022"])
    changed["issuer"]["url"] += ">.#@evil.example"
    assert code_of(changed, "eddsa-rdfc-2022") in ("relative-id", "invalid-signature")


@pytest.mark.parametrize("number", [0.1 + 0.2, 5.960464477539063e-08])
def test_digits_that_rdf_does_not_write_are_not_signed(number: float) -> None:
    with pytest.raises(CanonicalError, match="lost-data"):
        rdfc({"@context": [CREDENTIALS_V2, {"n": "https://x.example/n"}], "n": number})


def test_where_the_text_itself_is_signed_what_says_nothing_is_no_fault() -> None:
    document = {**badge(), "image": None, "endorsement": []}
    require_rdf(document)
    verify_proof(signed(document, "eddsa-jcs-2022"), KEYS)
    with pytest.raises(ProofError, match="lost-data"):
        signed(document, "eddsa-rdfc-2022")


def test_a_json_literal_may_hold_anything() -> None:
    context = {"data": {"@id": "https://x.example/data", "@type": "@json"}}
    document = {"@context": [CREDENTIALS_V2, context], "data": {"a": [None, [], {}, 0.1 + 0.2], "@index": "x", "": 1}}
    with pytest.raises(CanonicalError, match="not-plain"):
        rdfc(document)  # a keyword is taken for one wherever it stands
    del document["data"]["@index"]  # type: ignore[attr-defined]
    assert rdfc(document)


KEYS_TO_ADD = [
    "_:x",
    "@index",
    "@graph",
    "@nest",
    "@reverse",
    "@included",
    "@honours",
    "urn:x y",
    "nothing",
    "evidence",
]
KEYS_TO_ADD += ["https://x.example/PhD", "uid", "@id", "@type", "name", "result", "tag", "alignment", "nonce", "domain"]
VALUES: list[Any] = [
    None,
    [],
    {},
    [None],
    [[]],
    {"@value": None},
    {"@set": []},
    {"@list": []},
    "@none",
    "urn:a b",
    "_:b",
]
VALUES += [{"id": "urn:a b", "name": "x"}, {"id": "_:b"}, {"@value": "x", "@index": "y"}, {"@language": "en"}, "PhD"]


def objects(value: Any) -> Iterator[Document]:
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects(item)


@pytest.mark.parametrize("suite", SIGNED)
@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_nothing_can_be_put_anywhere(suite: Cryptosuite, data: st.DataObject) -> None:
    document = copy.deepcopy(SIGNED[suite])
    place = data.draw(st.sampled_from(list(objects(document))))
    place[data.draw(st.sampled_from(KEYS_TO_ADD))] = data.draw(st.sampled_from(VALUES))
    code_of(document, suite)
