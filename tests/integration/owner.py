"""An institution that has one of everything, and a good body for every route: what bad input is put beside."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from tests.fixtures.api import ACHIEVEMENT, Api, Institution, expect
from tests.fixtures.receiver import Receiver

# A body that each route would take from the owner; a new schema has to be added here.
GOOD: dict[str | None, Any] = {
    None: None,
    "Reason": {"reason": "x"},
    "CompromiseBody": {"reason": "x"},
    "AchievementBody": ACHIEVEMENT,
    "ProfileChanges": {"name": "mine"},
    "EndpointChanges": {"description": "mine"},
    "ResendBody": {},
    "SecretRotation": {},
    "TestBody": {"type": "credential.issued"},
    "BounceBody": {"message_id": "<x@y>", "status": "5.1.1"},
    "EraseBody": {"email": "nobody@example.org"},
    "KeyBody": {"algorithm": "P-384"},
    "RotateBody": {},
    "RecoverBody": {"since": "2026-01-01T00:00:00Z"},
    "RedriveBody": {},
    "StatusRequest": {
        "credentialId": "urn:x:owned",
        "credentialStatus": {"statusPurpose": "suspension"},
        "status": True,
    },
}


@dataclass(frozen=True, slots=True)
class Owner:
    """An institution that has one of everything; `ids` are by the names of path parameters."""

    institution: Institution
    ids: dict[str, str]


async def owner(api: Api, receiver: Receiver) -> Owner:
    """Make one."""
    tenant, name = await api.institution(), uuid4().hex
    endpoint = await api.endpoint(tenant, receiver.url(name), ["credential.issued"])
    achievement = await api.achievement(tenant)
    credential = await api.issue(tenant, achievement)
    await receiver.wait(name, 1)
    message = await first(api, tenant, "notifier", "/v1/messages?type=credential.issued")
    key = await first(api, tenant, "issuer", "/v1/keys")
    client = await first(api, tenant, "issuer", "/v1/clients")
    task = await recovery(api, tenant, endpoint["id"])
    platform = await api.platform()
    ids = {
        "achievement_id": achievement,
        "client_id": tenant.client_id,
        "credential_id": credential["id"],
        "dead_letter_id": "1",  # whoever's: test_notifier_recovery.py has a real one
        "endpoint_id": endpoint["id"],
        "institution_id": tenant.id,
        "key_id": key["id"],
        "letter_id": await letter_about_an_endpoint(api, receiver, tenant),
        "message_id": message["id"],
        "platform_id": platform.id,
        "revision": "1",
        "secret_id": client["secrets"][0]["id"],
        "task_id": task["id"],
    }
    await delivered(api, tenant, ids["message_id"])
    await api.secure(tenant, statusPurposes=["suspension"], credentialId="urn:x:owned")
    return Owner(tenant, ids)


async def recovery(api: Api, tenant: Institution, endpoint: str) -> dict[str, Any]:
    """A task that has ended."""
    urls, headers = api.urls["notifier"], tenant.headers
    begun = await api.http.post(
        f"{urls}/v1/endpoints/{endpoint}/recover", json={"since": "2026-01-01T00:00:00Z"}, headers=headers
    )
    task = expect(202, begun)
    while task["state"] == "running":
        await asyncio.sleep(0.1)
        task = expect(200, await api.http.get(f"{urls}/v1/tasks/{task['id']}", headers=headers))
    return task


async def first(api: Api, tenant: Institution, service: str, path: str) -> dict[str, Any]:
    """The first of a list."""
    return dict(expect(200, await api.http.get(api.urls[service] + path, headers=tenant.headers))["items"][0])


async def letter_about_an_endpoint(api: Api, receiver: Receiver, tenant: Institution) -> str:
    """The institution is written to when an endpoint of its own says that it is gone."""
    name = uuid4().hex
    await api.endpoint(tenant, receiver.url(name, "status/410"), ["achievement.published"])
    await api.achievement(tenant)
    deadline, url = time.monotonic() + 10, f"{api.urls['notifier']}/v1/letters"
    while not (found := expect(200, await api.http.get(url, headers=tenant.headers))["items"]):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    return str(found[0]["id"])


async def delivered(api: Api, tenant: Institution, message: str, seconds: float = 10) -> None:
    """Wait until the attempt is on record."""
    deadline = time.monotonic() + seconds
    url = f"{api.urls['notifier']}/v1/messages/{message}"
    while expect(200, await api.http.get(url, headers=tenant.headers))["deliveries"][0]["state"] != "delivered":
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
