"""Schemas that cannot be applied, cost too much or must not be fetched: what the verifier says, and does not do."""

import asyncio
import base64
import hashlib
import json
from typing import Any
from uuid import uuid4

import httpx
import pytest
from aiohttp import web

from tests.fixtures.stack import Stack
from tests.integration.lone_service import somebody
from tests.integration.paper_issuer import PaperIssuer
from tests.integration.strangers.foreign_site import ForeignSite
from tests.integration.strangers.schemas import (
    ASKS,
    MET,
    NOT_MET,
    VERSION,
    issued,
    vc_api,
    verify,
)


class TestIndeterminate:
    @pytest.mark.parametrize(
        ("case", "code"),
        [
            ("away", "schema-unavailable"),
            ("hangs", "schema-unavailable"),
            ("large", "schema-unavailable"),
            ("redirect to another host", "schema-unavailable"),
            ("private address", "schema-unavailable"),
            ("no address", "schema-unavailable"),
            ("html", "schema-unusable"),
            ("no version", "schema-unusable"),
            ("reference elsewhere", "schema-unusable"),
            ("old version", "schema-version-unsupported"),
            ("another type", "schema-type-unsupported"),
            ("another digest", "schema-digest-mismatch"),
            ("fans out", "schema-too-expensive"),
        ],
    )
    async def test_what_cannot_be_applied_is_a_warning(
        self, http: httpx.AsyncClient, site: ForeignSite, stranger: PaperIssuer, case: str, code: str
    ) -> None:
        """Each of these would fail the credential if it could be applied."""
        document = issued(stranger, place(site, case))
        verdict, outcome, found, detail = await verify(http, document)
        assert (verdict, outcome, found) == ("valid-with-warnings", "warn", code)
        assert document["credentialSchema"]["id"][:100] in detail
        answer = await vc_api(http, document)
        assert answer["verified"] is True
        problem = next(one for one in answer["problemDetails"] if one["code"] == code)
        assert problem["title"].startswith("Warning: ")
        (result,) = answer["results"]["credentialSchema"]
        assert (result["verified"], result["outcome"]) == (False, "indeterminate")
        assert site.requests["/elsewhere"] == 0

    async def test_a_digest_that_fits_lets_the_schema_decide(
        self, http: httpx.AsyncClient, site: ForeignSite, stranger: PaperIssuer
    ) -> None:
        content = json.dumps(NOT_MET).encode()
        entry = {"id": site.put("/s/pinned", content), "type": "JsonSchema", "digestSRI": digest(content)}
        assert (await verify(http, issued(stranger, entry)))[1] == "fail"

    async def test_a_hanging_address_is_not_tried_for_each_credential(
        self, http: httpx.AsyncClient, site: ForeignSite, stranger: PaperIssuer
    ) -> None:
        document = issued(stranger, site.hang("/s/hangs"))
        await verify(http, document)
        for _ in range(5):
            assert (await verify(http, document))[2] == "schema-unavailable"
        assert site.requests["/s/hangs"] == 1

    async def test_more_schemas_than_are_applied_are_said(
        self, http: httpx.AsyncClient, site: ForeignSite, stranger: PaperIssuer
    ) -> None:
        urls = [site.put(f"/s/{number}", MET) for number in range(7)]
        _, outcome, code, detail = await verify(http, issued(stranger, *urls))
        assert (outcome, code) == ("warn", "schema-too-expensive")
        assert urls[5] in detail
        assert [site.requests[f"/s/{number}"] for number in range(7)] == [1] * 5 + [0] * 2

    async def test_costly_schemas_hold_up_nobody_else(
        self, stack: Stack, http: httpx.AsyncClient, site: ForeignSite, stranger: PaperIssuer
    ) -> None:
        costly, cheap = issued(stranger, place(site, "fans out")), issued(stranger, site.put("/s/met", MET))
        async with somebody(stack, "verifier") as other:
            assert (await verify(other, cheap))[1] == "pass"
            posts = [asyncio.create_task(verify(http, costly)) for _ in range(20)]
            await asyncio.sleep(0.2)
            assert (await verify(other, cheap))[1] == "pass"
            assert {(await post)[2] for post in posts} == {"schema-too-expensive"}
        assert (await http.get("/readyz")).status_code == 200


def place(site: ForeignSite, case: str) -> Any:
    """The `credentialSchema` of a case, with what lies at its address."""
    path = f"/s/{uuid4().hex}"
    url = f"{site.url}{path}"
    served: dict[str, Any] = {
        "large": {**NOT_MET, "padding": "x" * 300_000},
        "html": b"<html></html>",
        "no version": ASKS,
        "old version": {**NOT_MET, "$schema": "http://json-schema.org/draft-04/schema#"},
        "reference elsewhere": {**NOT_MET, "allOf": [{"$ref": site.put("/elsewhere", MET)}]},
        "fans out": fanning_out(),
    }
    if case in ("another type", "another digest"):
        site.put(path, NOT_MET)
        return {
            "another type": {"id": url, "type": "1EdTechCredentialRefresh"},
            "another digest": {"id": url, "type": "JsonSchema", "digestSRI": digest(b"x")},
        }[case]
    if case == "hangs":
        return site.hang(path)
    if case == "redirect to another host":
        return site.redirect(path, f"http://127.0.0.1:{site.port}/elsewhere")
    if case == "private address":
        return "http://10.0.0.1/schema"
    if case == "no address":
        return "urn:uuid:0198c0de-0000-7000-8000-000000000000"
    return site.put(path, served[case]) if case in served else site.behave(path, _no_answer)


def fanning_out() -> dict[str, Any]:
    """Few bytes that ask for 2^40 evaluations, and would fail in the end."""
    defs: dict[str, Any] = {f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(40)}
    return {"$schema": VERSION, "$ref": "#/$defs/d0", "$defs": {**defs, "d40": {"type": "string"}}}


async def _no_answer(_: web.Request) -> web.Response:
    return web.Response(status=404)


def digest(content: bytes) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content).digest()).decode()


class TestWhatIsNotFetched:
    async def test_nothing_for_a_proof_that_does_not_hold_or_a_form_that_is_broken(
        self, http: httpx.AsyncClient, site: ForeignSite, stranger: PaperIssuer
    ) -> None:
        document = issued(stranger, site.put("/s/never", MET))
        changed = {**document, "name": "Doctor"}
        assert (await verify(http, changed))[0] == "forged"
        found = await vc_api(http, changed)
        assert found["results"]["credentialSchema"] == [{"input": document["credentialSchema"], "verified": False}]
        entry = {"id": f"{site.url}/s/never", "type": "JsonSchema"}
        broken = stranger.issue(status=[], change={"credentialSchema": entry, "evidence": "x"}).document
        assert (await verify(http, broken))[:2] == ("forged", "fail")
        assert site.requests["/s/never"] == 0

    async def test_nothing_where_the_proof_alone_is_asked_about(
        self, http: httpx.AsyncClient, site: ForeignSite, stranger: PaperIssuer
    ) -> None:
        document = issued(stranger, site.put("/s/never", NOT_MET))
        for found in (await vc_api(http, document, "/proof-only"), await vc_api(http, document, checks=["proof"])):
            assert found["verified"] is True
            assert "credentialSchema" not in found["results"]
        assert site.requests["/s/never"] == 0

    async def test_a_client_has_a_share(
        self, http: httpx.AsyncClient, site: ForeignSite, stranger: PaperIssuer
    ) -> None:
        await verify(http, issued(stranger, site.put("/s/met", MET)))
        documents = [issued(stranger, site.put(f"/s/{number}", MET)) for number in range(60)]
        answers = await asyncio.gather(*(http.post("/v1/verify", json={"credential": one}) for one in documents))
        assert {answer.status_code for answer in answers} == {200, 429}
