"""Verbs that do not fit the state of a thing: 409 or 403 with a name, and nothing is written."""

from typing import Any

import httpx
import pytest

from tests.fixtures.api import ACHIEVEMENT, Api, Institution, expect
from tests.fixtures.stack import Stack
from tests.integration.surface import fault, unchanged

pytestmark = pytest.mark.parametrize("bus_kind", ["embedded"], indirect=True)
REASON = {"reason": "a test"}
RECIPIENT = {"email": "a@example.org"}


class Tenant:
    """An institution's own requests to the issuer, whatever the answer."""

    def __init__(self, api: Api, institution: Institution) -> None:
        self.api, self.institution = api, institution

    async def post(self, path: str, body: Any = None, key: str | None = None) -> httpx.Response:
        """POST below /v1."""
        headers = {**self.institution.headers, **({"Idempotency-Key": key} if key else {})}
        return await self.api.http.post(f"{self.api.urls['issuer']}/v1/{path}", json=body, headers=headers)

    async def rewrite(self, achievement: str, version: int) -> httpx.Response:
        """PUT an achievement."""
        url = f"{self.api.urls['issuer']}/v1/achievements/{achievement}"
        headers = {**self.institution.headers, "If-Match": f'"{version}"'}
        return await self.api.http.put(url, json={**ACHIEVEMENT, "name": "Other"}, headers=headers)

    async def issue(self, achievement: str) -> httpx.Response:
        """Issue from an achievement."""
        return await self.post("credentials", {"achievement": achievement, "recipient": RECIPIENT})

    async def credential(self, achievement: str, *verbs: str) -> str:
        """A credential to which that was done."""
        made = str(expect(201, await self.issue(achievement))["id"])
        for verb in verbs:
            expect(200, await self.post(f"credentials/{made}/{verb}", REASON))
        return made

    async def achievement(self, *verbs: str) -> str:
        """An achievement to which that was done."""
        made = str(expect(201, await self.post("achievements", ACHIEVEMENT))["id"])
        for verb in verbs:
            expect(200, await self.post(f"achievements/{made}/{verb}"))
        return made


@pytest.fixture
async def tenant(api: Api) -> Tenant:
    return Tenant(api, await api.institution())


async def test_a_credentials_verb_that_does_not_fit_changes_nothing(running: Stack, tenant: Tenant) -> None:
    achievement = await tenant.achievement("publish")
    states = {
        (): ["reinstate"],
        ("suspend",): ["suspend"],
        ("suspend", "reinstate"): ["reinstate"],
        ("revoke",): ["revoke", "suspend", "reinstate"],
        ("suspend", "revoke"): ["revoke", "suspend", "reinstate"],
    }
    ids = {verbs: await tenant.credential(achievement, *verbs) for verbs in states}
    async with unchanged(running):
        answers = {
            (*done, verb): await tenant.post(f"credentials/{ids[done]}/{verb}", REASON)
            for done, verbs in states.items()
            for verb in verbs
        }
    faults = {verbs: fault(answer, {409}, {"wrong-state"}) for verbs, answer in answers.items()}
    assert faults == dict.fromkeys(answers)


async def test_a_revocation_that_comes_again_with_its_key_is_answered_as_before(running: Stack, tenant: Tenant) -> None:
    credential = await tenant.credential(await tenant.achievement("publish"))
    first = await tenant.post(f"credentials/{credential}/revoke", REASON, key="once")
    async with unchanged(running):
        again = await tenant.post(f"credentials/{credential}/revoke", REASON, key="once")
    assert (first.status_code, again.status_code, again.content) == (200, 200, first.content)


async def test_an_achievements_verb_that_does_not_fit_changes_nothing(running: Stack, tenant: Tenant) -> None:
    draft = await tenant.achievement()
    published, archived = await tenant.achievement("publish"), await tenant.achievement("publish", "archive")
    await tenant.credential(published)  # the institution's lists exist
    async with unchanged(running):
        answers = {
            "issue from a draft": await tenant.issue(draft),
            "issue from an archived one": await tenant.issue(archived),
            "archive a draft": await tenant.post(f"achievements/{draft}/archive"),
            "publish twice": await tenant.post(f"achievements/{published}/publish"),
            "publish again": await tenant.post(f"achievements/{archived}/publish"),
            "archive twice": await tenant.post(f"achievements/{archived}/archive"),
            "rewrite an archived one": await tenant.rewrite(archived, 3),
        }
    assert {what: fault(each, {409}, {"wrong-state"}) for what, each in answers.items()} == dict.fromkeys(answers)


async def test_what_ended_stays_ended(running: Stack, api: Api, tenant: Tenant) -> None:
    client = expect(201, await tenant.post("clients", {"name": "program"}))["client_id"]
    expect(200, await tenant.post(f"clients/{client}/revoke"))
    keys = await api.http.get(f"{api.urls['issuer']}/v1/keys", headers=tenant.institution.headers)
    leaked = expect(200, keys)["items"][0]["id"]
    expect(200, await tenant.post(f"keys/{leaked}/compromise", REASON))
    async with unchanged(running):
        answers = [
            await tenant.post(f"clients/{client}/revoke"),
            await tenant.post(f"clients/{client}/secrets"),
            await tenant.post(f"keys/{leaked}/compromise", REASON),
        ]
    assert [fault(answer, {409}, {"wrong-state"}) for answer in answers] == [None] * len(answers)


async def test_a_suspended_institution_issues_and_publishes_nothing(running: Stack, api: Api, tenant: Tenant) -> None:
    published, draft = await tenant.achievement("publish"), await tenant.achievement()
    credential = await tenant.credential(published)
    url = f"{api.urls['issuer']}/v1/institutions/{tenant.institution.id}/suspend"
    expect(200, await api.http.post(url, json=REASON, headers=api.operator))
    async with unchanged(running):
        answers = [await tenant.issue(published), await tenant.post(f"achievements/{draft}/publish")]
    assert [fault(each, {403}, {"institution-suspended"}) for each in answers] == [None] * len(answers)
    expect(200, await tenant.post(f"credentials/{credential}/revoke", REASON))
