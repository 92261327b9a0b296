"""Status lists: what verifiers fetch, and how positions are given out."""

import asyncio
import itertools
from typing import Any

from shared.credentials import StatusList, verify_proof
from tests.fixtures.api import Api, Institution, expect
from tests.fixtures.issuer import LoneIssuer


def entries(made: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {entry["statusPurpose"]: entry for entry in made["credential"]["credentialStatus"]}


async def fetch(api: Api, entry: dict[str, Any]) -> dict[str, Any]:
    return expect(200, await api.http.get(entry["statusListCredential"]))


async def bit(api: Api, entry: dict[str, Any]) -> bool:
    subject = (await fetch(api, entry))["credentialSubject"]
    assert subject["statusPurpose"] == entry["statusPurpose"]
    return StatusList.decode(subject["encodedList"]).get(int(entry["statusListIndex"]))


async def issue_many(api: Api, tenant: Institution, achievement: str, count: int) -> list[dict[str, Any]]:
    return await asyncio.gather(
        *(api.issue(tenant, achievement, f"l{n}@example.org", cryptosuite="eddsa-jcs-2022") for n in range(count))
    )


async def test_a_list_is_a_signed_credential_of_the_institution(issuer_api: Api) -> None:
    tenant = await issuer_api.institution()
    made = await issuer_api.issue(tenant, await issuer_api.achievement(tenant))
    entry = entries(made)["revocation"]
    answer = await issuer_api.http.get(entry["statusListCredential"])
    document = expect(200, answer)
    did = expect(200, await issuer_api.http.get(f"{issuer_api.urls['issuer']}/institutions/{tenant.slug}/did.json"))
    keys = {method["id"]: method["publicKeyMultibase"] for method in did["verificationMethod"]}

    verify_proof(document, keys)
    assert answer.headers["content-type"] == "application/vc"
    assert document["issuer"] == tenant.did
    assert document["id"] == entry["statusListCredential"]
    assert document["validFrom"] < document["validUntil"]
    assert StatusList.decode(document["credentialSubject"]["encodedList"]).size >= 131_072


async def test_each_change_sets_its_own_bit_and_no_other(issuer_api: Api) -> None:
    tenant = await issuer_api.institution()
    achievement = await issuer_api.achievement(tenant)
    subject, neighbour = await issue_many(issuer_api, tenant, achievement, 2)
    revocation, suspension = entries(subject)["revocation"], entries(subject)["suspension"]

    await issuer_api.change(tenant, subject["id"], "suspend")
    assert (await bit(issuer_api, suspension), await bit(issuer_api, revocation)) == (True, False)
    await issuer_api.change(tenant, subject["id"], "reinstate")
    assert await bit(issuer_api, suspension) is False
    await issuer_api.change(tenant, subject["id"], "revoke")
    encoded = (await fetch(issuer_api, revocation))["credentialSubject"]["encodedList"]
    bits = bytes(StatusList.decode(encoded))

    assert await bit(issuer_api, revocation) is True
    assert await bit(issuer_api, entries(neighbour)["revocation"]) is False
    assert sum(byte.bit_count() for byte in bits) == 1


async def test_a_list_is_cached_until_something_changes(issuer_api: Api) -> None:
    tenant = await issuer_api.institution()
    made = await issuer_api.issue(tenant, await issuer_api.achievement(tenant))
    url = entries(made)["revocation"]["statusListCredential"]
    first, second = await issuer_api.http.get(url), await issuer_api.http.get(url)
    same = await issuer_api.http.get(url, headers={"If-None-Match": first.headers["etag"]})
    await issuer_api.change(tenant, made["id"], "revoke")
    changed = await issuer_api.http.get(url, headers={"If-None-Match": first.headers["etag"]})

    assert first.content == second.content
    assert first.headers["cache-control"].startswith("public, max-age=")
    assert (same.status_code, same.content) == (304, b"")
    assert changed.status_code == 200


async def test_a_list_is_signed_again_with_the_new_key(issuer_api: Api) -> None:
    tenant = await issuer_api.institution()
    made = await issuer_api.issue(tenant, await issuer_api.achievement(tenant))
    entry = entries(made)["revocation"]
    before = await fetch(issuer_api, entry)
    expect(200, await issuer_api.http.post(f"{issuer_api.urls['issuer']}/v1/keys/rotate", headers=tenant.headers))
    after = await fetch(issuer_api, entry)

    assert before["proof"]["verificationMethod"] == f"{tenant.did}#key-1"
    assert after["proof"]["verificationMethod"] == f"{tenant.did}#key-2"


async def test_positions_are_never_shared_and_do_not_follow_the_order_of_issuing(issuer_api: Api) -> None:
    tenant = await issuer_api.institution()
    made = await issue_many(issuer_api, tenant, await issuer_api.achievement(tenant), 150)
    for purpose in ("revocation", "suspension"):
        places = [
            (entries(one)[purpose]["statusListCredential"], int(entries(one)[purpose]["statusListIndex"]))
            for one in sorted(made, key=lambda one: one["id"])
        ]
        indexes = [index for _, index in places]

        assert len(set(places)) == 150
        assert len({url for url, _ in places}) == 1
        assert max(indexes) - min(indexes) > 65_536
        assert sum(later > earlier for earlier, later in itertools.pairwise(indexes)) < 110


async def test_a_refused_request_uses_no_position_up(issuer_api: Api, issuer: LoneIssuer) -> None:
    tenant = await issuer_api.institution()
    achievement = await issuer_api.achievement(tenant)
    bad = {
        "achievement": achievement,
        "recipient": {"email": "a@example.org"},
        "results": [{"resultDescription": "urn:x:1", "value": "1"}],
    }
    for _ in range(70):
        assert (await issuer_api.post_credential(tenant, bad)).status_code == 422
    await issuer_api.issue(tenant, achievement)
    rows = await issuer.fetch("SELECT next FROM status_list WHERE institution_id = $1::uuid", tenant.id)

    assert [row["next"] for row in rows] == [64, 64]


async def test_a_full_list_is_followed_by_another_and_goes_on_working(issuer_api: Api, issuer: LoneIssuer) -> None:
    tenant = await issuer_api.institution()
    achievement = await issuer_api.achievement(tenant)
    old = await issuer_api.issue(tenant, achievement)
    await issuer.fetch("UPDATE status_list SET next = size - 64 WHERE institution_id = $1::uuid", tenant.id)
    made = await issue_many(issuer_api, tenant, achievement, 140)
    lists = {entries(one)["revocation"]["statusListCredential"] for one in made}
    await issuer_api.change(tenant, old["id"], "revoke")

    assert len(lists) == 2
    assert await bit(issuer_api, entries(old)["revocation"]) is True
    assert await bit(issuer_api, entries(made[-1])["revocation"]) is False
    unknown = await issuer_api.http.get(
        f"{issuer_api.urls['issuer']}/status-lists/01900000-0000-7000-8000-000000000000"
    )
    assert unknown.status_code == 404
