"""An institution forgets a learner: nothing in the issuer names them any more, and everybody is told, once each."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.issuer.commands.erase_learner import erase_learner
from services.issuer.commands.seal_recipient import RecipientSealer
from services.issuer.domain.recipient import Recipient
from shared.credentials.sealing import Sealer
from shared.postgres.database import Database
from tests.fixtures.api import Api, Institution, expect
from tests.fixtures.issuer import KEK, RECIPIENT_KEY, LoneIssuer, lone_issuer
from tests.fixtures.postgres import Templates
from tests.integration.paper_issuer import utc_now

ZOE = {"email": "Zoe.Canary@Example.org", "name": "Zoë Canary"}
ERASED, ISSUED = "org.laurel.learner.erased.v1", "org.laurel.credential.issued.v1"


async def issued(api: Api, tenant: Institution, achievement: str, **recipient: str) -> dict[str, Any]:
    body = {"achievement": achievement, "recipient": recipient or ZOE}
    return expect(201, await api.post_credential(tenant, body))


async def erase(api: Api, tenant: Institution, email: str = "zoe.canary@example.org ") -> int:
    url = f"{api.urls['issuer']}/v1/learners/erase"
    answer = await api.http.post(url, json={"email": email.strip()}, headers=tenant.headers)
    return int(expect(200, answer)["credentials"])


async def found(api: Api, tenant: Institution) -> list[str]:
    """The learner's credentials, as the institution finds them by the address."""
    url = f"{api.urls['issuer']}/v1/credentials"
    answer = await api.http.get(url, params={"recipient_email": "zoe.canary@example.org"}, headers=tenant.headers)
    return [item["id"] for item in expect(200, answer)["items"]]


async def test_what_names_the_learner_goes_and_the_credential_stays(issuer_api: Api, issuer: LoneIssuer) -> None:
    tenant, other = await issuer_api.institution(), await issuer_api.institution()
    achievement = await issuer_api.achievement(tenant)
    made = [await issued(issuer_api, tenant, achievement) for _ in range(2)]
    kept = await issued(issuer_api, tenant, achievement, email="somebody.else@example.org")
    elsewhere = await issued(issuer_api, other, await issuer_api.achievement(other))
    assert set(await found(issuer_api, tenant)) == {each["id"] for each in made}

    assert await erase(issuer_api, tenant) == 2
    assert await found(issuer_api, tenant) == []
    assert await found(issuer_api, other) == [elsewhere["id"]], "another institution's is its own"
    rows = await issuer.fetch(
        "SELECT id, recipient_index, recipient_ciphertext, kek_id, version FROM credential WHERE id = ANY($1::uuid[])",
        [each["id"] for each in [*made, kept, elsewhere]],
    )
    gone = {str(row["id"]) for row in rows if row["recipient_index"] is None}
    assert gone == {each["id"] for each in made}
    assert all((row["recipient_ciphertext"] is None) == (str(row["id"]) in gone) for row in rows)
    for each in made:
        url = f"{issuer_api.urls['issuer']}/v1/credentials/{each['id']}"
        now = expect(200, await issuer_api.http.get(url, headers=tenant.headers))
        assert now["credential"] == each["credential"]
        assert (now["status"], now["version"], now["recipient"]) == ("active", 2, each["recipient"])
        first, told = await issuer.events(each["id"])
        assert (first.type, told.type, told.version) == (ISSUED, ERASED, 2)
        assert told.value.keys() == {"version", "credential_id", "institution_id", "erased_at"}
    assert [event.type for event in await issuer.events(kept["id"])] == [ISSUED]


async def test_a_repetition_finds_nothing_and_what_is_issued_afterwards_is_new(
    issuer_api: Api, issuer: LoneIssuer
) -> None:
    tenant = await issuer_api.institution()
    achievement = await issuer_api.achievement(tenant)
    before = await issued(issuer_api, tenant, achievement)
    assert [await erase(issuer_api, tenant) for _ in range(2)] == [1, 0]
    assert len(await issuer.events(before["id"])) == 2
    after = await issued(issuer_api, tenant, achievement)
    assert await found(issuer_api, tenant) == [after["id"]]
    assert await erase(issuer_api, tenant) == 1


async def test_an_erased_credential_goes_on_with_its_life(issuer_api: Api, issuer: LoneIssuer) -> None:
    tenant = await issuer_api.institution()
    made = await issued(issuer_api, tenant, await issuer_api.achievement(tenant))
    await erase(issuer_api, tenant)
    assert (await issuer_api.change(tenant, made["id"], "suspend"))["version"] == 3
    assert (await issuer_api.change(tenant, made["id"], "revoke"))["status"] == "revoked"
    assert [event.version for event in await issuer.events(made["id"])] == [1, 2, 3, 4]


async def test_a_replay_tells_of_the_erasure_again_and_of_nobody(templates: Templates, tmp_path: Path) -> None:
    async with templates.database("issuer") as database:
        with lone_issuer(database, tmp_path) as issuer:
            async with issuer.api() as api:
                tenant = await api.institution()
                made = await issued(api, tenant, await api.achievement(tenant))
                await api.change(tenant, made["id"], "suspend")
                await erase(api, tenant)
                first = await issuer.events(made["id"])
                await issuer.fetch("DELETE FROM outbox")
                answer = await api.http.post(f"{api.urls['issuer']}/v1/replay", json={}, headers=api.operator)
                assert expect(200, answer)["missing"] == 0
                again = await issuer.events(made["id"])
    assert "recipient" in first[0].value
    del first[0].value["recipient"]
    assert again == first


async def test_a_batch_leaves_the_rest_for_the_next(templates: Templates, tmp_path: Path) -> None:
    sealer = RecipientSealer(Sealer.from_text(KEK), Sealer.from_text(RECIPIENT_KEY))
    zoe = Recipient.of(email=ZOE["email"], did=None)
    async with templates.database("issuer") as database:
        with lone_issuer(database, tmp_path) as issuer:
            async with issuer.api() as api:
                tenant = await api.institution()
                achievement = await api.achievement(tenant)
                for _ in range(5):
                    await issued(api, tenant, achievement)
        async with Database.open(database) as db:
            for expected in (2, 2, 1, 0):
                async with db.tenant(UUID(tenant.id)) as tx:
                    assert await erase_learner(tx, UUID(tenant.id), zoe, 2, sealer=sealer, now=utc_now()) == expected
            async with db.worker() as tx:
                told = await tx.fetchval("SELECT count(*) FROM event_history WHERE type = $1", ERASED)
    assert told == 5


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "required"),
        ({"email": "a b@c"}, "invalid-email"),
        ({"email": None}, None),
        ({"email": "a@b.c", "x": 1}, None),
    ],
)
async def test_who_cannot_be_found_by_it_is_not_asked_for(issuer_api: Api, body: dict[str, Any], code: str) -> None:
    tenant = await issuer_api.institution()
    url = f"{issuer_api.urls['issuer']}/v1/learners/erase"
    problem = expect(422, await issuer_api.http.post(url, json=body, headers=tenant.headers))
    assert code is None or problem["code"] == code or problem["errors"][0]["code"] == code


async def test_only_who_issues_credentials_erases_learners(issuer_api: Api) -> None:
    tenant = await issuer_api.institution()
    url, zoe = f"{issuer_api.urls['issuer']}/v1", {"email": ZOE["email"]}
    client = {"name": "reader", "scopes": ["credentials:read"]}
    reader = expect(201, await issuer_api.http.post(f"{url}/clients", json=client, headers=tenant.headers))
    token = await issuer_api.token(reader["client_id"], reader["client_secret"])
    headers = {"Authorization": f"Bearer {token}"}
    refused = expect(403, await issuer_api.http.post(f"{url}/learners/erase", json=zoe, headers=headers))
    assert refused["code"] == "insufficient-scope"
    assert (await issuer_api.http.post(f"{url}/learners/erase", json=zoe)).status_code == 401
