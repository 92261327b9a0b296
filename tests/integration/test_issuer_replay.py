"""Every event can be told again, exactly as it was told first."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from shared.credentials.sealing import Sealer
from shared.events.catalogue.credential import Sealed
from shared.events.sealed_text import unseal_text
from tests.fixtures.api import ACHIEVEMENT, Api, Institution, expect
from tests.fixtures.issuer import RECIPIENT_KEY, LoneIssuer, Sent, lone_issuer
from tests.fixtures.postgres import Templates

RECIPIENTS = Sealer.from_text(RECIPIENT_KEY)


@pytest.fixture
async def told(templates: Templates, tmp_path: Path) -> Any:
    """An issuer of its own, in whose life every type of event happened."""
    async with templates.database("issuer") as database:
        with lone_issuer(database, tmp_path) as issuer:
            async with issuer.api() as api:
                await every_event(api)
                yield issuer, api


async def every_event(api: Api) -> None:
    base = f"{api.urls['issuer']}/v1"
    tenant = await api.institution()
    achievement = await api.achievement(tenant, tag=["a"])
    made = await api.issue(tenant, achievement)
    past = await api.issue(tenant, achievement, validFrom="2020-01-01T00:00:00Z", validUntil="2021-01-01T00:00:00Z")
    await expired(api, tenant, past["id"])
    for verb in ("suspend", "reinstate", "revoke"):
        await api.change(tenant, made["id"], verb)
    put = {**tenant.headers, "If-Match": '"2"'}
    expect(200, await api.http.put(f"{base}/achievements/{achievement}", json=ACHIEVEMENT, headers=put))
    await api.issue(tenant, achievement)
    patch = {**tenant.headers, "If-Match": '"2"'}
    profile = {"name": "N", "linkedin_organization_id": 7}
    expect(200, await api.http.patch(f"{base}/institutions/{tenant.id}", json=profile, headers=patch))
    rotated = expect(200, await api.http.post(f"{base}/keys/rotate", headers=tenant.headers))
    stolen = {"reason": "stolen"}
    compromise = f"{base}/keys/{rotated['id']}/compromise"
    expect(200, await api.http.post(compromise, json=stolen, headers=tenant.headers))
    expect(200, await api.http.post(f"{base}/achievements/{achievement}/archive", headers=tenant.headers))
    suspend = f"{base}/institutions/{tenant.id}/suspend"
    expect(200, await api.http.post(suspend, json={"reason": "unpaid"}, headers=api.operator))
    platform = await api.platform()
    patch = {**api.operator, "If-Match": '"1"'}
    url = f"{base}/platforms/{platform.id}"
    expect(200, await api.http.patch(url, json={"name": "Renamed", "email": "new@p.example"}, headers=patch))
    expect(200, await api.http.post(f"{url}/suspend", json={"reason": "sold data"}, headers=api.operator))


async def expired(api: Api, tenant: Institution, credential_id: str) -> None:
    """Wait until the issuer has noticed."""
    url, deadline = f"{api.urls['issuer']}/v1/credentials/{credential_id}", time.monotonic() + 15
    while (await api.http.get(url, headers=tenant.headers)).json()["status"] != "expired":
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


def by_id(events: list[Sent]) -> dict[str, Sent]:
    """The events with what is sealed in them opened: each sealing looks different."""
    return {event.id: replace(event, value=opened(event)) for event in events}


def opened(event: Sent) -> dict[str, Any]:
    if "recipient" not in event.value:
        return event.value
    sealed = Sealed.model_validate(event.value["recipient"])
    return {**event.value, "recipient": unseal_text(RECIPIENTS, sealed, "recipient", UUID(event.key))}


async def test_a_replay_repeats_each_event_with_its_id_time_and_content(told: tuple[LoneIssuer, Api]) -> None:
    issuer, api = told
    first = await issuer.events()
    await issuer.fetch("DELETE FROM outbox")
    cursor, pages = None, 0
    while True:
        body = {"limit": 4, **({"cursor": cursor} if cursor else {})}
        page = expect(200, await api.http.post(f"{api.urls['issuer']}/v1/replay", json=body, headers=api.operator))
        assert page["missing"] == 0
        pages += 1
        cursor = page["next"]
        if cursor is None:
            break
    again = await issuer.events()

    assert len({event.type for event in first}) == 17
    assert sum("recipient" in event.value for event in again) == 3
    assert pages == -(-len(first) // 4)
    assert by_id(again) == by_id(first)
    for key in {event.key for event in first}:
        versions = [event.version for event in again if event.key == key]
        assert versions == list(range(1, len(versions) + 1))


async def test_an_institution_cannot_replay_and_a_cursor_cannot_be_forged(issuer_api: Api) -> None:
    tenant = await issuer_api.institution()
    url = f"{issuer_api.urls['issuer']}/v1/replay"
    denied = await issuer_api.http.post(url, json={}, headers=tenant.headers)
    forged = await issuer_api.http.post(url, json={"cursor": "AAAA"}, headers=issuer_api.operator)

    assert denied.status_code == 403
    assert expect(400, forged)["code"] == "invalid-cursor"
