"""The schemas credentials name: found, and applied to what was signed."""

import asyncio
import hashlib
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from aiohttp import web

from shared.credentials import CREDENTIALS_V2, envelope
from tests.fixtures.services import Stacks
from tests.integration.lone_service import somebody
from tests.integration.paper_issuer import PaperIssuer
from tests.integration.strangers.foreign_site import ForeignSite, issuer_on
from tests.integration.strangers.schemas import (
    MET,
    NOT_MET,
    PLACE,
    VERSION,
    by,
    issued,
    kinds,
    token_of,
    vc_api,
    verify,
)


class TestApplied:
    @pytest.mark.parametrize("kind", ["JsonSchema", "1EdTechJsonSchemaValidator2019"])
    async def test_a_credential_that_conforms_passes(
        self, http: httpx.AsyncClient, site: ForeignSite, stranger: PaperIssuer, kind: str
    ) -> None:
        entry = {"id": site.put("/s/met", MET), "type": kind}
        document = issued(stranger, entry)
        verdict, outcome, code, _ = await verify(http, document)
        assert (verdict, outcome, code) == ("valid-with-warnings", "pass", None)
        found = await vc_api(http, document)
        assert (found["verified"], kinds(found)) == (True, ["issuer-not-registered"])
        assert found["results"]["credentialSchema"] == [{"input": entry, "verified": True, "outcome": "success"}]

    async def test_one_that_does_not_is_refused_with_the_schema_and_the_place(
        self, http: httpx.AsyncClient, site: ForeignSite, stranger: PaperIssuer
    ) -> None:
        met, unmet = site.put("/s/met", MET), site.put("/s/unmet", NOT_MET)
        document = issued(stranger, met, unmet)
        verdict, outcome, code, detail = await verify(http, document)
        assert (verdict, outcome, code) == ("forged", "fail", "schema-mismatch")
        assert detail == f"{PLACE}: not what `required` in {unmet} asks for."
        found = await vc_api(http, document)
        assert (found["verified"], kinds(found)) == (False, ["schema-mismatch", "issuer-not-registered"])
        first, second = found["results"]["credentialSchema"]
        assert (first["verified"], first["outcome"], first["input"]["id"]) == (True, "success", met)
        assert (second["verified"], second["outcome"], second["detail"]) == (False, "failure", detail)

    async def test_a_presentation_is_refused_for_a_credential_that_does_not_conform(
        self, http: httpx.AsyncClient, site: ForeignSite, stranger: PaperIssuer
    ) -> None:
        listed = stranger.did_document()
        site.put(f"/{stranger.slug}/did.json", {**listed, "authentication": listed["assertionMethod"]})
        for schema, verified in ((MET, True), (NOT_MET, False)):
            document = issued(stranger, site.put(f"/s/{verified}", schema))
            shown = {
                "@context": [CREDENTIALS_V2],
                "type": ["VerifiablePresentation"],
                "verifiableCredential": [document],
            }
            body = {"verifiablePresentation": by(stranger, shown, suite="eddsa-jcs-2022", purpose="authentication")}
            answer = (await http.post("/presentations/verify", json=body)).json()
            (inside,) = answer["results"]["credentials"]
            assert (answer["verified"], inside["verified"]) == (verified, verified), answer
            assert inside["results"]["credentialSchema"][0]["verified"] is verified

    async def test_a_token_is_judged_by_what_is_in_it(
        self, http: httpx.AsyncClient, site: ForeignSite, stranger: PaperIssuer
    ) -> None:
        met = {"$schema": VERSION, "required": ["credentialSubject"], "not": {"required": ["proof"]}}
        for schema, outcome in ((met, "pass"), (NOT_MET, "fail")):
            document = issued(stranger, site.put(f"/s/{outcome}", schema))
            del document["proof"]
            token = token_of(stranger, document)
            assert (await verify(http, envelope(token)))[1] == outcome

    async def test_a_thousand_at_once_and_later_cause_one_fetch(
        self, http: httpx.AsyncClient, site: ForeignSite, stranger: PaperIssuer
    ) -> None:
        async def slowly(_: web.Request) -> web.Response:
            await asyncio.sleep(0.3)
            return web.json_response(MET)

        document = issued(stranger, site.behave("/s/busy", slowly))
        for _ in range(2):
            found = await asyncio.gather(*(verify(http, document) for _ in range(100)))
            assert {one[1] for one in found} == {"pass"}
        assert site.requests["/s/busy"] == 1


class TestSchemaCredentials:
    async def test_the_schema_in_a_credential_of_anybody_is_applied(
        self, http: httpx.AsyncClient, site: ForeignSite, stranger: PaperIssuer
    ) -> None:
        body = issuer_on(site)
        for schema, outcome in ((MET, "pass"), (NOT_MET, "fail")):
            entry = serve(site, body, schema)
            assert (await verify(http, issued(stranger, entry)))[1] == outcome
            assert (await verify(http, issued(stranger, entry)))[1] == outcome
        assert site.requests[f"/{body.slug}/did.json"] == 1

    async def test_it_may_be_in_a_token(
        self, http: httpx.AsyncClient, site: ForeignSite, stranger: PaperIssuer
    ) -> None:
        document = schema_credential(f"{site.url}/s/token", stranger.did, NOT_MET)
        entry = {"id": site.put("/s/token", token_of(stranger, document).encode()), "type": "JsonSchemaCredential"}
        assert (await verify(http, issued(stranger, entry)))[1:3] == ("fail", "schema-mismatch")

    @pytest.mark.parametrize("case", ["changed", "unsigned", "by another", "another address", "over", "no credential"])
    async def test_one_that_does_not_verify_says_nothing(
        self, http: httpx.AsyncClient, site: ForeignSite, stranger: PaperIssuer, case: str
    ) -> None:
        path = f"/s/{uuid4().hex}"
        url = f"{site.url}{path}"
        change = {"validUntil": "2020-01-01T00:00:00Z"} if case == "over" else {}
        document = schema_credential(f"{url}-other" if case == "another address" else url, stranger.did, NOT_MET)
        signer = PaperIssuer("", "", stranger.did) if case == "by another" else stranger
        signed = by(signer, {**document, **change})
        if case == "changed":
            signed["credentialSubject"]["jsonSchema"] = {**NOT_MET, "title": "mine"}
        elif case == "unsigned":
            del signed["proof"]
        elif case == "no credential":
            signed = NOT_MET
        entry = {"id": site.put(path, signed), "type": "JsonSchemaCredential"}
        verdict, outcome, code, _ = await verify(http, issued(stranger, entry))
        assert (verdict, outcome, code) == ("valid-with-warnings", "warn", "schema-unusable")


def schema_credential(url: str, issuer: str, schema: Any) -> dict[str, Any]:
    return {
        "@context": [CREDENTIALS_V2],
        "id": url,
        "type": ["VerifiableCredential", "JsonSchemaCredential"],
        "issuer": issuer,
        "credentialSubject": {"id": f"{url}#schema", "type": "JsonSchema", "jsonSchema": schema},
    }


def serve(site: ForeignSite, issuer: PaperIssuer, schema: Any) -> dict[str, Any]:
    """The entry of a schema in a signed credential on the site."""
    path = f"/s/{uuid4().hex}"
    url = f"{site.url}{path}"
    site.put(path, by(issuer, schema_credential(url, issuer.did, schema)))
    return {"id": url, "type": "JsonSchemaCredential"}


async def test_what_the_operator_ships_is_used_and_nothing_else_is_fetched(
    stacks: Stacks, site: ForeignSite, stranger: PaperIssuer, tmp_path: Path
) -> None:
    url, content = "https://schemas.example/degree", json.dumps(NOT_MET).encode()
    (tmp_path / "degree.json").write_bytes(content)
    entry = {"url": url, "file": "degree.json", "sha256": hashlib.sha256(content).hexdigest()}
    (tmp_path / "manifest.json").write_text(json.dumps([entry]))
    stacks.stop_shared()
    env = {"LAUREL_SCHEMAS": str(tmp_path), "LAUREL_FETCH_SCHEMAS": "off"}
    with stacks.open("embedded", env=env, start=False) as stack:
        stack.start("verifier")
        async with somebody(stack, "verifier") as http:
            assert (await verify(http, issued(stranger, url)))[1:3] == ("fail", "schema-mismatch")
            never = site.put("/s/never", NOT_MET)
            assert (await verify(http, issued(stranger, never)))[1:3] == ("warn", "schema-unavailable")
            assert site.requests["/s/never"] == 0
        (tmp_path / "degree.json").write_bytes(content + b" ")
        stack["verifier"].stop()
        stack["verifier"].start()
        assert stack["verifier"].process is not None
        assert stack["verifier"].process.wait(timeout=30) == 1
        assert "LAUREL_SCHEMAS cannot be used: degree.json is not" in stack["verifier"].log.read_text()
