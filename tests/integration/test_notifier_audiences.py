"""Institutions and platforms at the notifier: what each may ask for, and what each gets by the same names."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from jsonschema import Draft202012Validator

from shared.events.ids import new_id
from tests.fixtures.api import expect
from tests.fixtures.receiver import Receiver
from tests.fixtures.services import Stacks
from tests.integration.lone_notifier import LoneNotifier, Platform, Tenant, share_changed
from tests.integration.test_notifier_contract import post
from tests.integration.test_notifier_endpoints import BODY, made, refusal, rows


@pytest.fixture(scope="module")
def notifier(stacks: Stacks) -> Iterator[LoneNotifier]:
    """The notifier alone."""
    with LoneNotifier.on(stacks, "embedded") as made:
        yield made


@pytest.fixture
async def http(notifier: LoneNotifier) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=notifier.url, timeout=30, trust_env=False, verify=False) as client:
        yield client


@pytest.fixture
def tenant(notifier: LoneNotifier) -> Tenant:
    """An institution."""
    return notifier.tenant()


@pytest.fixture
def join(notifier: LoneNotifier, receiver: Receiver, http: httpx.AsyncClient) -> Any:
    """Registers an endpoint of a platform, a new one unless it is given."""

    async def joined(**asked: Any) -> Platform:
        return await Platform.join(notifier, receiver, http, **{"tenant": notifier.tenant(kind="platform"), **asked})

    return joined


@pytest.mark.parametrize(
    ("kind", "known", "events", "detail"),
    [
        (
            "platform",
            ["credential.shared", "credential.revoked", "credential.expired"],
            ["credential.issued", "*"],
            "a platform can ask for credential.shared, credential.unshared, credential.reinstated,"
            " credential.suspended, credential.revoked, credential.expired",
        ),
        (
            "institution",
            ["credential.claimed", "credential.revoked", "endpoint.failing"],
            ["credential.shared"],
            "an institution can ask for all types but credential.shared, credential.unshared, of which platforms alone"
            " are told",
        ),
    ],
)
async def test_what_a_tenant_can_never_hear_of_is_refused(
    notifier: LoneNotifier, http: httpx.AsyncClient, kind: str, known: list[str], events: list[str], detail: str
) -> None:
    tenant = notifier.tenant(kind=kind)
    endpoint = await made(http, tenant, events=["*", *known])
    match = {**tenant.headers, "If-Match": '"1"'}
    for answer in (
        await http.post("/v1/endpoints", json={**BODY, "events": events}, headers=tenant.headers),
        await http.patch(f"/v1/endpoints/{endpoint['id']}", json={"events": events}, headers=match),
    ):
        refusal(answer, 422, "invalid-value", "#/events")
        assert answer.json()["detail"] == detail
    assert await rows(notifier, "endpoint", tenant) == 1
    tried = await http.post(f"/v1/endpoints/{endpoint['id']}/test", json={"type": events[0]}, headers=tenant.headers)
    refusal(tried, 422, "invalid-value", "#/type")
    assert tried.json()["errors"][0]["detail"] == detail


async def test_a_platform_may_name_institutions_and_an_institution_none(
    notifier: LoneNotifier, http: httpx.AsyncClient, tenant: Tenant
) -> None:
    platform, ids = notifier.tenant(kind="platform"), [str(new_id()), str(new_id())]
    endpoint = await made(http, platform, events=["*"], institutions=[*ids, ids[0]])
    assert endpoint["institutions"] == ids
    path, match = f"/v1/endpoints/{endpoint['id']}", {**platform.headers, "If-Match": '"1"'}
    fewer = expect(200, await http.patch(path, json={"institutions": ids[1:]}, headers=match))
    assert fewer["institutions"] == ids[1:]
    match["If-Match"] = '"2"'
    assert expect(200, await http.patch(path, json={"institutions": None}, headers=match))["institutions"] is None

    asked = {**BODY, "institutions": [str(tenant.id)]}
    refusal(
        await http.post("/v1/endpoints", json=asked, headers=tenant.headers), 422, "invalid-value", "#/institutions"
    )
    assert (await made(http, tenant, institutions=None))["institutions"] is None


async def test_a_platform_hears_of_the_institutions_and_achievements_it_names(
    join: Any, notifier: LoneNotifier
) -> None:
    institution, achievement, other = uuid4(), uuid4(), uuid4()
    everything = await join()
    by_institution = await join(tenant=everything.tenant, institutions=[str(institution)])
    by_achievement = await join(tenant=everything.tenant, achievements=[str(achievement)])
    for named in (
        {"institution_id": institution, "achievement_id": achievement},
        {"institution_id": institution, "achievement_id": other},
        {"institution_id": other, "achievement_id": achievement},
        {"institution_id": other, "achievement_id": other},
    ):
        await notifier.publish(share_changed(everything.tenant.id, **named))
    said = [json.loads(delivery.body)["data"] for delivery in await everything.heard(4)]
    for platform, name, wanted in (
        (by_institution, "institution_id", institution),
        (by_achievement, "achievement_id", achievement),
    ):
        told = [json.loads(delivery.body)["data"] for delivery in await platform.heard(2)]
        assert sorted(told, key=str) == sorted((data for data in said if data[name] == str(wanted)), key=str)


async def test_what_became_of_a_share_keeps_id_and_source_of_its_event(join: Any, notifier: LoneNotifier) -> None:
    platform = await join(format="cloudevents-structured")
    event = share_changed(platform.tenant.id)
    [event_id] = await notifier.publish(event)
    [delivery] = await platform.heard(1)
    told = delivery.verified(platform.secret)
    assert (told["id"], told["source"]) == (str(event_id), "/registry")
    assert (told["type"], told["subject"]) == ("org.laurel.credential.suspended.v1", str(event.credential_id))
    assert told["data"]["share_id"] == str(event.share_id)


@pytest.mark.parametrize("payload", ["thin", "full"])
async def test_a_platform_is_sent_what_a_platform_gets(join: Any, notifier: LoneNotifier, payload: str) -> None:
    platform = await join(payload=payload)
    for count, name in enumerate(("credential.shared", "credential.revoked", "credential.unshared"), start=1):
        expect(202, await post(platform, "test", {"type": name}))
        body = (await platform.heard(count))[-1].verified(platform.secret)
        shown = expect(200, await platform.http.get(f"/v1/event-types/{name}"))
        Draft202012Validator(shown["platform"]["schemas"][payload]).validate(body)
        assert (body["type"], body["data"]["platform_id"]) == (name, str(platform.tenant.id))
        assert body["data"]["institution_id"] != str(platform.tenant.id)
        assert body["data"]["test"] is True
