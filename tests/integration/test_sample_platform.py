"""The sample platform as a process of its own: what a learner shares is on the page, and goes when it has to."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from services.cli.ports import free_ports
from tests.fixtures.api import Api, Institution
from tests.fixtures.stack import Stack
from tests.integration.learners import Learner, Letters, known, letters
from tests.integration.sample_platform import served

FIELDS: dict[str, Any] = {
    "name": "Statistics <b>& more</b>",
    "image": {"id": "https://university.example/badge.png"},
    "alignment": [{"targetName": "Regression", "targetUrl": "https://esco.example/s/1", "targetFramework": "ESCO"}],
}


@pytest.fixture
async def post(running: Stack) -> AsyncIterator[Letters]:
    async with letters(running) as reader:
        yield reader


async def issued(api: Api, post: Letters, platform: Institution, email: str, **fields: Any) -> tuple[Any, Learner]:
    """An institution that has issued a credential to a learner, and the learner, who has claimed it."""
    institution = await api.institution()
    credential = await api.issue(institution, await api.achievement(institution, **FIELDS), email, **fields)
    await known(api, platform.id)
    return institution, await Learner.of(api, post, credential["id"])


async def confirmed(learner: Learner, seconds: float = 20) -> None:
    """Return when the platform has told the registry of the removal."""
    deadline = time.monotonic() + seconds
    while (share := (await learner.shares())[0])["state"] != "removed":
        assert time.monotonic() < deadline, share
        await asyncio.sleep(0.05)


async def test_what_is_shared_is_shown_and_what_is_unshared_is_gone_and_confirmed(
    api: Api, post: Letters, tmp_path: Path
) -> None:
    platform, email = await api.platform(), f"{uuid4().hex}@Example.com"
    async with served(api, platform, email, tmp_path / "db", free_ports()["notifier"]) as sample:
        institution, learner = await issued(api, post, platform, email, validUntil="2099-12-31T00:00:00Z")
        assert "Statistics" not in await sample.page()
        shared = await learner.act("share", platform.slug, 201)
        page = await sample.until("Statistics")
        assert "Statistics &lt;b&gt;&amp; more&lt;/b&gt;" in page
        assert f"University {institution.slug}" in page
        assert "expires 31 December 2099" in page
        assert 'href="https://esco.example/s/1">Regression<' in page
        assert 'src="https://university.example/badge.png"' in page
        assert f"/credentials/{learner.credential_id}" in page
        assert "Statistics" not in await sample.page("/members/bob")
        verification = f"/badges/{shared['share_id']}/verify"
        assert f'href="{verification}"' in page
        assert "Verified: valid" in await sample.page(verification)

        await learner.act("unshare", platform.slug)
        await sample.until("Statistics", shown=False)
        await confirmed(learner)
        assert (await api.http.get(f"{sample.url}{verification}")).status_code == 404


async def test_what_is_suspended_is_marked_and_what_is_revoked_is_gone_and_confirmed(
    api: Api, post: Letters, tmp_path: Path
) -> None:
    platform, email = await api.platform(), f"{uuid4().hex}@example.com"
    async with served(api, platform, email, tmp_path / "db", free_ports()["notifier"]) as sample:
        institution, learner = await issued(api, post, platform, email)
        await learner.act("share", platform.slug, 201)
        await sample.until("Statistics")
        await api.change(institution, learner.credential_id, "suspend")
        await sample.until("Suspended")
        await api.change(institution, learner.credential_id, "reinstate")
        assert "Statistics" in await sample.until("Suspended", shown=False)
        await api.change(institution, learner.credential_id, "revoke")
        await sample.until("Statistics", shown=False)
        await confirmed(learner)


async def test_what_has_expired_is_gone_and_still_the_learners_to_withdraw(
    api: Api, post: Letters, tmp_path: Path
) -> None:
    platform, email = await api.platform(), f"{uuid4().hex}@example.com"
    async with served(api, platform, email, tmp_path / "db", free_ports()["notifier"]) as sample:
        end = (datetime.now(UTC) + timedelta(seconds=6)).isoformat()
        _, learner = await issued(api, post, platform, email, validUntil=end)
        await learner.act("share", platform.slug, 201)
        await sample.until("Statistics")
        await sample.until("Statistics", shown=False)
        assert [share["state"] for share in await learner.shares()] == ["shared"]
        await learner.act("unshare", platform.slug)
        await confirmed(learner)


async def test_a_restart_forgets_nothing_and_catches_up(api: Api, post: Letters, tmp_path: Path) -> None:
    platform, email, port = await api.platform(), f"{uuid4().hex}@example.com", free_ports()["notifier"]
    async with served(api, platform, email, tmp_path / "db", port) as sample:
        _, learner = await issued(api, post, platform, email)
        await learner.act("share", platform.slug, 201)
        await sample.until("Statistics")
    async with served(api, platform, email, tmp_path / "db", port) as sample:
        assert "Statistics" in await sample.page()
    await learner.act("unshare", platform.slug)
    async with served(api, platform, email, tmp_path / "db", port) as sample:
        await confirmed(learner)
        assert "Statistics" not in await sample.page()
    listed = await api.http.get(f"{api.urls['notifier']}/v1/endpoints", headers=platform.headers)
    assert len(listed.json()["items"]) == 1


async def test_what_laurel_did_not_sign_is_refused(api: Api, tmp_path: Path) -> None:
    platform, port = await api.platform(), free_ports()["notifier"]
    async with served(api, platform, "ada@example.com", tmp_path / "db", port) as sample:
        body = json.dumps({"type": "credential.shared", "timestamp": "2026-01-01T00:00:00Z", "data": {}})
        forged = {"webhook-id": "msg_1", "webhook-timestamp": str(int(time.time())), "webhook-signature": "v1,AAAA"}
        answer = await api.http.post(f"{sample.url}/webhooks", content=body, headers=forged)
        assert (answer.status_code, answer.text) == (401, "the signature does not match")
        assert (await api.http.post(f"{sample.url}/webhooks", content=bytes(1024 * 1024 + 1))).status_code == 413
        assert (await api.http.get(f"{sample.url}/members/carl")).status_code == 404
