"""The VC-API's issuer: any W3C credential is secured as it was given, and a bad one never is."""

import pytest

from shared.credentials import StatusList, verify_proof
from tests.fixtures.api import Api, Institution, expect
from tests.integration.vc_api.securing import (
    EXAMPLES,
    UNUSUAL,
    V1,
    V2,
    Document,
    add_key,
    credential,
    issued,
    keys_of,
    post,
)

INTEGRITY = "https://w3id.org/security/data-integrity/v2"


@pytest.fixture
async def tenant(issuer_api: Api) -> Institution:
    return await issuer_api.institution()


@pytest.mark.parametrize("name", UNUSUAL)
@pytest.mark.parametrize("suite", ["eddsa-rdfc-2022", "eddsa-jcs-2022"])
async def test_any_well_formed_credential_is_secured_and_nothing_else_changed(
    issuer_api: Api, tenant: Institution, name: str, suite: str
) -> None:
    document = credential(tenant.did, **UNUSUAL[name])
    secured = await issued(issuer_api, tenant, document, cryptosuite=suite)
    verify_proof(secured, await keys_of(issuer_api, tenant))
    assert secured.pop("proof")["cryptosuite"] == suite
    assert secured == document


@pytest.mark.parametrize(
    ("algorithm", "suites"),
    [
        ("Ed25519", ["eddsa-rdfc-2022", "eddsa-jcs-2022"]),
        ("P-256", ["ecdsa-rdfc-2019", "ecdsa-jcs-2019"]),
        ("P-384", ["ecdsa-rdfc-2019", "ecdsa-jcs-2019"]),
    ],
)
async def test_an_issuer_of_each_kind_signs_by_each_of_its_suites(
    issuer_api: Api, tenant: Institution, algorithm: str, suites: list[str]
) -> None:
    if algorithm != "Ed25519":
        await add_key(issuer_api, tenant, algorithm)
    keys = await keys_of(issuer_api, tenant)
    own = next(name.partition("#")[0] for name in keys if name.startswith(f"did:key:{PREFIXES[algorithm]}"))
    for issuer in (tenant.did, {"id": own, "name": "By itself"}):
        for suite in suites:
            document = credential("", issuer=issuer)
            secured = await issued(issuer_api, tenant, document, cryptosuite=suite)
            assert verify_proof(secured, keys)[0].cryptosuite == suite
            assert secured["proof"]["verificationMethod"].startswith(own if isinstance(issuer, dict) else tenant.did)
    by_default = await issued(issuer_api, tenant, credential(own))
    assert by_default["proof"]["cryptosuite"] == suites[0]


PREFIXES = {"Ed25519": "z6Mk", "P-256": "zDn", "P-384": "z82"}


async def test_a_badge_is_issued_by_an_ecdsa_key_and_a_key_is_rotated_alone(
    issuer_api: Api, tenant: Institution
) -> None:
    achievement = await issuer_api.achievement(tenant)
    body = {"achievement": achievement, "recipient": {"email": "a@example.com"}, "cryptosuite": "ecdsa-rdfc-2019"}
    refused = await issuer_api.post_credential(tenant, body)
    assert (refused.status_code, refused.json()["code"]) == (409, "wrong-state")
    first = await add_key(issuer_api, tenant, "P-256")
    url = f"{issuer_api.urls['issuer']}/v1/keys"
    again = await issuer_api.http.post(url, json={"algorithm": "P-256"}, headers=tenant.headers)
    made = expect(201, await issuer_api.post_credential(tenant, body))["credential"]
    rotate = await issuer_api.http.post(f"{url}/rotate", json={"algorithm": "P-256"}, headers=tenant.headers)
    later = expect(201, await issuer_api.post_credential(tenant, body))["credential"]

    assert again.status_code == 409
    assert made["proof"]["verificationMethod"] == first["verification_method"]
    assert later["proof"]["verificationMethod"] == expect(200, rotate)["verification_method"]
    for document in (made, later):
        verify_proof(document, await keys_of(issuer_api, tenant))
    listed = expect(200, await issuer_api.http.get(url, headers=tenant.headers))["items"]
    states = [(key["algorithm"], key["state"]) for key in listed]
    assert states == [("Ed25519", "active"), ("P-256", "retired"), ("P-256", "active")]


async def test_the_data_integrity_context_is_added_to_1_1_and_never_to_2_0(
    issuer_api: Api, tenant: Institution
) -> None:
    dates = {"issuanceDate": "2026-01-01T00:00:00Z", "expirationDate": "2027-01-01T00:00:00Z"}
    old = credential(tenant.did, **{"@context": [V1], **dates, "credentialSubject": {"id": "did:example:s"}})
    ready = {**old, "@context": [V1, "https://w3id.org/security/data-integrity/v1"]}
    secured = await issued(issuer_api, tenant, old)
    verify_proof(secured, await keys_of(issuer_api, tenant))
    assert secured["@context"] == [V1, INTEGRITY]
    assert (await issued(issuer_api, tenant, ready))["@context"] == ready["@context"]
    assert (await issued(issuer_api, tenant, credential(tenant.did)))["@context"] == [V2, EXAMPLES]


BAD: dict[str, tuple[Document, str, str]] = {
    "no context": ({"@context": None}, "#/credential/@context", "context-not-allowed"),
    "a context alone": ({"@context": V2}, "#/credential/@context", "context-not-allowed"),
    "contexts out of order": ({"@context": [EXAMPLES, V2]}, "#/credential/@context", "context-not-allowed"),
    "an unknown context": (
        {"@context": [V2, "https://evil.example/c"]},
        "#/credential/@context/1",
        "context-not-allowed",
    ),
    "an unknown context within": (
        {"credentialSubject": {"@context": "https://evil.example/c", "name": "x"}},
        "#/credential/@context",
        "context-not-allowed",
    ),
    "a redefined term": ({"@context": [V2, {"name": "https://evil.example/n"}]}, "#/credential", "protected-term"),
    "an undefined term": (
        {"@context": [V2], "credentialSubject": {"a/b": 1}},
        "#/credential/credentialSubject/a~1b",
        "undefined-term",
    ),
    "an undefined type": (
        {"@context": [V2], "type": ["VerifiableCredential", "Nothing"]},
        "#/credential/type/1",
        "undefined-term",
    ),
    "a relative id inside": (
        {"credentialSubject": {"id": "did:example:s", "degree": {"id": "degree/1", "type": "X"}}},
        "#/credential/credentialSubject/degree/id",
        "relative-id",
    ),
    "a relative id": ({"id": "credentials/1"}, "#/credential/id", "relative-id"),
    "two ids": ({"id": ["urn:a:1", "urn:b:2"]}, "#/credential/id", "relative-id"),
    "no type": ({"type": None}, "#/credential/type", "invalid-type"),
    "no issuer": ({"issuer": None}, "#/credential/issuer", "required"),
    "somebody else": ({"issuer": "did:web:other.example"}, "#/credential/issuer", "issuer-mismatch"),
    "no subject": ({"credentialSubject": None}, "#/credential/credentialSubject", "required"),
    "an empty subject": ({"credentialSubject": [{}]}, "#/credential/credentialSubject", "required"),
    "a date without a zone": ({"validFrom": "2026-01-01T00:00:00"}, "#/credential/validFrom", "invalid-date"),
    "dates the wrong way round": (
        {"validFrom": "2026-01-01T12:00:00+02:00", "validUntil": "2026-01-01T09:59:59Z"},
        "#/credential/validUntil",
        "invalid-date",
    ),
    "a status without a type": (
        {"credentialStatus": {"id": "urn:x:1"}},
        "#/credential/credentialStatus",
        "invalid-status",
    ),
    "a schema without an id": (
        {"credentialSchema": {"type": "JsonSchema"}},
        "#/credential/credentialSchema/id",
        "required",
    ),
    "evidence without a type": ({"evidence": [{"note": "x"}]}, "#/credential/evidence/0", "invalid-type"),
    "a name with more than a language": (
        {"name": {"@value": "x", "@language": "en", "url": "x"}},
        "#/credential/name",
        "invalid-value",
    ),
    "a resource without a digest": (
        {"relatedResource": [{"id": "https://r.example/"}]},
        "#/credential/relatedResource/0",
        "required",
    ),
    "a resource twice": (
        {"relatedResource": [{"id": "https://r.example/", "digestSRI": "sha256-" + "A" * 43 + "="}] * 2},
        "#/credential/relatedResource/1/id",
        "invalid-value",
    ),
    "another digest of the context": (
        {"relatedResource": {"id": V2, "digestSRI": "sha256-" + "A" * 43 + "="}},
        "#/credential/relatedResource/digestSRI",
        "digest-mismatch",
    ),
    "a date in disguise": (
        {"https://www.w3.org/2018/credentials#validUntil": "2027-01-01T00:00:00Z"},
        "#/credential",
        "not-plain",
    ),
    "a proof": ({"proof": {"type": "DataIntegrityProof"}}, "#/credential/proof", "already-secured"),
}


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_document_is_pointed_at_and_never_signed(issuer_api: Api, tenant: Institution, name: str) -> None:
    change, pointer, code = BAD[name]
    suites = [{"cryptosuite": suite} for suite in ("eddsa-rdfc-2022", "eddsa-jcs-2022", "ecdsa-sd-2023")]
    for options in ({}, *suites, {"envelope": "vc+jwt"}, {"envelope": "vc+sd-jwt"}):
        answer = await post(issuer_api, tenant, credential(tenant.did, **change), **options)
        problem = answer.json()
        assert answer.status_code in (400, 422), problem
        found = [(error["pointer"], error["code"]) for error in problem["errors"]]
        assert any(place.startswith(pointer) and kind == code for place, kind in found), problem


async def test_options_that_are_not_known_are_refused(issuer_api: Api, tenant: Institution) -> None:
    document = credential(tenant.did)
    unknown = await post(issuer_api, tenant, document, unheardOf=1)
    assert (unknown.status_code, unknown.json()["code"]) == (400, "unknown-option")
    for options in ({"cryptosuite": "none"}, {"statusPurposes": ["refresh"]}, {"cryptosuite": "ecdsa-rdfc-2019"}):
        answer = await post(issuer_api, tenant, document, **options)
        assert answer.status_code in (400, 409, 422), answer.text
    stranger = await issuer_api.http.post(
        f"{issuer_api.urls['issuer']}/credentials/issue", json={"credential": document}
    )
    assert stranger.status_code == 401


async def list_bit(api: Api, entry: Document) -> bool:
    document = expect(200, await api.http.get(entry["statusListCredential"]))
    bits = StatusList.decode(document["credentialSubject"]["encodedList"])
    return bits.get(int(entry["statusListIndex"]))


async def test_a_status_that_was_asked_for_is_set_by_the_credentials_name(issuer_api: Api, tenant: Institution) -> None:
    document = credential(tenant.did, id="urn:uuid:1c2f7a52-98a5-4d3d-9d0f-6f5cbb5e3a01")
    purposes = ["revocation", "suspension"]
    secured = await issued(issuer_api, tenant, document, statusPurposes=purposes)
    entries = {entry["statusPurpose"]: entry for entry in secured["credentialStatus"]}
    url = f"{issuer_api.urls['issuer']}/credentials/status"

    async def change(purpose: str, value: bool, name: str = document["id"]) -> int:
        status = {"type": "BitstringStatusListEntry", "statusPurpose": purpose}
        body = {"credentialId": name, "credentialStatus": status, "status": value}
        return (await issuer_api.http.post(url, json=body, headers=tenant.headers)).status_code

    assert [await list_bit(issuer_api, entry) for entry in entries.values()] == [False, False]
    assert [await change("suspension", True), await list_bit(issuer_api, entries["suspension"])] == [200, True]
    assert [await change("suspension", False), await list_bit(issuer_api, entries["suspension"])] == [200, False]
    assert [await change("revocation", True), await list_bit(issuer_api, entries["revocation"])] == [200, True]
    assert await change("revocation", False) == 409
    for entry, status in ((entries["suspension"], 200), ({**entries["suspension"], "statusListIndex": "1"}, 400)):
        body = {"credentialId": document["id"], "credentialStatus": entry, "status": True, "indexAllocator": "mine"}
        assert (await issuer_api.http.post(url, json=body, headers=tenant.headers)).status_code == status
    assert await change("revocation", True, "urn:uuid:another") == 404
    assert (await post(issuer_api, tenant, document, statusPurposes=purposes)).status_code == 409
    nameless = credential(tenant.did)
    assert (await post(issuer_api, tenant, nameless, statusPurposes=purposes)).status_code == 400
    await issued(issuer_api, tenant, nameless, statusPurposes=["revocation"], credentialId="urn:x:mine")
    assert await change("revocation", True, "urn:x:mine") == 200
    assert await change("suspension", True, "urn:x:mine") == 404


async def test_another_institution_cannot_change_the_status(issuer_api: Api, tenant: Institution) -> None:
    await issued(issuer_api, tenant, credential(tenant.did), statusPurposes=["revocation"], credentialId="urn:x:1")
    other = await issuer_api.institution()
    body = {"credentialId": "urn:x:1", "credentialStatus": {"statusPurpose": "revocation"}, "status": True}
    url = f"{issuer_api.urls['issuer']}/credentials/status"
    assert (await issuer_api.http.post(url, json=body, headers=other.headers)).status_code == 404
    own = await issued(issuer_api, other, credential(other.did), statusPurposes=["revocation"], credentialId="urn:x:1")
    assert (await issuer_api.http.post(url, json=body, headers=other.headers)).status_code == 200
    assert await list_bit(issuer_api, own["credentialStatus"][0]) is True
