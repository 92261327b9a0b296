"""did:web both ways, and the hosts it may not name."""

import pytest

from shared.credentials import controlled_url, did_document, did_web, did_web_url


@pytest.mark.parametrize(
    ("base", "did", "url"),
    [
        (
            "https://badges.example",
            "did:web:badges.example:institutions:acme",
            "https://badges.example/institutions/acme/did.json",
        ),
        (
            "https://badges.example:8443/issuer",
            "did:web:badges.example%3A8443:issuer:institutions:acme",
            "https://badges.example:8443/issuer/institutions/acme/did.json",
        ),
    ],
)
def test_an_institutions_did_leads_to_its_document(base: str, did: str, url: str) -> None:
    assert did_web(base, "acme") == did
    assert did_web_url(did) == url


def test_a_bare_host_has_its_document_at_the_well_known_place() -> None:
    assert did_web_url("did:web:badges.example") == "https://badges.example/.well-known/did.json"


def test_this_machine_is_allowed_only_on_request() -> None:
    did = did_web("http://localhost:8001", "acme")
    assert did_web_url(did, allow_http=True) == "http://localhost:8001/institutions/acme/did.json"
    with pytest.raises(ValueError, match="public host"):
        did_web_url(did)


@pytest.mark.parametrize(
    "did",
    [
        "did:web:",
        "did:web:localhost",
        "did:web:127.0.0.1",
        "did:web:0x7f.1",
        "did:web:[::1]",
        "did:web:%5B::1%5D",
        "did:web:user%40badges.example",
        "did:web:badges.example%2Fevil",
        "did:web:badges.example%3Ax",
        "did:web:badges.example%3A99999",
        "did:web:badges.example%3A0",
        "did:web:badges.example%3A",
        "did:web:badges.example%3A80%3A80",
        "did:web:badges%2Eexample%3A443",
        "did:web:b%61dges.example%3A443",
        "did:web:badges.example%3A\u0664\u0664\u0663",
        "did:web:badges.example%2F..%3A443",
        "did:web:badges.example:..",
        "did:web:badges.example:.:x",
        "did:web:badges.example::x",
        "did:web:badges.example:a%2F..",
        "did:web:Badges.example",
        "did:web:badges.example.",
        "did:web:b\u0430dges.example",
        "did:key:z6Mk",
        "did:web:" + "a" * 3000,
    ],
)
def test_other_hosts_and_paths_are_refused(did: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        did_web_url(did)


def test_a_document_lists_its_keys_for_assertion() -> None:
    document = did_document("did:web:x.example", {"did:web:x.example#key-1": "z6Mk"})
    (method,) = document["verificationMethod"]
    assert method["controller"] == document["id"] == "did:web:x.example"
    assert document["assertionMethod"] == [method["id"]]


@pytest.mark.parametrize(
    ("identifier", "allow_http"),
    [
        ("https://u.example/issuers/1", False),
        ("https://u.example:8443/", False),
        ("http://localhost:8001/issuers/1", True),
    ],
)
def test_an_issuers_url_is_where_its_document_is(identifier: str, allow_http: bool) -> None:
    assert controlled_url(identifier, allow_http=allow_http) == identifier


@pytest.mark.parametrize(
    "identifier",
    [
        "http://u.example/issuers/1",
        "http://localhost/issuers/1",
        "https://127.0.0.1/issuers/1",
        "https://2130706433/x",
        "https://[::1]/x",
        "https://localhost/x",
        "https://user@u.example/x",
        "https://u.example/x?y",
        "https://u.example/x#y",
        "https://u.example",
        "https://U.example/x",
        "https://u.example/../x y",
        "https://u.example:99999/x",
        "https://u.example/" + "x" * 3000,
        "ftp://u.example/x",
    ],
)
def test_a_url_that_names_no_public_place_is_no_issuer(identifier: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        controlled_url(identifier)
