"""Institutions, their clients and keys, over HTTP against the running issuer."""

import asyncio
from datetime import datetime
from typing import Any
from uuid import uuid4

import httpx

from services.issuer.domain import client_secret
from tests.fixtures.api import Api, Institution, expect
from tests.fixtures.issuer import LoneIssuer

NAME, URL = "University of X", "https://x.example.org"


def body(slug: str | None = None, **fields: Any) -> dict[str, Any]:
    slug = slug or f"u-{uuid4().hex[:12]}"
    return {"slug": slug, "name": NAME, "url": URL, "email": "registrar@x.example.org", **fields}


async def register(api: Api, content: dict[str, Any], key: str | None = None) -> httpx.Response:
    headers = {**api.operator, **({"Idempotency-Key": key} if key else {})}
    return await api.http.post(f"{api.urls['issuer']}/v1/institutions", json=content, headers=headers)


async def test_a_new_institution_has_a_did_a_key_and_a_client_and_is_announced_first(
    issuer_api: Api, issuer: LoneIssuer
) -> None:
    made = expect(201, await register(issuer_api, body("uni-x")))
    did_document = expect(200, await issuer_api.http.get(f"{issuer_api.urls['issuer']}/institutions/uni-x/did.json"))
    events = await issuer.events(made["id"])

    assert made["did"] == f"did:web:127.0.0.1%3A{issuer.process.port}:institutions:uni-x"
    assert did_document["id"] == made["did"]
    assert client_secret.well_formed(made["client"]["client_secret"])
    assert [(event.type, event.version) for event in events] == [
        ("org.laurel.institution.registered.v1", 1),
        ("org.laurel.key.activated.v1", 2),
    ]
    assert events[0].value["did"] == made["did"]
    assert events[1].value["public_key_multibase"] == did_document["verificationMethod"][0]["publicKeyMultibase"]


async def test_a_retried_registration_shows_the_same_secret_and_the_database_never_holds_it(
    issuer_api: Api, issuer: LoneIssuer
) -> None:
    content, key = body(), f"register-{uuid4()}"
    first = await register(issuer_api, content, key)
    again = await register(issuer_api, content, key)
    secret = expect(201, first)["client"]["client_secret"]
    kept = await issuer.fetch("SELECT body FROM idempotency WHERE key = $1", key)

    assert expect(201, again) == first.json()
    assert again.headers["idempotent-replay"] == "true"
    assert secret.encode() not in kept[0]["body"]


async def test_a_slug_is_given_once(issuer_api: Api) -> None:
    content = body()
    expect(201, await register(issuer_api, content))
    problem = expect(409, await register(issuer_api, content))

    assert problem["code"] == "slug-taken"


async def test_only_the_operator_admits_suspends_and_lists_institutions(issuer_api: Api) -> None:
    tenant = await issuer_api.institution()
    base = f"{issuer_api.urls['issuer']}/v1/institutions"
    answers = [
        await issuer_api.http.post(base, json=body(), headers=tenant.headers),
        await issuer_api.http.get(base, headers=tenant.headers),
        await issuer_api.http.post(f"{base}/{tenant.id}/suspend", json={"reason": "x"}, headers=tenant.headers),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]


async def test_an_update_needs_the_present_version_and_announces_the_whole_profile(
    issuer_api: Api, issuer: LoneIssuer
) -> None:
    tenant = await issuer_api.institution()
    url = f"{issuer_api.urls['issuer']}/v1/institutions/{tenant.id}"
    before = await issuer_api.http.get(url, headers=tenant.headers)
    change = {"name": "New name", "image": "https://x.example.org/logo.png"}

    missing = await issuer_api.http.patch(url, json=change, headers=tenant.headers)
    stale = await issuer_api.http.patch(url, json=change, headers={**tenant.headers, "If-Match": '"1"'})
    done = await issuer_api.http.patch(url, json=change, headers={**tenant.headers, "If-Match": before.headers["etag"]})
    event = (await issuer.events(tenant.id))[-1]

    assert (missing.status_code, stale.status_code) == (428, 412)
    assert expect(200, done)["name"] == "New name"
    assert (event.type, event.version) == ("org.laurel.institution.updated.v1", 3)
    assert event.value["url"] == before.json()["url"]
    assert event.value["image"] == change["image"]


async def test_a_suspended_institution_reads_and_revokes_but_neither_issues_nor_publishes(
    issuer_api: Api, issuer: LoneIssuer
) -> None:
    tenant = await issuer_api.institution()
    achievement = await issuer_api.achievement(tenant)
    credential = await issuer_api.issue(tenant, achievement)
    base = f"{issuer_api.urls['issuer']}/v1"
    expect(
        200,
        await issuer_api.http.post(
            f"{base}/institutions/{tenant.id}/suspend", json={"reason": "unpaid"}, headers=issuer_api.operator
        ),
    )

    refused = await issuer_api.post_credential(tenant, {"achievement": achievement, "recipient": {"email": "a@b.org"}})
    revoked = await issuer_api.change(tenant, credential["id"], "revoke")

    assert expect(403, refused)["code"] == "institution-suspended"
    assert revoked["status"] == "revoked"
    assert (await issuer.events(tenant.id))[-1].type == "org.laurel.institution.suspended.v1"


async def keys_of(api: Api, tenant: Institution) -> list[dict[str, Any]]:
    answer = await api.http.get(f"{api.urls['issuer']}/v1/keys", headers=tenant.headers)
    return list(expect(200, answer)["items"])


async def test_rotation_retires_the_old_key_and_the_next_credential_has_the_new_one(
    issuer_api: Api, issuer: LoneIssuer
) -> None:
    tenant = await issuer_api.institution()
    achievement = await issuer_api.achievement(tenant)
    before = await issuer_api.issue(tenant, achievement)
    new = expect(200, await issuer_api.http.post(f"{issuer_api.urls['issuer']}/v1/keys/rotate", headers=tenant.headers))
    after = await issuer_api.issue(tenant, achievement)
    keys = await keys_of(issuer_api, tenant)
    document = expect(
        200, await issuer_api.http.get(f"{issuer_api.urls['issuer']}/institutions/{tenant.slug}/did.json")
    )

    assert before["credential"]["proof"]["verificationMethod"] == f"{tenant.did}#key-1"
    assert after["credential"]["proof"]["verificationMethod"] == new["verification_method"] == f"{tenant.did}#key-2"
    assert [key["state"] for key in keys] == ["retired", "active"]
    assert len(document["assertionMethod"]) == 2
    assert [(event.type, event.version) for event in await issuer.events(tenant.id)][-2:] == [
        ("org.laurel.key.retired.v1", 3),
        ("org.laurel.key.activated.v1", 4),
    ]


async def test_no_credential_is_signed_with_a_key_that_was_retired_before(issuer_api: Api) -> None:
    tenant = await issuer_api.institution()
    achievement = await issuer_api.achievement(tenant)

    async def rotate() -> None:
        for _ in range(5):
            await asyncio.sleep(0.05)
            url = f"{issuer_api.urls['issuer']}/v1/keys/rotate"
            expect(200, await issuer_api.http.post(url, headers=tenant.headers))

    async def issue_some() -> list[dict[str, Any]]:
        return [await issuer_api.issue(tenant, achievement, cryptosuite="eddsa-jcs-2022") for _ in range(15)]

    batches = (await asyncio.gather(*(issue_some() for _ in range(8)), rotate()))[:8]
    keys = {key["verification_method"]: key for key in await keys_of(issuer_api, tenant)}

    used = set()
    for credential in (one for batch in batches for one in batch or ()):
        proof = credential["credential"]["proof"]
        key = keys[proof["verificationMethod"]]
        used.add(key["verification_method"])
        signed = datetime.fromisoformat(credential["issued_at"])
        assert datetime.fromisoformat(key["activated_at"]) <= datetime.fromisoformat(proof["created"]) <= signed
        assert key["retired_at"] is None or signed <= datetime.fromisoformat(key["retired_at"])
    assert len(used) > 1


async def test_a_compromised_key_leaves_the_did_document_and_gets_a_successor(
    issuer_api: Api, issuer: LoneIssuer
) -> None:
    tenant = await issuer_api.institution()
    (key,) = await keys_of(issuer_api, tenant)
    url = f"{issuer_api.urls['issuer']}/v1/keys/{key['id']}/compromise"
    done = expect(200, await issuer_api.http.post(url, json={"reason": "laptop stolen"}, headers=tenant.headers))
    again = await issuer_api.http.post(url, json={"reason": "laptop stolen"}, headers=tenant.headers)
    document = expect(
        200, await issuer_api.http.get(f"{issuer_api.urls['issuer']}/institutions/{tenant.slug}/did.json")
    )

    assert done["state"] == "compromised"
    assert again.status_code == 409
    assert [method["id"] for method in document["verificationMethod"]] == [f"{tenant.did}#key-2"]
    assert [event.type for event in await issuer.events(tenant.id)][-2:] == [
        "org.laurel.key.compromised.v1",
        "org.laurel.key.activated.v1",
    ]


async def test_private_keys_and_client_secrets_are_not_in_the_database_in_the_clear(
    issuer_api: Api, issuer: LoneIssuer
) -> None:
    made = expect(201, await register(issuer_api, body()))
    secret = made["client"]["client_secret"].encode()
    rows = await issuer.fetch("SELECT ciphertext, kek_id FROM signing_key WHERE institution_id = $1::uuid", made["id"])
    stored = await issuer.fetch(
        "SELECT digest FROM client_secret WHERE client_id = $1::uuid", made["client"]["client_id"]
    )

    assert [row["kek_id"] for row in rows] == ["test"]
    assert len(rows[0]["ciphertext"]) == 12 + 32 + 16
    assert stored[0]["digest"] == client_secret.digest(secret.decode())


async def test_the_did_document_is_cacheable_and_unknown_ones_are_not_found(issuer_api: Api) -> None:
    tenant = await issuer_api.institution()
    url = f"{issuer_api.urls['issuer']}/institutions/{tenant.slug}/did.json"
    first = await issuer_api.http.get(url)
    second = await issuer_api.http.get(url, headers={"If-None-Match": first.headers["etag"]})
    unknown = await issuer_api.http.get(f"{issuer_api.urls['issuer']}/institutions/nobody/did.json")

    assert first.headers["cache-control"].startswith("public, max-age=")
    assert (second.status_code, second.content) == (304, b"")
    assert unknown.status_code == 404
