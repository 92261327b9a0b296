"""One credential, end to end, on both buses: institution, signed badge, registry, verifier, webhook."""

import json
from typing import Any
from uuid import uuid4

import pytest
from standardwebhooks.webhooks import Webhook

from tests.fixtures.api import Api, Institution
from tests.fixtures.receiver import Delivery, Receiver
from tests.fixtures.stack import Stack

EVENTS = [
    "credential.issued",
    "credential.registered",
    "credential.revoked",
    "credential.suspended",
    "credential.reinstated",
]


class Listener:
    """An institution's endpoint at the receiver."""

    def __init__(self, receiver: Receiver, secret: str, name: str) -> None:
        self._receiver, self._secret, self._name = receiver, secret, name

    @classmethod
    async def register(cls, api: Api, institution: Institution, receiver: Receiver) -> "Listener":
        name = uuid4().hex
        endpoint = await api.endpoint(institution, receiver.url(name), EVENTS)
        return cls(receiver, endpoint["secret"], name)

    async def heard(self, count: int) -> list[dict[str, Any]]:
        """The first `count` distinct messages, each signature checked with the specification's own library."""
        deliveries: dict[str, Delivery] = {}
        for delivery in await self._receiver.wait(self._name, count):
            Webhook(self._secret).verify(delivery.body, delivery.headers)
            deliveries.setdefault(delivery.headers["webhook-id"], delivery)
        assert len(deliveries) == count, [delivery.body for delivery in deliveries.values()]
        return [json.loads(delivery.body) for delivery in deliveries.values()]


@pytest.mark.parametrize("cryptosuite", ["eddsa-rdfc-2022", "eddsa-jcs-2022"])
async def test_issued_registered_verified_announced_and_revoked(api: Api, receiver: Receiver, cryptosuite: str) -> None:
    institution = await api.institution()
    listener = await Listener.register(api, institution, receiver)
    achievement = await api.achievement(institution)
    issued = await api.issue(institution, achievement, cryptosuite=cryptosuite)
    document, credential_id = issued["credential"], issued["id"]
    assert issued["status"] == "active"
    assert document["proof"]["cryptosuite"] == cryptosuite
    assert document["issuer"]["id"] == institution.did

    assert await api.registered(credential_id) == document
    verification = await api.verify(document)
    assert verification["verified"] is True
    assert verification["verdict"] == "valid"
    assert {check["check"]: check["outcome"] for check in verification["checks"]} == {
        "proof": "pass",
        "schema": "pass",
        "issuer": "pass",
        "validity": "pass",
        "status": "pass",
    }
    messages = {message["type"]: message["data"] for message in await listener.heard(2)}
    assert messages.keys() == {"credential.issued", "credential.registered"}
    assert all(data["credential_id"] == credential_id for data in messages.values())
    assert messages["credential.issued"]["achievement_id"] == achievement
    assert "learner@example.com" not in json.dumps(messages)

    assert (await api.change(institution, credential_id, "revoke"))["status"] == "revoked"
    refused = await api.verdict(document, "revoked-or-suspended")
    assert refused["verified"] is False
    assert {check["check"] for check in refused["checks"] if check["outcome"] == "fail"} == {"status"}
    last = (await listener.heard(3))[-1]
    assert (last["type"], last["data"]["status"]) == ("credential.revoked", "revoked")


async def test_a_suspension_ends_with_its_reinstatement(api: Api, receiver: Receiver) -> None:
    institution = await api.institution()
    listener = await Listener.register(api, institution, receiver)
    issued = await api.issue(institution, await api.achievement(institution))
    document, credential_id = issued["credential"], issued["id"]
    await api.registered(credential_id)
    await api.verdict(document, "valid")
    await api.change(institution, credential_id, "suspend")
    await api.verdict(document, "revoked-or-suspended")
    await api.change(institution, credential_id, "reinstate")
    await api.verdict(document, "valid")
    heard = await listener.heard(4)
    about_status = [message["type"] for message in heard if message["type"] != "credential.registered"]
    assert sorted(about_status) == ["credential.issued", "credential.reinstated", "credential.suspended"]


async def test_a_credential_verifies_while_the_issuer_is_stopped(running: Stack, api: Api) -> None:
    institution = await api.institution()
    achievement = await api.achievement(institution)
    good, bad = [await api.issue(institution, achievement, f"{name}@example.com") for name in ("good", "bad")]
    await api.change(institution, bad["id"], "revoke")
    for issued in (good, bad):
        await api.registered(issued["id"])
    await api.verdict(good["credential"], "valid")
    await api.verdict(bad["credential"], "revoked-or-suspended")
    assert running["issuer"].stop() == 0
    assert (await api.verify(good["credential"]))["verdict"] == "valid"
    assert (await api.verify(bad["credential"]))["verdict"] == "revoked-or-suspended"
    running.restart("verifier")  # nothing of this is in its memory alone
    assert (await api.verify(good["credential"]))["verdict"] == "valid"
    assert (await api.registered(good["id"])) == good["credential"]
    changed = {**good["credential"], "validFrom": "2001-01-01T00:00:00Z"}
    assert (await api.verify(changed))["verdict"] == "forged"


async def test_a_token_of_the_issuer_works_at_every_service(api: Api) -> None:
    institution = await api.institution()
    for service in ("issuer", "notifier"):
        path = {"issuer": "/v1/credentials", "notifier": "/v1/endpoints"}[service]
        answer = await api.http.get(f"{api.urls[service]}{path}", headers=institution.headers)
        assert answer.status_code == 200, answer.text
        refused = await api.http.get(f"{api.urls[service]}{path}", headers={"Authorization": "Bearer x"})
        assert refused.status_code == 401
        assert refused.headers["content-type"] == "application/problem+json"
