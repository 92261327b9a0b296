"""Learners end their tokens: the one they hold, or all there are for the credential; nothing else ends any early."""

from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

import asyncpg
import pytest

from services.registry.domain.claim import new_token
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


async def learner(api: Api, post: Letters, institution: Institution) -> Learner:
    issued = await api.issue(institution, await api.achievement(institution))
    return await Learner.of(api, post, issued["id"])


async def come_back(someone: Learner, post: Letters, stack: Stack) -> Learner:
    """The same learner, an hour later, by another link."""
    connection = await asyncpg.connect(stack.deployment.databases["registry"].owner)
    try:
        hour_ago = "UPDATE claim_code SET created_at = created_at - interval '1 hour' WHERE credential_id = $1"
        assert await connection.execute(hour_ago, UUID(someone.credential_id)) == "UPDATE 1"
    finally:
        await connection.close()
    registry = someone.api.urls["registry"]
    expect(202, await someone.api.http.post(f"{registry}/v1/credentials/{someone.credential_id}/claim"))
    code = await post.code(someone.credential_id, 2)
    claimed = expect(200, await someone.api.http.post(f"{registry}/v1/claims", json={"code": code}))
    return replace(someone, token=claimed["token"])


async def end(someone: Learner, which: str, headers: dict[str, str] | None = None) -> int:
    url = f"{someone.api.urls['registry']}/v1/credentials/{someone.credential_id}/{which}"
    answer = await someone.api.http.delete(url, headers=someone.headers if headers is None else headers)
    if answer.status_code != 204:
        assert fault(answer, {answer.status_code}, {"invalid-token", "forbidden"}) is None, answer.text
        return answer.status_code
    assert answer.content == b""
    return 204


async def works(someone: Learner) -> bool:
    url = f"{someone.api.urls['registry']}/v1/credentials/{someone.credential_id}/shares"
    answer = await someone.api.http.get(url, headers=someone.headers)
    if answer.status_code == 200:
        return True
    assert fault(answer, {401}, {"invalid-token"}) is None, answer.text
    return False


async def test_claiming_again_ends_no_token_and_no_share(
    api: Api, institution: Institution, post: Letters, running: Stack
) -> None:
    platform = await api.platform()
    await known(api, platform.id)
    before = await learner(api, post, institution)
    shared = await before.act("share", platform.slug, 201)
    after = await come_back(before, post, running)
    assert before.token != after.token
    assert [await works(before), await works(after)] == [True, True]
    assert [share["share_id"] for share in await after.shares()] == [shared["share_id"]]


async def test_a_learner_ends_the_token_in_hand_and_keeps_the_other(
    api: Api, institution: Institution, post: Letters, running: Stack
) -> None:
    before = await learner(api, post, institution)
    after = await come_back(before, post, running)
    assert await end(before, "token") == 204
    assert [await works(before), await works(after)] == [False, True]
    assert await end(before, "token") == 401
    assert await works(after)


async def test_a_learner_ends_every_token_of_the_credential_and_of_no_other(
    api: Api, institution: Institution, post: Letters, running: Stack
) -> None:
    lost, other = await learner(api, post, institution), await learner(api, post, institution)
    found = await come_back(lost, post, running)
    assert await end(found, "tokens") == 204
    assert [await works(lost), await works(found), await works(other)] == [False, False, True]


async def test_what_was_shared_stays_shared_when_the_tokens_end(
    api: Api, institution: Institution, post: Letters, running: Stack
) -> None:
    platform = await api.platform()
    await known(api, platform.id)
    someone = await learner(api, post, institution)
    await someone.act("share", platform.slug, 201)
    assert await end(someone, "tokens") == 204
    later = await come_back(someone, post, running)
    assert [share["state"] for share in await later.shares()] == ["shared"]


@pytest.mark.parametrize("which", ["token", "tokens"])
async def test_nobody_ends_anothers_token(api: Api, institution: Institution, post: Letters, which: str) -> None:
    mine, theirs = await learner(api, post, institution), await learner(api, post, institution)
    made_up = {"Authorization": f"Bearer {new_token()}"}
    refused = [mine.headers, institution.headers, api.operator, made_up, {}]
    assert [await end(theirs, which, headers) for headers in refused] == [403, 401, 401, 401, 401]
    assert [await works(mine), await works(theirs)] == [True, True]
