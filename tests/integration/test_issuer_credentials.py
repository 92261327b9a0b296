"""Credentials over HTTP: issued, fetched, listed, revoked, suspended, reinstated."""

import asyncio
import hashlib
from typing import Any
from uuid import uuid4

import pytest

from shared.credentials import verify_proof
from tests.fixtures.api import ACHIEVEMENT, Api, Institution, expect
from tests.fixtures.issuer import LoneIssuer

GRADE = {"id": "urn:x:grade", "name": "Grade", "resultType": "Percent", "valueMin": "0", "valueMax": "100"}


async def keys_of(api: Api, tenant: Institution) -> dict[str, str]:
    document = expect(200, await api.http.get(f"{api.urls['issuer']}/institutions/{tenant.slug}/did.json"))
    return {method["id"]: method["publicKeyMultibase"] for method in document["verificationMethod"]}


@pytest.mark.parametrize("suite", ["eddsa-rdfc-2022", "eddsa-jcs-2022"])
async def test_a_credential_is_answered_signed_stored_and_announced(
    issuer_api: Api, issuer: LoneIssuer, suite: str
) -> None:
    tenant = await issuer_api.institution()
    achievement = await issuer_api.achievement(tenant, resultDescription=[GRADE])
    made = await issuer_api.issue(
        tenant,
        achievement,
        "Ada@Example.org",
        cryptosuite=suite,
        validUntil="2031-01-31T00:00:00Z",
        results=[{"resultDescription": "urn:x:grade", "value": "93"}],
        evidence=[{"id": "https://x.example.org/thesis", "name": "Thesis"}],
    )
    document = made["credential"]
    (event,) = await issuer.events(made["id"])
    fetched = expect(
        200,
        await issuer_api.http.get(f"{issuer_api.urls['issuer']}/v1/credentials/{made['id']}", headers=tenant.headers),
    )
    (identifier,) = document["credentialSubject"]["identifier"]

    verify_proof(document, await keys_of(issuer_api, tenant))
    assert document["proof"]["cryptosuite"] == suite
    assert document["id"] == made["links"]["registry"]
    assert document["validUntil"] == "2031-01-31T00:00:00Z"
    assert document["credentialSubject"]["result"][0]["value"] == "93"
    assert document["evidence"][0]["type"] == ["Evidence"]
    assert identifier["identityHash"] == (
        "sha256$" + hashlib.sha256(f"ada@example.org{identifier['salt']}".encode()).hexdigest()
    )
    assert (event.type, event.version, event.value["document"]) == ("org.laurel.credential.issued.v1", 1, document)
    assert {entry["purpose"] for entry in event.value["status_entries"]} == {"revocation", "suspension"}
    assert fetched == made


async def test_what_the_database_keeps_of_a_learner_cannot_be_read_without_the_key(
    issuer_api: Api, issuer: LoneIssuer
) -> None:
    tenant = await issuer_api.institution()
    email, name = f"canary-{uuid4().hex}@example.org", f"Canary {uuid4().hex}"
    body = {
        "achievement": await issuer_api.achievement(tenant),
        "recipient": {"email": email, "name": name},
    }
    made = expect(201, await issuer_api.post_credential(tenant, body, key=f"k-{uuid4()}"))
    dumped = await issuer.fetch(
        "SELECT c::text || convert_from(c.document, 'UTF8') AS row FROM credential c WHERE id = $1::uuid"
        " UNION ALL SELECT convert_from(value, 'UTF8') FROM outbox WHERE key = $1::text"
        " UNION ALL SELECT convert_from(body, 'UTF8') FROM idempotency WHERE principal = $2",
        made["id"],
        tenant.id,
    )

    assert len(dumped) == 3
    assert not [row for row in dumped if email in row["row"] or name in row["row"]]
    assert email not in issuer.process.log.read_text()


async def test_a_learner_with_a_did_is_the_subject(issuer_api: Api) -> None:
    tenant = await issuer_api.institution()
    achievement = await issuer_api.achievement(tenant)
    body = {
        "achievement": achievement,
        "recipient": {"did": "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"},
    }
    made = expect(201, await issuer_api.post_credential(tenant, body))

    assert made["credential"]["credentialSubject"]["id"] == body["recipient"]["did"]
    assert made["recipient"] == {"kind": "did", "identity": body["recipient"]["did"]}


async def test_a_life_is_announced_step_by_step_and_revocation_is_final(issuer_api: Api, issuer: LoneIssuer) -> None:
    tenant = await issuer_api.institution()
    made = await issuer_api.issue(tenant, await issuer_api.achievement(tenant))
    states = [
        (await issuer_api.change(tenant, made["id"], verb))["status"] for verb in ("suspend", "reinstate", "revoke")
    ]
    url = f"{issuer_api.urls['issuer']}/v1/credentials/{made['id']}"
    refused = [
        await issuer_api.http.post(f"{url}/{verb}", json={"reason": "again"}, headers=tenant.headers)
        for verb in ("revoke", "suspend", "reinstate")
    ]
    events = await issuer.events(made["id"])

    assert states == ["suspended", "active", "revoked"]
    assert [expect(409, answer)["code"] for answer in refused] == ["wrong-state"] * 3
    assert [(event.type.split(".")[3], event.version) for event in events] == [
        ("issued", 1),
        ("suspended", 2),
        ("reinstated", 3),
        ("revoked", 4),
    ]
    assert events[3].value["reason"] == "revoke in a test"
    assert events[3].value["status_entry"]["purpose"] == "revocation"


async def test_one_key_has_one_effect_however_often_and_at_once_it_is_sent(issuer_api: Api, issuer: LoneIssuer) -> None:
    tenant = await issuer_api.institution()
    body = {"achievement": await issuer_api.achievement(tenant), "recipient": {"email": "a@example.org"}}
    answers = await asyncio.gather(*(issuer_api.post_credential(tenant, body, key="the-key") for _ in range(16)))
    made = [answer for answer in answers if answer.status_code == 201]
    other = await issuer_api.post_credential(tenant, {**body, "recipient": {"email": "b@example.org"}}, key="the-key")
    stored = await issuer.fetch("SELECT id FROM credential WHERE institution_id = $1::uuid", tenant.id)

    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.json()["id"] for answer in made}) == len(stored) == 1
    assert len([answer for answer in made if "idempotent-replay" not in answer.headers]) == 1
    assert expect(422, other)["code"] == "idempotency-key-reused"


async def test_a_retry_is_answered_as_before_though_the_achievement_was_archived_since(issuer_api: Api) -> None:
    tenant = await issuer_api.institution()
    achievement = await issuer_api.achievement(tenant)
    body = {"achievement": achievement, "recipient": {"email": "a@example.org"}}
    first = await issuer_api.post_credential(tenant, body, key="k")
    url = f"{issuer_api.urls['issuer']}/v1/achievements/{achievement}/archive"
    expect(200, await issuer_api.http.post(url, headers=tenant.headers))
    again = await issuer_api.post_credential(tenant, body, key="k")
    new = await issuer_api.post_credential(tenant, body, key="another")

    assert expect(201, again) == first.json()
    assert expect(409, new)["code"] == "wrong-state"


async def test_lists_are_filtered_by_learner_achievement_status_and_time(issuer_api: Api) -> None:
    tenant = await issuer_api.institution()
    one, two = await issuer_api.achievement(tenant), await issuer_api.achievement(tenant)
    ada = await issuer_api.issue(tenant, one, "ada@example.org")
    bob = await issuer_api.issue(tenant, two, "bob@example.org")
    both = await issuer_api.issue(tenant, two, "ADA@example.org")
    await issuer_api.change(tenant, bob["id"], "revoke")

    async def ids(**filters: Any) -> list[str]:
        url = f"{issuer_api.urls['issuer']}/v1/credentials"
        answer = expect(200, await issuer_api.http.get(url, params=filters, headers=tenant.headers))
        assert all("credential" not in item for item in answer["items"])
        return [item["id"] for item in answer["items"]]

    assert await ids() == [both["id"], bob["id"], ada["id"]]
    assert await ids(recipient_email="Ada@example.org") == [both["id"], ada["id"]]
    assert await ids(achievement=two, recipient_email="ada@example.org") == [both["id"]]
    assert await ids(status="revoked") == [bob["id"]]
    assert await ids(issued_since=both["issued_at"]) == [both["id"]]
    assert await ids(issued_until=bob["issued_at"]) == [ada["id"]]
    assert await ids(recipient_did="did:key:z6Mk") == []


async def test_another_institutions_things_look_like_nothing_at_all(issuer_api: Api) -> None:
    owner, stranger = await issuer_api.institution(), await issuer_api.institution()
    achievement = await issuer_api.achievement(owner)
    credential = await issuer_api.issue(owner, achievement)
    keys = expect(200, await issuer_api.http.get(f"{issuer_api.urls['issuer']}/v1/keys", headers=owner.headers))
    base = f"{issuer_api.urls['issuer']}/v1"
    theirs = {
        "credentials": credential["id"],
        "achievements": achievement,
        "clients": owner.client_id,
        "keys": keys["items"][0]["id"],
        "institutions": owner.id,
    }
    reason, put = {"reason": "x"}, {**stranger.headers, "If-Match": '"1"'}
    requests: list[tuple[str, str, Any]] = [
        ("GET", "credentials/{}", None),
        ("POST", "credentials/{}/revoke", reason),
        ("POST", "credentials/{}/suspend", reason),
        ("POST", "credentials/{}/reinstate", reason),
        ("GET", "achievements/{}", None),
        ("GET", "achievements/{}/revisions/1", None),
        ("PUT", "achievements/{}", ACHIEVEMENT),
        ("POST", "achievements/{}/publish", None),
        ("POST", "achievements/{}/archive", None),
        ("GET", "clients/{}", None),
        ("POST", "clients/{}/secrets", None),
        ("POST", "clients/{}/revoke", None),
        ("POST", "keys/{}/compromise", reason),
        ("GET", "institutions/{}", None),
        ("PATCH", "institutions/{}", {"name": "mine"}),
    ]
    for method, path, body in requests:
        bodies = []
        for identifier in (theirs[path.split("/")[0]], "01900000-0000-7000-8000-000000000000"):
            url = f"{base}/{path.format(identifier)}"
            answer = await issuer_api.http.request(method, url, json=body, headers=put)
            problem = expect(404, answer)
            assert problem["detail"].startswith("There is no such ")
            bodies.append({k: v for k, v in problem.items() if k not in ("instance", "trace_id")})
        assert bodies[0] == bodies[1]
    issued = await issuer_api.post_credential(
        stranger, {"achievement": achievement, "recipient": {"email": "a@example.org"}}
    )
    listed = expect(200, await issuer_api.http.get(f"{base}/credentials", headers=stranger.headers))

    problem = expect(422, issued)
    assert [(each["pointer"], each["code"]) for each in problem["errors"]] == [("#/achievement", "unknown-achievement")]
    assert problem["detail"] == "There is no such achievement."
    assert listed["items"] == []


BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"recipient": {}}, "#/recipient", "required"),
    ({"recipient": {"email": "a@example.org", "did": "did:key:z6Mk"}}, "#/recipient", "conflicting-fields"),
    ({"recipient": {"email": "not an address"}}, "#/recipient/email", "invalid-email"),
    ({"recipient": {"email": "a@example.org\r\nBcc: b@example.org"}}, "#/recipient/email", "invalid-email"),
    ({"recipient": {"email": "a@example.org", "name": "\x00"}}, "#/recipient/name", "invalid-character"),
    ({"recipient": {"did": "did:x"}}, "#/recipient/did", "invalid-value"),
    ({"achievement": "42"}, "#/achievement", "invalid-id"),
    ({"achievement": "01900000-0000-7000-8000-00000000000A"}, "#/achievement", "invalid-id"),
    ({"validUntil": "2030-01-31"}, "#/validUntil", "invalid-date"),
    ({"validUntil": "2030-02-30T00:00:00Z"}, "#/validUntil", "invalid-date"),
    ({"validUntil": "2020-01-01T00:00:00Z"}, "#/validUntil", "invalid-date"),
    ({"validUntil": "2030-01-01T00:00:00"}, "#/validUntil", "invalid-date"),
    ({"cryptosuite": "rot13"}, "#/cryptosuite", "invalid-value"),
    ({"evidence": [{}]}, "#/evidence/0", "required"),
    ({"results": [{"resultDescription": "urn:x:none", "value": "1"}]}, "#/results/0/resultDescription", "*"),
    ({"results": [{}]}, "#/results/0", "required"),
    ({"proof": {}}, "#/proof", "unknown-field"),
    ({"status": "revoked"}, "#/status", "unknown-field"),
    ({"statusListIndex": "0"}, "#/statusListIndex", "unknown-field"),
    ({"institution_id": "01900000-0000-7000-8000-000000000000"}, "#/institution_id", "unknown-field"),
]


@pytest.mark.parametrize(("change", "pointer", "code"), BAD)
async def test_a_bad_field_is_named_and_nothing_is_written(
    issuer_api: Api, issuer: LoneIssuer, change: dict[str, Any], pointer: str, code: str
) -> None:
    tenant = await issuer_api.institution()
    achievement = await issuer_api.achievement(tenant)
    before = await issuer.written()
    body = {"achievement": achievement, "recipient": {"email": "a@example.org"}, **change}
    errors = expect(422, await issuer_api.post_credential(tenant, body))["errors"]

    assert [error["code"] for error in errors if error["pointer"] == pointer] == [
        "unknown-result-description" if code == "*" else code
    ]
    assert await issuer.written() == before


async def test_what_would_not_fit_in_an_event_is_refused(issuer_api: Api, issuer: LoneIssuer) -> None:
    tenant = await issuer_api.institution()
    achievement = await issuer_api.achievement(tenant)
    before = await issuer.written()
    evidence = [{"narrative": "x" * 9000}] * 30
    body = {"achievement": achievement, "recipient": {"email": "a@example.org"}, "evidence": evidence}
    large = {**ACHIEVEMENT, "alignment": [{"targetName": "x", "targetUrl": f"https://x.example/{'y' * 900}"}] * 90}
    answers = [
        await issuer_api.post_credential(tenant, body),
        await issuer_api.http.post(f"{issuer_api.urls['issuer']}/v1/achievements", json=large, headers=tenant.headers),
    ]

    assert [expect(422, answer)["code"] for answer in answers] == ["too-long", "too-long"]
    assert await issuer.written() == before


async def test_what_the_cryptosuite_cannot_sign_is_refused(issuer_api: Api, issuer: LoneIssuer) -> None:
    tenant = await issuer_api.institution()
    achievement = await issuer_api.achievement(tenant)
    before = await issuer.written()
    equal = {"achievement": achievement, "recipient": {"email": "a@example.org"}, "results": [{"value": "A"}] * 7}

    assert expect(422, await issuer_api.post_credential(tenant, equal))["code"] == "too-complex"
    assert await issuer.written() == before
    expect(201, await issuer_api.post_credential(tenant, {**equal, "cryptosuite": "eddsa-jcs-2022"}))


async def test_unknown_ids_and_forged_places_are_refused_without_an_error_of_ours(issuer_api: Api) -> None:
    tenant = await issuer_api.institution()
    base = f"{issuer_api.urls['issuer']}/v1/credentials"
    ids = ["42", "..%2F..%2Fetc%2Fpasswd", "%00", "x" * 10_000, "01900000-0000-7000-8000-00000000000A", "' OR 1=1"]
    answers = [await issuer_api.http.get(f"{base}/{identifier}", headers=tenant.headers) for identifier in ids]
    lists = {
        query: await issuer_api.http.get(f"{base}?{query}", headers=tenant.headers)
        for query in ("cursor=forged", "limit=0", "limit=201", "limit=abc", "status=lost", "sort=id", "issued_since=x")
    }

    assert {answer.status_code for answer in answers} <= {404, 422}
    assert {query: (answer.status_code, answer.json()["code"]) for query, answer in lists.items()} == {
        "cursor=forged": (400, "invalid-cursor"),
        "limit=0": (422, "invalid-limit"),
        "limit=201": (422, "invalid-limit"),
        "limit=abc": (422, "invalid-limit"),
        "status=lost": (422, "invalid-value"),
        "sort=id": (422, "unknown-parameter"),
        "issued_since=x": (422, "invalid-date"),
    }
