"""A learner's credential, end to end on both buses: letter, claim, share, the platform's webhooks, removal."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.fixtures.api import Api, Institution, expect
from tests.fixtures.receiver import Receiver
from tests.fixtures.stack import Stack
from tests.integration.learners import Learner, Letters, known, letters

IMAGE = {"id": "https://university.example/badge.png"}
ALIGNMENT = {"targetName": "Statistics", "targetUrl": "https://esco.example/s/1", "targetFramework": "ESCO"}


@pytest.fixture
async def post(running: Stack) -> AsyncIterator[Letters]:
    async with letters(running) as reader:
        yield reader


class Hearing:
    """A tenant's endpoint at the receiver."""

    def __init__(self, receiver: Receiver, name: str, secret: str) -> None:
        self._receiver, self._name, self._secret = receiver, name, secret

    @classmethod
    async def of(cls, api: Api, tenant: Institution, receiver: Receiver, *events: str) -> "Hearing":
        """Register it, for all events unless some are named."""
        name = uuid4().hex
        made = await api.endpoint(tenant, receiver.url(name), events or ["*"])
        return cls(receiver, name, made["secret"])

    async def heard(self, count: int) -> list[dict[str, Any]]:
        """The messages in the order in which they happened, their signatures checked."""
        deliveries = await self._receiver.wait(self._name, count)
        bodies = {delivery.message_id: delivery.verified(self._secret) for delivery in deliveries}
        assert len(bodies) == count, list(bodies.values())
        return sorted(bodies.values(), key=lambda body: body["timestamp"])


async def confirm(api: Api, platform: Institution, share_id: str) -> dict[str, Any]:
    url = f"{api.urls['registry']}/v1/shares/{share_id}/removed"
    return expect(200, await api.http.post(url, headers=platform.headers))


async def listed(api: Api, headers: dict[str, str], **params: str) -> list[dict[str, Any]]:
    url = f"{api.urls['registry']}/v1/shares"
    return list(expect(200, await api.http.get(url, params=params, headers=headers))["items"])


async def test_a_credential_is_claimed_shared_revoked_and_removed(api: Api, post: Letters, receiver: Receiver) -> None:
    institution, platform, other = await api.institution(), await api.platform(), await api.platform()
    at_school = await Hearing.of(api, institution, receiver, "credential.claimed", "credential.revoked")
    at_platform, elsewhere = [await Hearing.of(api, one, receiver) for one in (platform, other)]
    achievement = await api.achievement(institution, image=IMAGE, alignment=[ALIGNMENT])
    issued = await api.issue(institution, achievement, validUntil="2099-12-31T00:00:00Z")
    await known(api, platform.id)

    (offer,) = await post.offers(issued["id"])
    assert offer["occasion"] == "issued"
    assert offer["link"].startswith(f"{api.urls['registry'].replace('127.0.0.1', 'localhost')}/claim#{issued['id']}.")
    learner = await Learner.of(api, post, issued["id"])
    assert await learner.shares() == []
    shared = await learner.act("share", platform.slug, 201)
    assert (await learner.act("share", platform.id))["share_id"] == shared["share_id"]
    assert shared["consent"]["text"].startswith(
        f"I want Platform {platform.slug} (https://{platform.slug}.example.net)"
    )

    (message,) = await at_platform.heard(1)
    entry = message["data"]["entry"]
    assert message["type"] == "credential.shared"
    assert message["data"]["share_id"] == shared["share_id"]
    assert message["data"]["platform_id"] == platform.id
    assert entry["name"] == issued["credential"]["name"]
    assert entry["issuing_organization"]["did"] == institution.did
    assert entry["credential_url"] == issued["links"]["registry"]
    assert entry["image_url"] == IMAGE["id"]
    assert entry["skills"] == [{"name": "Statistics", "url": ALIGNMENT["targetUrl"], "framework": "ESCO"}]
    assert entry["expires_on"] == "2099-12-31T00:00:00Z"
    assert "expirationYear=2099&expirationMonth=12" in entry["add_to_profile_url"]

    await api.change(institution, issued["id"], "revoke")
    message = (await at_platform.heard(2))[1]
    assert (message["type"], message["data"]["status"]) == ("credential.revoked", "revoked")
    assert message["data"]["share_id"] == shared["share_id"]
    assert (await learner.act("unshare", platform.slug))["state"] == "withdrawn"
    message = (await at_platform.heard(3))[2]
    assert (message["type"], message["data"]["share_id"]) == ("credential.unshared", shared["share_id"])

    assert [one["share_id"] for one in await listed(api, platform.headers, state="withdrawn")] == [shared["share_id"]]
    first = await confirm(api, platform, shared["share_id"])
    assert (first["state"], first["status"]) == ("removed", "revoked")
    assert await confirm(api, platform, shared["share_id"]) == first
    assert await listed(api, platform.headers, state="withdrawn") == []
    (seen,) = await learner.shares()
    assert (seen["state"], seen["withdrawn_by"]) == ("removed", "learner")
    assert seen["removed_at"] == first["removed_at"]

    heard = await at_school.heard(2)
    assert {body["type"] for body in heard} == {"credential.claimed", "credential.revoked"}
    assert not [body for body in heard if {"share_id", "platform_id"} & body["data"].keys()]
    assert await elsewhere.heard(0) == []
    assert await listed(api, other.headers) == []


async def test_a_consent_is_kept_in_the_words_that_the_learner_read(api: Api, post: Letters) -> None:
    institution, platform = await api.institution(), await api.platform()
    issued = await api.issue(institution, await api.achievement(institution))
    await known(api, platform.id)
    learner = await Learner.of(api, post, issued["id"])
    url, share = (
        f"{api.urls['registry']}/v1/platforms?limit=200",
        f"{api.urls['registry']}/v1/credentials/{issued['id']}/share",
    )
    kept = []
    for asked, had in (("de-AT, en;q=0.5", "de"), ("fr", "fr"), ("es", "es"), ("it", "en")):
        headers = {**learner.headers, "Accept-Language": asked}
        shown = await api.http.get(url, headers=headers)
        assert (shown.headers["content-language"], shown.headers["vary"]) == (had, "Accept-Language")
        (terms,) = [item["consent"] for item in expect(200, shown)["items"] if item["id"] == platform.id]
        given = expect(201, await api.http.post(share, json={"platform": platform.id}, headers=headers))
        assert given["consent"] == terms
        await learner.act("unshare", platform.id)
        kept.append(terms)
    assert [one["consent"] for one in await learner.shares()] == kept[::-1]
    assert len({terms["text"] for terms in kept}) == 4


async def test_a_life_short_of_revocation_is_told_too(api: Api, post: Letters, receiver: Receiver) -> None:
    institution, platform = await api.institution(), await api.platform()
    hearing = await Hearing.of(api, platform, receiver)
    issued = await api.issue(institution, await api.achievement(institution))
    await known(api, platform.id)
    learner = await Learner.of(api, post, issued["id"])
    await learner.act("share", platform.id, 201)
    for count, verb in enumerate(("suspend", "reinstate"), start=2):
        await api.change(institution, issued["id"], verb)
        await hearing.heard(count)
    assert [(body["type"], body["data"].get("status")) for body in await hearing.heard(3)] == [
        ("credential.shared", None),
        ("credential.suspended", "suspended"),
        ("credential.reinstated", "active"),
    ]


async def test_what_has_expired_is_told_to_both(api: Api, post: Letters, receiver: Receiver) -> None:
    institution, platform = await api.institution(), await api.platform()
    at_school = await Hearing.of(api, institution, receiver, "credential.expired")
    at_platform = await Hearing.of(api, platform, receiver, "credential.expired")
    achievement = await api.achievement(institution)
    await known(api, platform.id)
    issued = await api.issue(institution, achievement, validUntil=_in(4))
    learner = await Learner.of(api, post, issued["id"])
    await learner.act("share", platform.id, 201)
    (told,), (heard,) = await at_school.heard(1), await at_platform.heard(1)
    assert told["data"]["status"] == heard["data"]["status"] == "expired"
    assert "share_id" in heard["data"]
    assert "share_id" not in told["data"]


async def test_a_platform_that_is_shut_out_has_to_remove_what_it_was_given(
    api: Api, post: Letters, receiver: Receiver
) -> None:
    institution, platform = await api.institution(), await api.platform()
    hearing = await Hearing.of(api, platform, receiver)
    issued = await api.issue(institution, await api.achievement(institution))
    await known(api, platform.id)
    learner = await Learner.of(api, post, issued["id"])
    shared = await learner.act("share", platform.slug, 201)
    url = f"{api.urls['issuer']}/v1/platforms/{platform.id}/suspend"
    expect(200, await api.http.post(url, json={"reason": "sold data"}, headers=api.operator))
    assert [body["type"] for body in await hearing.heard(2)] == ["credential.shared", "credential.unshared"]
    assert (await learner.act("share", platform.slug, 409))["code"] == "platform-suspended"
    (unconfirmed,) = await listed(api, api.operator, state="withdrawn", platform=platform.id)
    assert unconfirmed["share_id"] == shared["share_id"]
    await confirm(api, platform, shared["share_id"])
    assert await listed(api, api.operator, state="withdrawn", platform=platform.id) == []
    assert [share["withdrawn_by"] for share in await learner.shares()] == ["operator"]


async def test_a_link_that_was_asked_for_comes_by_letter(api: Api, post: Letters) -> None:
    institution = await api.institution()
    issued = await api.issue(institution, await api.achievement(institution))
    await post.offers(issued["id"])
    url = f"{api.urls['registry']}/v1/credentials/{issued['id']}/claim"
    assert expect(202, await api.http.post(url)) == {"status": "accepted"}
    silent = await api.issue(institution, await api.achievement(institution))
    await post.offers(silent["id"])
    assert len(await post.offers(issued["id"])) == 1, "five minutes have not passed"


async def test_every_record_has_a_link_that_adds_it_to_a_profile(api: Api) -> None:
    institution = await api.institution()
    headers = {**institution.headers, "If-Match": '"2"'}
    url = f"{api.urls['issuer']}/v1/institutions/{institution.id}"
    expect(200, await api.http.patch(url, json={"linkedin_organization_id": 1441}, headers=headers))
    issued = await api.issue(institution, await api.achievement(institution))
    await api.registered(issued["id"])
    record = expect(200, await api.http.get(f"{api.urls['registry']}/v1/credentials/{issued['id']}"))
    assert record["links"]["verify"].endswith("/v1/verify")
    assert record["links"]["add_to_profile"].startswith("https://www.linkedin.com/profile/add?startTask=")
    assert f"certId={issued['id']}" in record["links"]["add_to_profile"]


def _in(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()
