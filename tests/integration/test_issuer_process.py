"""The issuer as a process: what it needs to start, and what it survives."""

import base64
import contextlib
from pathlib import Path

import asyncpg
import pytest

from services.cli.ports import free_ports
from tests.fixtures.api import Api, expect
from tests.fixtures.issuer import LoneIssuer, issuer_environment, lone_issuer
from tests.fixtures.postgres import Templates
from tests.fixtures.stack import ServiceProcess, StackFailure


@pytest.mark.parametrize("kek", ["", "no-colon", "a:c2hvcnQ=", "a:***"])
async def test_without_a_usable_key_encryption_key_it_does_not_start_and_says_why(
    templates: Templates, tmp_path: Path, kek: str
) -> None:
    async with templates.database("issuer") as database:
        port = free_ports()["issuer"]
        environment = issuer_environment(database, port, "operator-token-of-a-test", LAUREL_KEK=kek)
        process = ServiceProcess("issuer", port, environment, tmp_path / "log")
        process.start()
        with contextlib.suppress(StackFailure):
            process.wait_ready(15)

    assert process.exit_code == 1
    assert "LAUREL_KEK" in process.tail()
    assert "Traceback" not in process.tail()


async def test_with_a_key_encryption_key_that_opens_nothing_it_does_not_start(
    templates: Templates, tmp_path: Path
) -> None:
    other = "other:" + base64.b64encode(b"x" * 32).decode()
    async with templates.database("issuer") as database:
        with lone_issuer(database, tmp_path):
            pass
        port = free_ports()["issuer"]
        environment = issuer_environment(database, port, "operator-token-of-a-test", LAUREL_KEK=other)
        process = ServiceProcess("issuer", port, environment, tmp_path / "log")
        process.start()
        with contextlib.suppress(StackFailure):
            process.wait_ready(15)

    assert process.exit_code == 1
    assert "LAUREL_KEK does not open what the database holds" in process.tail()


async def test_it_is_ready_and_issues_with_the_broker_away_and_says_so(issuer: LoneIssuer, issuer_api: Api) -> None:
    tenant = await issuer_api.institution()
    await issuer_api.issue(tenant, await issuer_api.achievement(tenant))
    readiness = expect(200, await issuer_api.http.get(f"{issuer.process.url}/readyz"))

    assert readiness["checks"]["database"] == "ok"
    assert readiness["checks"]["bus"] != "ok"


async def test_a_request_that_waits_too_long_for_a_lock_is_told_to_try_again(
    issuer: LoneIssuer, issuer_api: Api
) -> None:
    tenant = await issuer_api.institution()
    body = {"achievement": await issuer_api.achievement(tenant), "recipient": {"email": "a@example.org"}}
    await issuer_api.issue(tenant, body["achievement"])
    connection = await asyncpg.connect(issuer.database.owner_url)
    try:
        async with connection.transaction():
            await connection.execute("SELECT FROM institution WHERE institution_id = $1::uuid FOR UPDATE", tenant.id)
            busy = await issuer_api.post_credential(tenant, body)
        free = await issuer_api.post_credential(tenant, body)
    finally:
        await connection.close()

    assert (busy.status_code, busy.headers["retry-after"]) == (503, "1")
    assert free.status_code == 201


async def test_after_a_restart_tokens_keys_and_positions_go_on(templates: Templates, tmp_path: Path) -> None:
    async with templates.database("issuer") as database:
        with lone_issuer(database, tmp_path) as issuer:
            async with issuer.api() as api:
                tenant = await api.institution()
                achievement = await api.achievement(tenant)
                before = await api.issue(tenant, achievement)
            assert issuer.process.stop() == 0
            issuer.process.start()
            issuer.process.wait_ready()
            async with issuer.api() as api:
                after = await api.issue(tenant, achievement)
                answer = await api.http.get(
                    f"{api.urls['issuer']}/v1/credentials/{before['id']}", headers=tenant.headers
                )

    assert expect(200, answer)["credential"] == before["credential"]
    assert after["credential"]["proof"]["verificationMethod"] == before["credential"]["proof"]["verificationMethod"]
    assert after["credential"]["credentialStatus"] != before["credential"]["credentialStatus"]


async def test_a_second_process_on_the_same_database_accepts_the_tokens_of_the_first(
    issuer: LoneIssuer, issuer_api: Api, tmp_path: Path
) -> None:
    tenant = await issuer_api.institution()
    achievement = await issuer_api.achievement(tenant)
    with lone_issuer(issuer.database, tmp_path, LAUREL_ISSUER_URL=issuer.process.url) as second:
        async with second.api() as other:
            for _ in range(3):
                one, two = await issuer_api.issue(tenant, achievement), await other.issue(tenant, achievement)
                assert one["credential"]["credentialStatus"] != two["credential"]["credentialStatus"]
            rotated = await other.http.post(f"{other.urls['issuer']}/v1/keys/rotate", headers=tenant.headers)
            after = await issuer_api.issue(tenant, achievement)

    assert after["credential"]["proof"]["verificationMethod"] == expect(200, rotated)["verification_method"]


async def test_a_new_key_encryption_key_is_put_before_the_old_one(templates: Templates, tmp_path: Path) -> None:
    old = "old:" + base64.b64encode(b"o" * 32).decode()
    new = "new:" + base64.b64encode(b"n" * 32).decode()
    async with templates.database("issuer") as database:
        with lone_issuer(database, tmp_path, LAUREL_KEK=old) as issuer:
            async with issuer.api() as api:
                tenant = await api.institution()
                achievement = await api.achievement(tenant)
                await api.issue(tenant, achievement, "ada@example.org")
        with lone_issuer(database, tmp_path, LAUREL_KEK=f"{new},{old}") as issuer:
            async with issuer.api() as api:
                again = await api.token(tenant.client_id, tenant.client_secret)
                headers = {"Authorization": f"Bearer {again}"}
                body = {"achievement": achievement, "recipient": {"email": "ada@example.org"}}
                url = f"{api.urls['issuer']}/v1/credentials"
                made = expect(201, await api.http.post(url, json=body, headers=headers))
                found = expect(200, await api.http.get(f"{url}?recipient_email=ada@example.org", headers=headers))
            kept = await issuer.fetch("SELECT kek_id FROM credential ORDER BY id")

    assert made["credential"]["proof"]["verificationMethod"] == f"{tenant.did}#key-1"
    assert len(found["items"]) == 2
    assert [row["kek_id"] for row in kept] == ["old", "new"]
