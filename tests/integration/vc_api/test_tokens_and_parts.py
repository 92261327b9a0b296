"""Credentials that are shown in part, and credentials in tokens, over the VC-API."""

import pytest

from shared.credentials import generate
from tests.fixtures.api import Api, Institution, expect
from tests.integration.vc_api.asking import derived, dids, kinds, presentation, show, verify
from tests.integration.vc_api.securing import UNUSUAL, credential, issued
from tests.integration.vc_api.securing import post as post_to_issuer

pytestmark = pytest.mark.parametrize("bus_kind", ["embedded"], indirect=True)


async def test_a_holder_shows_a_part_and_cannot_withhold_what_decides(api: Api, tenant: Institution) -> None:
    document = credential(
        tenant.did,
        validUntil="2999-01-01T00:00:00Z",
        credentialSubject={"id": "did:example:s", "grade": "A", "birthDate": "2000-01-01"},
    )
    pointers = ["/credentialSubject/grade"]
    secured = await issued(
        api,
        tenant,
        document,
        cryptosuite="ecdsa-sd-2023",
        mandatoryPointers=pointers,
        statusPurposes=["revocation"],
        credentialId="urn:x:sd",
    )
    shown = expect(201, await derived(api, secured))["verifiableCredential"]
    assert shown["credentialSubject"] == {"id": "did:example:s", "grade": "A"}
    assert (shown["validUntil"], shown["credentialStatus"]) == (document["validUntil"], secured["credentialStatus"])
    await api.verdict(shown, "valid")
    assert (await verify(api, shown))["verified"] is True
    more = expect(201, await derived(api, secured, "/credentialSubject/birthDate"))["verifiableCredential"]
    assert more["credentialSubject"] == document["credentialSubject"]
    assert (await verify(api, more))["verified"] is True

    withheld = {name: value for name, value in shown.items() if name != "validUntil"}
    for wrong in (secured, withheld, {**shown, "proof": more["proof"]}):
        assert (await verify(api, wrong))["verified"] is False
    for answer, code in (
        (await derived(api, secured, "/nothing"), "invalid-pointer"),
        (await derived(api, shown), "malformed-proof"),
        (await derived(api, document), "malformed-proof"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (400, code)
    refused = await api.http.post(
        f"{api.urls['issuer']}/credentials/issue",
        json={"credential": document, "options": {"cryptosuite": "ecdsa-sd-2023", "mandatoryPointers": ["/x"]}},
        headers=tenant.headers,
    )
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "#/options/mandatoryPointers")


async def test_a_credential_is_enveloped_as_a_token(api: Api, tenant: Institution) -> None:
    for algorithm, own in (await dids(api, tenant)).items():
        document = credential(own, validUntil="2999-01-01T00:00:00Z")
        secured = await issued(
            api, tenant, document, envelope="vc+jwt", statusPurposes=["revocation"], credentialId=f"urn:x:{algorithm}"
        )
        assert (secured["type"], secured["id"][:24]) == ("EnvelopedVerifiableCredential", "data:application/vc+jwt,")
        await api.verdict(secured, "valid")
        answer = await verify(api, secured)
        assert answer["verified"] is True
        assert answer["results"]["validUntil"]["verified"] is True
        assert len(answer["results"]["credentialStatus"]) == 1
        assert (await verify(api, secured, "/proof-only"))["verified"] is True
        shown = presentation(generate("Ed25519"), [secured])
        assert (await show(api, shown))["verified"] is True
        head, body, end = secured["id"].split(".")
        for wrong in (f"{head}.{body}.{end[:-4]}AAAA", f"{head}.{body}", f"{head}.{body}x.{end}", "data:,x"):
            for prefix in ("", "/proof-only"):
                assert (await verify(api, {**secured, "id": wrong}, prefix))["verified"] is False
    large = credential(tenant.did, description="x" * 48_000)
    assert (await verify(api, await issued(api, tenant, large, envelope="vc+jwt")))["verified"] is True
    refused = await post_to_issuer(api, tenant, {**large, "description": "x" * 50_000}, envelope="vc+jwt")
    assert (refused.status_code, refused.json()["code"]) == (400, "too-long")
    over = await issued(api, tenant, credential(tenant.did, **UNUSUAL["over long ago"]), envelope="vc+jwt")
    assert kinds(await verify(api, over)) == ["credential-expired"]


async def test_a_token_with_disclosures_is_shown_in_part(api: Api, tenant: Institution) -> None:
    subject = {"id": "did:example:s", "grade": "A", "birthDate": "2000-01-01"}
    document = credential(tenant.did, credentialSubject=subject)
    hidden = ["/credentialSubject/birthDate"]
    secured = await issued(api, tenant, document, envelope="vc+sd-jwt", disclosable=hidden)
    assert secured["id"].startswith("data:application/vc+sd-jwt,")
    await api.verdict(secured, "valid")
    shown = expect(201, await derived(api, secured))["verifiableCredential"]
    more = expect(201, await derived(api, secured, *hidden))["verifiableCredential"]
    assert len(shown["id"]) < len(more["id"])
    for one in (shown, more):
        assert (await verify(api, one))["verified"] is True
        assert (await verify(api, {**one, "id": one["id"] + "WyJzYWx0IiwiZ3JhZGUiLCJCIl0~"}))["verified"] is False
    assert (await derived(api, secured, "/nothing")).json()["code"] == "invalid-pointer"
    for pointer in ("/validUntil", "/issuer", "/nothing"):
        body = {"credential": document, "options": {"envelope": "vc+sd-jwt", "disclosable": [pointer]}}
        url = f"{api.urls['issuer']}/credentials/issue"
        refused = await api.http.post(url, json=body, headers=tenant.headers)
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "#/options/disclosable")
