"""Statuses over the VC-API: what the issuer sets, the verifier finds."""

from typing import Any

import pytest

from tests.fixtures.api import Api, Institution, expect
from tests.integration.vc_api.asking import dids, kinds, verify
from tests.integration.vc_api.securing import credential, issued

pytestmark = pytest.mark.parametrize("bus_kind", ["embedded"], indirect=True)


async def test_a_status_that_was_set_is_found(api: Api, tenant: Institution) -> None:
    for issuer in (tenant.did, (await dids(api, tenant))["P-256"]):
        name = f"urn:x:{issuer[-8:]}"
        secured = await issued(api, tenant, credential(issuer), statusPurposes=["revocation"], credentialId=name)
        body = {"credentialId": name, "credentialStatus": {"statusPurpose": "revocation"}, "status": True}
        url = f"{api.urls['issuer']}/credentials/status"
        assert (await api.http.post(url, json=body, headers=tenant.headers)).status_code == 200
        answer = await verify(api, secured)
        assert (answer["verified"], kinds(answer)) == (False, ["credential-revoked"])
        assert answer["results"]["credentialStatus"][0]["verified"] is False


async def test_a_status_that_was_set_is_told_at_once(api: Api, tenant: Institution) -> None:
    """A list of our own issuer is asked for each time, and sent again only when it has changed."""
    document = credential(tenant.did, id="urn:uuid:6a0d6bd2-1b52-4b5a-a3b5-1f4f0f0c9a11")
    secured = await issued(api, tenant, document, statusPurposes=["suspension"])
    url = f"{api.urls['issuer']}/credentials/status"
    for value in (False, True, False, True):
        body = {"credentialId": document["id"], "credentialStatus": {"statusPurpose": "suspension"}, "status": value}
        expect(200, await api.http.post(url, json=body, headers=tenant.headers))
        assert (await verify(api, secured))["verified"] is not value


async def test_messages_are_told_and_void_nothing(api: Api, tenant: Institution) -> None:
    messages = ["applied", "admitted", "enrolled"]
    secured = await issued(api, tenant, credential(tenant.did), statusMessages=messages, credentialId="urn:x:m")
    (entry,) = secured["credentialStatus"]
    assert entry["statusSize"] == 2
    assert [one["message"] for one in entry["statusMessage"]] == [*messages, "(not used)"]
    url = f"{api.urls['issuer']}/credentials/status"

    async def change(value: Any, purpose: str = "message") -> int:
        body = {"credentialId": "urn:x:m", "credentialStatus": {"statusPurpose": purpose}, "status": value}
        return (await api.http.post(url, json=body, headers=tenant.headers)).status_code

    assert [await change(value) for value in (True, "0x4", "2", 2, "0x1", "0x2")] == [400, 400, 400, 400, 200, 200]
    assert await change("0x1", "revocation") == 404
    await api.verdict(secured, "valid")
    (told,) = (await verify(api, secured))["results"]["credentialStatus"]
    assert told == {"input": entry, "verified": True, "value": 2, "message": "enrolled"}
    other = await issued(api, tenant, credential(tenant.did), statusMessages=messages, credentialId="urn:x:n")
    assert other["credentialStatus"][0]["statusListCredential"] == entry["statusListCredential"]
    assert (await verify(api, other))["results"]["credentialStatus"][0]["message"] == "applied"
    many_messages = [f"message {number}" for number in range(64)]
    large = await issued(api, tenant, credential(tenant.did), statusMessages=many_messages, credentialId="urn:x:l")
    assert large["credentialStatus"][0]["statusSize"] == 6
