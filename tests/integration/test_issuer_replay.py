"""Every event can be told again, exactly as it was told first."""

from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.api import ACHIEVEMENT, Api, expect
from tests.fixtures.issuer import LoneIssuer, Sent, lone_issuer
from tests.fixtures.postgres import Templates


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
    for verb in ("suspend", "reinstate", "revoke"):
        await api.change(tenant, made["id"], verb)
    put = {**tenant.headers, "If-Match": '"2"'}
    expect(200, await api.http.put(f"{base}/achievements/{achievement}", json=ACHIEVEMENT, headers=put))
    await api.issue(tenant, achievement)
    patch = {**tenant.headers, "If-Match": '"2"'}
    expect(200, await api.http.patch(f"{base}/institutions/{tenant.id}", json={"name": "N"}, headers=patch))
    rotated = expect(200, await api.http.post(f"{base}/keys/rotate", headers=tenant.headers))
    stolen = {"reason": "stolen"}
    compromise = f"{base}/keys/{rotated['id']}/compromise"
    expect(200, await api.http.post(compromise, json=stolen, headers=tenant.headers))
    expect(200, await api.http.post(f"{base}/achievements/{achievement}/archive", headers=tenant.headers))
    suspend = f"{base}/institutions/{tenant.id}/suspend"
    expect(200, await api.http.post(suspend, json={"reason": "unpaid"}, headers=api.operator))


def by_id(events: list[Sent]) -> dict[str, Sent]:
    return {event.id: event for event in events}


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

    assert len({event.type for event in first}) == 13
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
