"""What the issuer tells of a learner to those who write to learners, and to nobody else."""

import json
from typing import Any
from uuid import UUID

import orjson
import pytest

from shared.credentials.sealing import CannotUnseal, Sealer
from shared.events.catalogue.credential import Sealed
from shared.events.sealed_text import unseal_text
from tests.fixtures.api import Api, expect
from tests.fixtures.issuer import KEK, RECIPIENT_KEY, LoneIssuer

RECIPIENT = {"email": "Zoe.Canary@Example.org", "name": "Zoë Canary", "language": "pt-BR"}


async def issued(api: Api, issuer: LoneIssuer, recipient: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The id of a new credential and its event."""
    tenant = await api.institution()
    body = {"achievement": await api.achievement(tenant), "recipient": recipient}
    made = expect(201, await api.post_credential(tenant, body))
    (event,) = await issuer.events(made["id"])
    return made["id"], event.value


async def test_the_event_says_whom_to_write_to_and_in_which_language(issuer_api: Api, issuer: LoneIssuer) -> None:
    credential_id, event = await issued(issuer_api, issuer, RECIPIENT)
    sealed = Sealed.model_validate(event["recipient"])
    letter = unseal_text(Sealer.from_text(RECIPIENT_KEY), sealed, "recipient", UUID(credential_id))
    assert orjson.loads(letter) == {"email": "zoe.canary@example.org", "name": "Zoë Canary", "language": "pt-BR"}
    with pytest.raises(CannotUnseal):
        unseal_text(Sealer.from_text(KEK), sealed, "recipient", UUID(credential_id))


async def test_neither_address_nor_name_is_in_the_event_the_log_or_the_database(
    issuer_api: Api, issuer: LoneIssuer
) -> None:
    credential_id, event = await issued(issuer_api, issuer, RECIPIENT)
    (row,) = await issuer.fetch("SELECT c::text AS text FROM credential c WHERE id = $1::uuid", credential_id)
    log = issuer.process.log.read_text()
    for told in (json.dumps(event, ensure_ascii=False), row["text"], log):
        assert "canary" not in told.lower()


async def test_of_a_learner_without_an_address_nothing_is_told(issuer_api: Api, issuer: LoneIssuer) -> None:
    _, event = await issued(issuer_api, issuer, {"did": "did:example:zoe", "name": "Zoë Canary"})
    assert "recipient" not in event


@pytest.mark.parametrize("language", ["", "e", "english please", "de_AT", "x" * 40, 7, None])
async def test_a_language_is_a_tag_of_bcp_47(issuer_api: Api, language: Any) -> None:
    tenant = await issuer_api.institution()
    recipient = {"email": "a@example.org", "language": language}
    body = {"achievement": await issuer_api.achievement(tenant), "recipient": recipient}
    answer = await issuer_api.post_credential(tenant, body)
    if language is None:
        expect(201, answer)
    else:
        (error,) = expect(422, answer)["errors"]
        assert error["pointer"] == "#/recipient/language"


async def test_an_institution_names_its_page_at_linkedin(issuer_api: Api, issuer: LoneIssuer) -> None:
    tenant = await issuer_api.institution()
    url = f"{issuer_api.urls['issuer']}/v1/institutions/{tenant.id}"
    assert expect(200, await issuer_api.http.get(url, headers=tenant.headers))["linkedin_organization_id"] is None
    for version, number in ((2, 1441), (3, None)):
        headers = {**tenant.headers, "If-Match": f'"{version}"'}
        body = {"linkedin_organization_id": number}
        changed = expect(200, await issuer_api.http.patch(url, json=body, headers=headers))
        assert changed["linkedin_organization_id"] == number
        event = (await issuer.events(tenant.id))[-1]
        assert event.value.get("linkedin_organization_id") == number
    for wrong in (0, -1, "1441", 1.5, True):
        headers = {**tenant.headers, "If-Match": '"4"'}
        answer = await issuer_api.http.patch(url, json={"linkedin_organization_id": wrong}, headers=headers)
        (error,) = expect(422, answer)["errors"]
        assert error["pointer"] == "#/linkedin_organization_id"
