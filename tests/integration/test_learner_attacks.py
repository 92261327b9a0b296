"""What somebody may try who has no claim to a credential, or more than one wish."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from services.registry.domain.claim import new_code, new_token
from tests.fixtures.api import Api, Institution, expect
from tests.fixtures.stack import Stack
from tests.integration.learners import Learner, Letters, known, letters
from tests.integration.surface import fault

pytestmark = pytest.mark.parametrize("bus_kind", ["embedded"], indirect=True)


@pytest.fixture
async def post(running: Stack) -> AsyncIterator[Letters]:
    async with letters(running) as reader:
        yield reader


@pytest.fixture
async def institution(api: Api) -> Institution:
    return await api.institution()


@pytest.fixture
async def platform(api: Api) -> Institution:
    made = await api.platform()
    await known(api, made.id)
    return made


async def issue(api: Api, institution: Institution, **recipient: str) -> str:
    body = {"achievement": await api.achievement(institution), "recipient": recipient or {"email": "a@example.org"}}
    made = expect(201, await api.post_credential(institution, body))
    await api.registered(made["id"])
    return str(made["id"])


async def learner(api: Api, post: Letters, institution: Institution) -> Learner:
    return await Learner.of(api, post, await issue(api, institution))


def told(answer: httpx.Response) -> tuple[int, bytes, set[str]]:
    """What two answers can be told apart by."""
    return answer.status_code, answer.content, set(answer.headers)


async def test_asking_for_a_link_tells_nothing_of_address_or_credential(
    api: Api, institution: Institution, post: Letters
) -> None:
    with_address = await issue(api, institution)
    await post.offers(with_address)
    without = await issue(api, institution, did="did:example:somebody")
    answers = []
    for credential_id in (with_address, with_address, without, str(uuid4())):
        url = f"{api.urls['registry']}/v1/credentials/{credential_id}/claim"
        answers.append(told(await api.http.post(url)))
    assert len({answer[:2] for answer in answers}) == 1
    assert answers[0][:2] == (202, b'{"status":"accepted"}')
    assert all(answer[2] == answers[0][2] for answer in answers)


async def test_a_code_is_not_guessed_and_not_used_twice(api: Api, institution: Institution, post: Letters) -> None:
    url, code = f"{api.urls['registry']}/v1/claims", await post.code(await issue(api, institution))
    for guess in (new_code(), code[:-1], code + "A", code.swapcase(), "x"):
        assert fault(await api.http.post(url, json={"code": guess}), {404}, {"not-found"}) is None
    first = await api.http.post(url, json={"code": code})
    assert first.headers["cache-control"] == "no-store"
    claimed = expect(200, first)
    assert claimed["token"].startswith("lrt_")
    assert (claimed["token_type"], claimed["expires_in"]) == ("Bearer", 30 * 24 * 3600)
    assert fault(await api.http.post(url, json={"code": code}), {410}, {"claim-used"}) is None


async def test_programs_that_read_letters_use_up_no_code(api: Api, institution: Institution, post: Letters) -> None:
    (offer,) = await post.offers(await issue(api, institution))
    for _ in range(3):
        page = await api.http.get(offer["link"])
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert "script-src 'sha256-" in page.headers["content-security-policy"]
        assert page.headers["referrer-policy"] == "no-referrer"
    code = offer["link"].rpartition(".")[2]
    assert code not in page.text
    expect(200, await api.http.post(f"{api.urls['registry']}/v1/claims", json={"code": code}))


async def test_a_link_that_has_run_out_says_so(
    api: Api, institution: Institution, post: Letters, running: Stack
) -> None:
    credential_id = await issue(api, institution)
    code = await post.code(credential_id)
    await run(running, "UPDATE claim_code SET expires_at = now() WHERE credential_id = $1::uuid", credential_id)
    answer = await api.http.post(f"{api.urls['registry']}/v1/claims", json={"code": code})
    assert fault(answer, {410}, {"claim-expired"}) is None


async def test_a_token_is_good_for_its_own_credential_alone(
    api: Api, institution: Institution, platform: Institution, post: Letters, running: Stack
) -> None:
    mine, theirs = await learner(api, post, institution), await learner(api, post, institution)
    await theirs.act("share", platform.id, 201)
    late = await learner(api, post, institution)
    await run(running, "UPDATE learner_token SET expires_at = now() WHERE credential_id = $1::uuid", late.credential_id)
    base = f"{api.urls['registry']}/v1/credentials/{theirs.credential_id}"
    for headers, status, code in (
        ({}, 401, "invalid-token"),
        (mine.headers, 403, "forbidden"),
        (institution.headers, 401, "invalid-token"),
        (platform.headers, 401, "invalid-token"),
        (api.operator, 401, "invalid-token"),
        ({"Authorization": f"Bearer {new_token()}"}, 401, "invalid-token"),
        ({"Authorization": f"Basic {theirs.token}"}, 401, "invalid-token"),
        ({"Authorization": f"Bearer {theirs.token}x"}, 401, "invalid-token"),
    ):
        for method, verb in (("POST", "share"), ("POST", "unshare"), ("GET", "shares")):
            body = {"platform": platform.id} if method == "POST" else None
            answer = await api.http.request(method, f"{base}/{verb}", json=body, headers=headers)
            assert fault(answer, {status}, {code}) is None, f"{verb} {headers}: {answer.text}"
            assert "bearer" in answer.headers.get("www-authenticate", "bearer").lower()
    assert [share["state"] for share in await theirs.shares()] == ["shared"]
    url = f"{api.urls['registry']}/v1/credentials/{late.credential_id}/shares"
    assert fault(await api.http.get(url, headers=late.headers), {401}) is None
    elsewhere = await api.http.get(f"{api.urls['registry']}/v1/shares", headers=mine.headers)
    assert fault(elsewhere, {401}, {"invalid-token"}) is None


async def test_a_platform_confirms_its_own_removals_alone_and_not_too_early(
    api: Api, institution: Institution, platform: Institution, post: Letters
) -> None:
    other, someone = await api.platform(), await learner(api, post, institution)
    shared = await someone.act("share", platform.id, 201)
    url = f"{api.urls['registry']}/v1/shares/{shared['share_id']}/removed"
    early = await api.http.post(url, headers=platform.headers)
    assert fault(early, {409}, {"wrong-state"}) is None
    await someone.act("unshare", platform.id)
    unknown = url.replace(shared["share_id"], str(uuid4()))
    for address, headers, status in (
        (url, other.headers, 404),
        (unknown, platform.headers, 404),
        (url, institution.headers, 403),
        (url, api.operator, 403),
        (url, someone.headers, 401),
        (url, {}, 401),
    ):
        assert fault(await api.http.post(address, headers=headers), {status}) is None
    assert [share["state"] for share in await someone.shares()] == ["withdrawn"]


async def test_no_platform_sees_anothers_shares_whatever_it_asks_for(
    api: Api, institution: Institution, platform: Institution, post: Letters
) -> None:
    other, someone = await api.platform(), await learner(api, post, institution)
    shared = await someone.act("share", platform.id, 201)
    url = f"{api.urls['registry']}/v1/shares"
    for params in ({}, {"platform": platform.id}, {"state": "shared"}):
        assert expect(200, await api.http.get(url, params=params, headers=other.headers))["items"] == []
    refused = await api.http.get(url, headers=institution.headers)
    assert fault(refused, {403}, {"insufficient-scope"}) is None
    (own,) = expect(200, await api.http.get(url, headers=platform.headers))["items"]
    assert own["share_id"] == shared["share_id"]
    assert own.keys().isdisjoint({"consent", "withdrawn_by"})


async def test_what_cannot_be_shared_is_refused_with_a_reason(
    api: Api, institution: Institution, platform: Institution, post: Letters
) -> None:
    someone = await learner(api, post, institution)
    for unknown in (str(uuid4()), "no-such-platform", institution.id):
        answer = await someone.act("share", unknown, 422)
        assert [(error["pointer"], error["code"]) for error in answer["errors"]] == [("#/platform", "unknown-platform")]
        assert (await someone.act("unshare", unknown, 422))["code"] == "unknown-platform"
    assert (await someone.act("unshare", platform.slug, 404))["code"] == "not-found"
    await api.change(institution, someone.credential_id, "suspend")
    await standing(api, someone.credential_id, "suspended")
    assert (await someone.act("share", platform.slug, 409))["code"] == "credential-not-shareable"
    await api.change(institution, someone.credential_id, "revoke")
    await standing(api, someone.credential_id, "revoked")
    assert (await someone.act("share", platform.slug, 409))["detail"] == "the credential is revoked"
    assert await someone.shares() == []


async def test_a_platform_is_flooded_by_nobody(
    api: Api, institution: Institution, platform: Institution, post: Letters
) -> None:
    someone = await learner(api, post, institution)
    for _ in range(20):
        await someone.act("share", platform.id, 201)
        await someone.act("unshare", platform.id)
    assert (await someone.act("share", platform.id, 429))["code"] == "too-many-requests"
    url = f"{api.urls['registry']}/v1/credentials/{someone.credential_id}/shares?limit=15"
    first = expect(200, await api.http.get(url, headers=someone.headers))
    rest = expect(200, await api.http.get(f"{url}&cursor={first['next']}", headers=someone.headers))
    assert (len(first["items"]), len(rest["items"]), rest["next"]) == (15, 5, None)


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 422),
        (b"{}", 422),
        (b'{"platform":""}', 422),
        (b'{"platform":7}', 422),
        (b'{"platform":null}', 422),
        (b'{"platform":"a","x":1}', 422),
        (b'{"platform":"a","platform":"b"}', 400),
        (b'{"platform":"' + b"a" * 64 + b'"}', 422),
        (b'{"platform":"\\u0000"}', 422),
        (b'{"platform":"A B"}', 422),
    ],
)
async def test_a_bad_body_is_a_problem_of_the_client(
    api: Api, institution: Institution, post: Letters, content: bytes, status: int
) -> None:
    someone = await learner(api, post, institution)
    base = f"{api.urls['registry']}/v1"
    headers = {**someone.headers, "Content-Type": "application/json"}
    for verb in ("share", "unshare"):
        url = f"{base}/credentials/{someone.credential_id}/{verb}"
        answer = await api.http.post(url, content=content, headers=headers)
        assert fault(answer, {status}) is None, answer.text
    answer = await api.http.post(f"{base}/claims", content=content.replace(b"platform", b"code"), headers=headers)
    assert answer.status_code in (status, 404), answer.text


@pytest.mark.parametrize("path", ["shares/x/removed", "credentials/x/claim", "credentials/x/share"])
async def test_a_bad_id_is_a_problem_of_the_client(api: Api, platform: Institution, path: str) -> None:
    url = f"{api.urls['registry']}/v1/{path}"
    body = {"platform": "x"} if path.endswith("/share") else None
    answer = await api.http.post(url, json=body, headers=platform.headers)
    assert fault(answer, {401, 422}) is None, answer.text


async def standing(api: Api, credential_id: str, status: str) -> None:
    """Wait until the registry says so."""
    url = f"{api.urls['registry']}/v1/credentials/{credential_id}"
    deadline = time.monotonic() + 15
    while (body := expect(200, await api.http.get(url)))["status"] != status:
        assert time.monotonic() < deadline, body
        await asyncio.sleep(0.05)


async def run(stack: Stack, statement: str, *args: Any) -> None:
    """One statement on the registry's database."""
    connection = await asyncpg.connect(stack.deployment.databases["registry"].owner)
    try:
        assert await connection.execute(statement, *args) == "UPDATE 1"
    finally:
        await connection.close()
