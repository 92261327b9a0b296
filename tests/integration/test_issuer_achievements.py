"""Achievements over HTTP: written, published, revised, archived, listed."""

from typing import Any

import pytest

from tests.fixtures.api import ACHIEVEMENT, Api, Institution, expect
from tests.fixtures.issuer import LoneIssuer

MICRO = {
    "country": "PT",
    "learningOutcomes": [{"name": "analyse data", "id": "http://data.europa.eu/esco/skill/1"}],
    "workload": {"ects": 2.5, "hours": 60},
    "level": {"eqf": 6},
    "assessment": {"type": "oral examination"},
    "participation": "online",
    "qualityAssurance": {"type": "accreditation", "body": "A3ES", "url": "https://a3es.example.org"},
    "supervision": "supervised-with-identity-check",
    "stackability": "stackable",
}
WHOLE = {
    **ACHIEVEMENT,
    "criteria": {"id": "https://x.example.org/criteria", "narrative": "An examination."},
    "image": {"id": "https://x.example.org/badge.png", "caption": "A badge"},
    "alignment": [{"targetName": "analyse data", "targetUrl": "https://esco.example/1", "targetType": "CFItem"}],
    "tag": ["statistics"],
    "resultDescription": [{"name": "Grade", "resultType": "Percent", "valueMin": "0", "valueMax": "100"}],
    "creditsAvailable": 2.5,
    "fieldOfStudy": "Statistics",
    "humanCode": "STAT-1",
    "inLanguage": "en-GB",
    "specialization": "Applied",
    "otherIdentifier": [{"identifier": "42", "identifierType": "systemId"}],
    "related": [{"id": "https://x.example.org/achievements/2", "version": "1"}],
    "microCredential": MICRO,
}


async def create(api: Api, tenant: Institution, content: dict[str, Any]) -> dict[str, Any]:
    answer = await api.http.post(f"{api.urls['issuer']}/v1/achievements", json=content, headers=tenant.headers)
    made = expect(201, answer)
    assert answer.headers["location"].endswith(made["id"])
    return made


def url_of(api: Api, achievement: dict[str, Any], verb: str = "") -> str:
    return f"{api.urls['issuer']}/v1/achievements/{achievement['id']}{verb}"


async def test_a_draft_keeps_every_field_and_announces_nothing(issuer_api: Api, issuer: LoneIssuer) -> None:
    tenant = await issuer_api.institution()
    made = await create(issuer_api, tenant, WHOLE)
    document = made["achievement"]

    assert (made["status"], made["revision"]) == ("draft", 0)
    assert document["microCredential"] == MICRO
    assert document["resultDescription"][0]["id"].startswith("urn:uuid:")
    assert set(WHOLE) <= set(document)
    assert await issuer.events(made["id"]) == []


async def test_publishing_announces_the_document_that_credentials_will_contain(
    issuer_api: Api, issuer: LoneIssuer
) -> None:
    tenant = await issuer_api.institution()
    made = await create(issuer_api, tenant, WHOLE)
    published = expect(200, await issuer_api.http.post(url_of(issuer_api, made, "/publish"), headers=tenant.headers))
    (event,) = await issuer.events(made["id"])
    credential = await issuer_api.issue(tenant, made["id"])

    assert (published["status"], published["revision"]) == ("published", 1)
    assert (event.type, event.version) == ("org.laurel.achievement.published.v1", 1)
    assert event.value["document"] == published["achievement"]
    assert credential["credential"]["credentialSubject"]["achievement"] == published["achievement"]


async def test_rewriting_a_published_achievement_is_a_revision_and_old_credentials_keep_theirs(
    issuer_api: Api, issuer: LoneIssuer
) -> None:
    tenant = await issuer_api.institution()
    made = await create(issuer_api, tenant, ACHIEVEMENT)
    published = await issuer_api.http.post(url_of(issuer_api, made, "/publish"), headers=tenant.headers)
    before = await issuer_api.issue(tenant, made["id"])
    put = {**tenant.headers, "If-Match": published.headers["etag"]}
    content = {**ACHIEVEMENT, "name": "Applied Statistics II"}
    revised = expect(200, await issuer_api.http.put(url_of(issuer_api, made), json=content, headers=put))
    stale = await issuer_api.http.put(url_of(issuer_api, made), json=content, headers=put)
    missing = await issuer_api.http.put(url_of(issuer_api, made), json=content, headers=tenant.headers)
    after = await issuer_api.issue(tenant, made["id"])
    kept = expect(200, await issuer_api.http.get(f"{url_of(issuer_api, made)}/revisions/1", headers=tenant.headers))
    fetched = expect(
        200,
        await issuer_api.http.get(f"{issuer_api.urls['issuer']}/v1/credentials/{before['id']}", headers=tenant.headers),
    )

    assert (revised["status"], revised["revision"]) == ("published", 2)
    assert (stale.status_code, missing.status_code) == (412, 428)
    assert (before["revision"], after["revision"]) == (1, 2)
    assert after["credential"]["credentialSubject"]["achievement"]["name"] == "Applied Statistics II"
    assert fetched["credential"] == before["credential"]
    assert kept["achievement"]["name"] == "Applied Statistics"
    assert [(event.type, event.version) for event in await issuer.events(made["id"])] == [
        ("org.laurel.achievement.published.v1", 1),
        ("org.laurel.achievement.revised.v1", 2),
    ]


async def test_states_allow_only_their_verbs(issuer_api: Api, issuer: LoneIssuer) -> None:
    tenant = await issuer_api.institution()
    made = await create(issuer_api, tenant, ACHIEVEMENT)
    draft_issue = await issuer_api.post_credential(
        tenant, {"achievement": made["id"], "recipient": {"email": "a@example.org"}}
    )
    draft_archive = await issuer_api.http.post(url_of(issuer_api, made, "/archive"), headers=tenant.headers)
    expect(200, await issuer_api.http.post(url_of(issuer_api, made, "/publish"), headers=tenant.headers))
    twice = await issuer_api.http.post(url_of(issuer_api, made, "/publish"), headers=tenant.headers)
    await issuer_api.issue(tenant, made["id"])
    expect(200, await issuer_api.http.post(url_of(issuer_api, made, "/archive"), headers=tenant.headers))
    archived_issue = await issuer_api.post_credential(
        tenant, {"achievement": made["id"], "recipient": {"email": "a@example.org"}}
    )
    archived_put = await issuer_api.http.put(
        url_of(issuer_api, made), json=ACHIEVEMENT, headers={**tenant.headers, "If-Match": '"3"'}
    )

    refused = (draft_issue, draft_archive, twice, archived_issue, archived_put)
    assert [expect(409, answer)["code"] for answer in refused] == ["wrong-state"] * 5
    assert [event.version for event in await issuer.events(made["id"])] == [1, 2]


async def test_lists_are_filtered_and_paged(issuer_api: Api) -> None:
    tenant = await issuer_api.institution()
    url = f"{issuer_api.urls['issuer']}/v1/achievements"
    made = [await create(issuer_api, tenant, {**ACHIEVEMENT, "name": str(n), "tag": [f"t{n % 2}"]}) for n in range(5)]
    await issuer_api.http.post(url_of(issuer_api, made[0], "/publish"), headers=tenant.headers)

    async def ids(**filters: Any) -> list[str]:
        answer = expect(200, await issuer_api.http.get(url, params=filters, headers=tenant.headers))
        return [item["id"] for item in answer["items"]]

    pages: list[list[str]] = []
    following: str | None = url + "?limit=2"
    while following:
        page = await issuer_api.http.get(following, headers=tenant.headers)
        pages.append([item["id"] for item in expect(200, page)["items"]])
        following = page.links["next"]["url"] if "next" in page.links else None

    newest_first = [one["id"] for one in reversed(made)]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert [one for page in pages for one in page] == newest_first
    assert await ids(status="published") == [made[0]["id"]]
    assert await ids(tag="t1") == [made[3]["id"], made[1]["id"]]
    assert await ids(achievementType="MicroCredential") == newest_first
    assert await ids(tag="' OR true --") == []


BAD = [
    ({"name": ""}, "#/name", "too-short"),
    ({"name": "x" * 201}, "#/name", "too-long"),
    ({"name": None}, "#/name", "required"),
    ({"name": 7}, "#/name", "invalid-type"),
    ({"criteria": {}}, "#/criteria", "required"),
    ({"criteria": {"id": "ftp://x"}}, "#/criteria/id", "invalid-url"),
    ({"achievementType": "Sticker"}, "#/achievementType", "invalid-value"),
    ({"image": {"id": "javascript:alert(1)"}}, "#/image/id", "invalid-url"),
    ({"alignment": [{"targetName": "x"}]}, "#/alignment/0/targetUrl", "required"),
    ({"tag": ["x"] * 101}, "#/tag", "too-long"),
    ({"creditsAvailable": "5"}, "#/creditsAvailable", "invalid-type"),
    ({"creditsAvailable": -1}, "#/creditsAvailable", "out-of-range"),
    ({"status": "published"}, "#/status", "unknown-field"),
    ({"institution_id": "01900000-0000-7000-8000-000000000000"}, "#/institution_id", "unknown-field"),
    ({"achievement_type": "Badge"}, "#/achievement_type", "unknown-field"),
    ({"microCredential": {**MICRO, "workload": {}}}, "#/microCredential/workload", "required"),
    ({"microCredential": {**MICRO, "participation": "asleep"}}, "#/microCredential/participation", "invalid-value"),
    ({"microCredential": {**MICRO, "level": {"eqf": 9}}}, "#/microCredential/level/eqf", "out-of-range"),
    ({"resultDescription": [{"name": "x", "resultType": "Shoe"}]}, "#/resultDescription/0/resultType", "invalid-value"),
    (
        {"resultDescription": [{"id": "urn:x:1", "name": "x", "resultType": "Result"}] * 2},
        "#/resultDescription/1/id",
        "duplicate-id",
    ),
]


@pytest.mark.parametrize(("change", "pointer", "code"), BAD)
async def test_a_bad_field_is_named_and_nothing_is_written(
    issuer_api: Api, issuer: LoneIssuer, change: dict[str, Any], pointer: str, code: str
) -> None:
    tenant = await issuer_api.institution()
    before = await issuer.written()
    answer = await issuer_api.http.post(
        f"{issuer_api.urls['issuer']}/v1/achievements", json={**ACHIEVEMENT, **change}, headers=tenant.headers
    )
    errors = expect(422, answer)["errors"]

    assert (pointer, code) in [(error["pointer"], error["code"]) for error in errors]
    assert await issuer.written() == before
