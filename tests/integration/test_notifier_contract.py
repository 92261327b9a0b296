"""What an endpoint asks for is what its requests look like: over real HTTP, at a real receiver."""

import base64
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from jsonschema import Draft202012Validator

from tests.fixtures.api import expect
from tests.fixtures.receiver import Delivery, Receiver
from tests.fixtures.services import Stacks
from tests.integration.lone_notifier import LoneNotifier, Platform, revoked
from tests.integration.test_notifier_endpoints import refusal

FORMATS = ["standard", "cloudevents-structured", "cloudevents-binary"]


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
def join(notifier: LoneNotifier, receiver: Receiver, http: httpx.AsyncClient) -> Any:
    """Registers an endpoint."""

    async def joined(behaviour: str = "ok", **asked: Any) -> Platform:
        return await Platform.join(notifier, receiver, http, behaviour, **asked)

    return joined


async def post(platform: Platform, path: str, body: Any = None, **headers: str) -> httpx.Response:
    """POST below the endpoint, as its institution."""
    url = f"/v1/endpoints/{platform.id}/{path}"
    return await platform.http.post(url, json=body, headers={**platform.tenant.headers, **headers})


def checks(delivery: Delivery, public_key: str) -> bool:
    """Whether one of the delivery's `v1a` signatures is by that key, over the bytes as they came."""
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key.removeprefix("whpk_")))
    signed = f"{delivery.message_id}.{delivery.headers['webhook-timestamp']}.{delivery.body}".encode()
    for entry in delivery.headers["webhook-signature"].split():
        version, _, signature = entry.partition(",")
        if version == "v1a":
            try:
                key.verify(base64.b64decode(signature), signed)
            except Exception:
                continue
            return True
    return False


class TestSignatures:
    async def test_who_asks_for_both_kinds_can_check_either(self, join: Any) -> None:
        platform = await join(signatures=["v1", "v1a"])
        await platform.tell()
        [delivery] = await platform.heard(1)
        delivery.verified(platform.secret)
        assert checks(delivery, (await platform.endpoint())["public_key"])

    async def test_v1_alone_is_what_others_get(self, join: Any) -> None:
        platform = await join()
        await platform.tell()
        [delivery] = await platform.heard(1)
        assert delivery.headers["webhook-signature"].startswith("v1,")
        assert "v1a," not in delivery.headers["webhook-signature"]


class TestFormats:
    @pytest.mark.parametrize("payload", ["thin", "full"])
    async def test_one_event_in_each_format_says_the_same(self, join: Any, payload: str) -> None:
        first = await join(payload=payload)
        platforms = [first] + [await join(payload=payload, format=f, tenant=first.tenant) for f in FORMATS[1:]]
        event = revoked(first.tenant.id)
        [event_id] = await first.notifier.publish(event)
        standard, structured, binary = [(await platform.heard(1))[0] for platform in platforms]
        for platform, delivery in zip(platforms, (standard, structured, binary), strict=True):
            delivery.verified(platform.secret)
        data = json.loads(standard.body)["data"]
        assert ("reason" in data) == (payload == "full")
        assert data["credential_id"] == str(event.credential_id)
        assert standard.message_id == structured.message_id == binary.message_id

        whole = json.loads(structured.body)
        assert structured.headers["content-type"] == "application/cloudevents+json"
        assert whole.pop("data") == data == json.loads(binary.body)
        assert whole.pop("datacontenttype") == binary.headers["content-type"] == "application/json"
        assert whole == {name[3:]: value for name, value in binary.headers.items() if name.startswith("ce-")}
        assert (whole["id"], whole["source"], whole["type"]) == (str(event_id), "/issuer", event.TYPE)
        assert whole["subject"] == str(event.credential_id)

    @pytest.mark.parametrize("format", FORMATS)
    async def test_a_retry_is_the_same_body_byte_by_byte(self, join: Any, format: str) -> None:
        platform = await join("status/500", format=format, payload="full")
        await platform.tell()
        tries = await platform.heard(3)
        assert len({delivery.body for delivery in tries}) == 1
        for delivery in tries:
            delivery.verified(platform.secret)


async def test_headers_of_ones_own_are_sent_and_cannot_take_the_place_of_ours(join: Any) -> None:
    platform = await join(headers={"Authorization": "Bearer of-the-platform", "X-Tenant": "a b"})
    await platform.tell()
    [delivery] = await platform.heard(1)
    assert delivery.headers["authorization"] == "Bearer of-the-platform"
    assert delivery.headers["x-tenant"] == "a b"
    assert delivery.headers["user-agent"] == "Laurel-Webhooks/1"
    delivery.verified(platform.secret)


async def test_a_filter_counts_for_what_comes_over_the_bus(join: Any) -> None:
    platform = await join(filter='status in ["active", "suspended"] and exists(links.credential)')
    other = await join(filter='status == "revoked"', tenant=platform.tenant)
    await platform.tell()
    await other.heard(1)
    assert await platform.receiver.received(platform.name) == []


class TestTrials:
    async def test_a_test_event_is_the_types_example_marked_and_for_one_endpoint(self, join: Any) -> None:
        platform = await join(payload="full", filter='status == "nothing is"')
        other = await join(tenant=platform.tenant)
        for name in ("credential.issued", "achievement.archived"):
            answer = expect(202, await post(platform, "test", {"type": name}))
            delivery = (await platform.heard(1 if name == "credential.issued" else 2))[-1]
            body = delivery.verified(platform.secret)
            assert (delivery.message_id, body["type"]) == (answer["message_id"], name)
            assert body["data"]["test"] is True
            assert body["data"]["institution_id"] == str(platform.tenant.id)
            shown = expect(200, await platform.http.get(f"/v1/event-types/{name}"))
            Draft202012Validator(shown["schemas"]["full"]).validate(body)
        await other.tell()
        await other.heard(1)
        assert len(await platform.receiver.received(other.name)) == 1
        for message in await platform.messages(endpoint=platform.id):
            if message["payload"]["data"].get("test"):
                url = f"/v1/messages/{message['id']}/resend"
                again = await platform.http.post(url, json={"endpoint": other.id}, headers=platform.tenant.headers)
                refusal(again, 422, "unknown-endpoint", "#/endpoint")
        assert not [each for each in await platform.messages(endpoint=other.id) if "test" in each["payload"]["data"]]

    async def test_a_repeated_request_is_one_test(self, join: Any) -> None:
        platform = await join()
        key = {"Idempotency-Key": "test"}
        both = [expect(202, await post(platform, "test", {"type": "credential.issued"}, **key)) for _ in range(2)]
        assert both[0] == both[1]
        assert len(await platform.messages()) == 1

    async def test_a_type_that_is_none_and_an_endpoint_that_is_paused_are_refused(self, join: Any) -> None:
        platform = await join()
        refusal(await post(platform, "test", {"type": "*"}), 422, "invalid-value", "#/type")
        match = {**platform.tenant.headers, "If-Match": '"1"'}
        path = f"/v1/endpoints/{platform.id}"
        expect(200, await platform.http.patch(path, json={"state": "paused"}, headers=match))
        refusal(await post(platform, "test", {"type": "credential.issued"}), 409, "wrong-state")

    async def test_who_answers_the_challenge_is_verified(self, join: Any) -> None:
        platform = await join("echo", headers={"X-Tenant": "7"})
        assert (await platform.endpoint())["verified_at"] is None
        answer = await post(platform, "verify")
        assert expect(200, answer)["verified_at"] is not None
        assert answer.headers["etag"] == '"2"'
        [delivery] = await platform.heard(1)
        assert delivery.verified(platform.secret)["data"]["endpoint_id"] == platform.id
        assert delivery.headers["x-tenant"] == "7"
        again = await post(platform, "verify")
        refusal(again, 429, "too-many-requests")
        assert again.headers["retry-after"] == "5"

    @pytest.mark.parametrize("behaviour", ["ok", "status/500", "hang", "reset", "huge", "redirect"])
    async def test_who_does_not_is_not(self, join: Any, behaviour: str) -> None:
        platform = await join(behaviour)
        refusal(await post(platform, "verify"), 409, "challenge-failed")
        assert (await platform.endpoint())["verified_at"] is None


async def test_the_event_types_are_public_and_each_is_found(http: httpx.AsyncClient) -> None:
    items = expect(200, await http.get("/v1/event-types"))["items"]
    assert len(items) >= 15
    for item in items:
        assert expect(200, await http.get(f"/v1/event-types/{item['name']}")) == item
    refusal(await http.get("/v1/event-types/message.exhausted"), 404, "not-found")
    refusal(await http.get("/v1/event-types/x"), 404, "not-found")
