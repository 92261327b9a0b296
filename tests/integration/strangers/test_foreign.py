"""Issuers that are not ours: what is fetched from them, within which limits, and what it proves."""

import asyncio
import base64
import gzip
import time
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.credentials import MIN_ENTRIES, StatusList
from tests.fixtures.services import Stacks
from tests.fixtures.stack import Stack
from tests.integration.lone_service import client, only, somebody
from tests.integration.paper_issuer import PaperIssuer, utc_now
from tests.integration.strangers.foreign_site import ForeignSite
from tests.integration.strangers.judging import check, entry, verify


class TestDids:
    async def test_a_sound_credential_of_a_stranger_is_valid_with_a_warning(
        self, http: httpx.AsyncClient, site: ForeignSite, stranger: PaperIssuer
    ) -> None:
        for _ in range(3):
            body = await verify(http, stranger.issue(status=[]).document)
            assert (body["verified"], body["verdict"]) == (True, "valid-with-warnings")
            assert check(body, "issuer") == ("warn", "issuer-not-registered")
        assert site.requests[f"/{stranger.slug}/did.json"] == 1

    async def test_a_did_key_needs_no_fetch(self, http: httpx.AsyncClient) -> None:
        key = Ed25519PrivateKey.generate()
        made = PaperIssuer("https://elsewhere.example", "", "", keys=[key])
        made.did = f"did:key:{made.multikeys()['#key-1']}"
        method = f"{made.did}#{made.did.removeprefix('did:key:')}"
        body = await verify(http, made.issue(status=[], method=method).document)
        assert body["verdict"] == "valid-with-warnings"
        other = made.issue(status=[], method=method, key=Ed25519PrivateKey.generate()).document
        assert (await verify(http, other))["verdict"] == "forged"

    async def test_an_issuer_may_be_named_by_its_url(self, http: httpx.AsyncClient, site: ForeignSite) -> None:
        name = f"issuers/{uuid4().hex[:8]}"
        made = PaperIssuer("https://elsewhere.example", f"{site.url}/lists", f"{site.url}/{name}")
        document = made.issue(status=[]).document
        assert check(await verify(http, document), "issuer") == ("unknown", "did-unresolvable")
        other = PaperIssuer("https://elsewhere.example", f"{site.url}/lists", f"{site.url}/{name}-2")
        site.put(f"/{name}-2", other.did_document())
        body = await verify(http, other.issue(status=[]).document)
        assert (body["verified"], body["verdict"]) == (True, "valid-with-warnings")
        assert check(body, "issuer") == ("warn", "issuer-not-registered")
        third = PaperIssuer("https://elsewhere.example", f"{site.url}/lists", f"{site.url}/{name}-3")
        site.put(f"/{name}-3", other.did_document())  # somebody else's document
        assert (await verify(http, third.issue(status=[]).document))["verified"] is False

    async def test_a_key_the_did_document_does_not_list_is_forged(
        self, http: httpx.AsyncClient, stranger: PaperIssuer
    ) -> None:
        body = await verify(http, stranger.issue(status=[], method=f"{stranger.did}#key-9").document)
        assert (body["verdict"], check(body, "issuer")) == ("forged", ("fail", "unknown-key"))

    @pytest.mark.parametrize("case", ["wrong id", "html", "large", "404", "redirect away", "not allowed to assert"])
    async def test_a_did_that_does_not_resolve_cannot_be_told(
        self, http: httpx.AsyncClient, site: ForeignSite, stranger: PaperIssuer, case: str
    ) -> None:
        path, document = f"/{stranger.slug}/did.json", stranger.did_document()
        if case == "wrong id":
            site.put(path, {**document, "id": document["id"].upper()})
        elif case == "html":
            site.put(path, b"<html>hello</html>")
        elif case == "large":
            site.put(path, {**document, "padding": "x" * 70_000})
        elif case == "redirect away":
            site.redirect(path, f"http://127.0.0.1:{site.port}/other")
        elif case == "not allowed to assert":
            site.put(path, {**document, "assertionMethod": []})
        else:
            site.behave(path, _not_found)
        body = await verify(http, stranger.issue(status=[]).document)
        assert (body["verdict"], check(body, "issuer")) == ("cannot-tell", ("unknown", "did-unresolvable"))
        assert site.requests["/other"] == 0

    async def test_one_redirect_on_the_same_host_is_followed(
        self, http: httpx.AsyncClient, site: ForeignSite, stranger: PaperIssuer
    ) -> None:
        site.put("/moved", stranger.did_document())
        site.redirect(f"/{stranger.slug}/did.json", "/moved")
        assert (await verify(http, stranger.issue(status=[]).document))["verdict"] == "valid-with-warnings"

    async def test_a_slow_did_is_given_up_after_three_seconds(
        self, http: httpx.AsyncClient, site: ForeignSite, stranger: PaperIssuer
    ) -> None:
        site.hang(f"/{stranger.slug}/did.json")
        started = time.monotonic()
        body = await verify(http, stranger.issue(status=[]).document)
        assert check(body, "issuer") == ("unknown", "did-unresolvable")
        assert time.monotonic() - started < 4

    async def test_a_domain_with_new_keys_does_not_inherit_the_trust(
        self, stacks: Stacks, site: ForeignSite, stranger: PaperIssuer
    ) -> None:
        """First seen by one verifier, then by the same one restarted, so that its memory is gone and the pins stay."""
        with only("verifier", stacks, "embedded") as own:
            async with client(own, "verifier") as http:
                before = stranger.issue(status=[])
                assert (await verify(http, before.document))["verdict"] == "valid-with-warnings"
            own.restart("verifier")
            new_owner = PaperIssuer("https://elsewhere.example", "", stranger.did, slug=stranger.slug)
            site.put(f"/{stranger.slug}/did.json", new_owner.did_document())
            async with client(own, "verifier") as http:
                body = await verify(http, new_owner.issue(status=[]).document)
                assert (body["verdict"], check(body, "issuer")) == ("forged", ("fail", "key-changed"))
            own.restart("verifier")
            site.behave(f"/{stranger.slug}/did.json", _not_found)
            async with client(own, "verifier") as http:
                body = await verify(http, before.document)
                assert body["verdict"] == "valid-with-warnings", "keys seen within a day stand in"
            assert "issuer.key_changed" in own["verifier"].log.read_text()


class TestStatusLists:
    async def test_the_bit_decides(self, http: httpx.AsyncClient, site: ForeignSite, stranger: PaperIssuer) -> None:
        bits = StatusList(bytes(MIN_ENTRIES // 8))
        bits.set(5, True)
        site.put("/l/1", stranger.status_list(f"{site.url}/l/1", bits))
        revoked = await verify(http, stranger.issue(status=entry(site, "/l/1", 5)).document)
        assert (revoked["verdict"], check(revoked, "status")) == (
            "revoked-or-suspended",
            ("fail", "credential-revoked"),
        )
        good = await verify(http, stranger.issue(status=entry(site, "/l/1", 6)).document)
        assert good["verdict"] == "valid-with-warnings"
        assert site.requests["/l/1"] == 1

    @pytest.mark.parametrize(
        ("case", "code"),
        [
            ("away", "STATUS_RETRIEVAL_ERROR"),
            ("html", "STATUS_RETRIEVAL_ERROR"),
            ("hangs", "STATUS_RETRIEVAL_ERROR"),
            ("10 MB", "STATUS_RETRIEVAL_ERROR"),
            ("unsigned", "STATUS_VERIFICATION_ERROR"),
            ("another issuer", "STATUS_VERIFICATION_ERROR"),
            ("another purpose", "STATUS_VERIFICATION_ERROR"),
            ("another address", "STATUS_VERIFICATION_ERROR"),
            ("expired", "STATUS_VERIFICATION_ERROR"),
            ("changed", "STATUS_VERIFICATION_ERROR"),
            ("no list at all", "STATUS_VERIFICATION_ERROR"),
            ("short", "STATUS_LIST_LENGTH_ERROR"),
            ("index outside", "RANGE_ERROR"),
            ("bomb", "status-list-too-large"),
            ("not gzip", "MALFORMED_VALUE_ERROR"),
        ],
    )
    async def test_a_list_that_cannot_be_believed_is_neither_revoked_nor_valid(
        self, http: httpx.AsyncClient, site: ForeignSite, stranger: PaperIssuer, case: str, code: str
    ) -> None:
        path, index = f"/l/{uuid4().hex}", 5
        url = f"{site.url}{path}"
        index = MIN_ENTRIES if case == "index outside" else 5
        if case == "hangs":
            site.hang(path)
        elif case != "away":
            site.put(path, bad_list(case, stranger, url))
        started = time.monotonic()
        body = await verify(http, stranger.issue(status=entry(site, path, index)).document)
        assert (body["verdict"], check(body, "status")) == ("cannot-tell", ("unknown", code))
        assert time.monotonic() - started < 4

    async def test_a_thousand_at_once_cause_one_fetch(
        self, http: httpx.AsyncClient, site: ForeignSite, stranger: PaperIssuer
    ) -> None:
        bits = StatusList(bytes(MIN_ENTRIES // 8))
        document = stranger.status_list(f"{site.url}/l/busy", bits)

        async def slowly(_: web.Request) -> web.Response:
            await asyncio.sleep(0.5)
            return web.json_response(document)

        site.behave("/l/busy", slowly)
        issued = stranger.issue(status=entry(site, "/l/busy")).document
        bodies = await asyncio.gather(*(verify(http, issued) for _ in range(200)))
        assert {body["verdict"] for body in bodies} == {"valid-with-warnings"}
        assert site.requests["/l/busy"] == 1
        assert site.requests[f"/{stranger.slug}/did.json"] == 1

    async def test_nothing_is_fetched_for_a_forgery(
        self, http: httpx.AsyncClient, site: ForeignSite, stranger: PaperIssuer
    ) -> None:
        document = {**stranger.issue(status=entry(site, "/l/never")).document, "name": "Doctor"}
        assert (await verify(http, document))["verdict"] == "forged"
        assert site.requests["/l/never"] == 0


async def test_a_client_that_causes_too_many_fetches_gets_429_and_others_do_not(
    stack: Stack, http: httpx.AsyncClient, site: ForeignSite
) -> None:
    documents = []
    for _ in range(60):
        made = PaperIssuer("https://elsewhere.example", "", site.did(uuid4().hex))
        documents.append(made.issue(status=[]).document)
    answers = await asyncio.gather(*(http.post("/v1/verify", json={"credential": each}) for each in documents))
    refused = [answer for answer in answers if answer.status_code == 429]
    assert {answer.status_code for answer in answers} == {200, 429}
    assert len(refused) >= 25
    assert int(refused[0].headers["retry-after"]) >= 1
    async with somebody(stack, "verifier") as other:
        assert (await other.post("/v1/verify", json={"credential": documents[-1]})).status_code == 200


async def _not_found(_: web.Request) -> web.Response:
    return web.Response(status=404)


_PACKED = {
    "short": gzip.compress(bytes(100)),
    "bomb": gzip.compress(bytes(50_000_000)),
    "not gzip": b"plain bytes",
}
_RAW = {"html": b"<html></html>", "10 MB": b'"' + b"x" * 10_000_000 + b'"', "no list at all": b"[1, 2]"}


def bad_list(case: str, issuer: PaperIssuer, url: str) -> Any:
    """What a status list's address answers with."""
    bits = StatusList(bytes(MIN_ENTRIES // 8))
    good = issuer.status_list(url, bits)
    if case in _RAW:
        return _RAW[case]
    if case in _PACKED:
        return issuer.status_list(url, bits, change={"credentialSubject": _subject(good, _PACKED[case])})
    if case == "unsigned":
        return {name: value for name, value in good.items() if name != "proof"}
    if case == "changed":
        bits.set(7, True)
        return {**good, "credentialSubject": {**good["credentialSubject"], "encodedList": bits.encode()}}
    return _well_signed(case, issuer, url, bits)


def _well_signed(case: str, issuer: PaperIssuer, url: str, bits: StatusList) -> dict[str, Any]:
    if case == "another issuer":
        return PaperIssuer("", "", "did:web:other.example").status_list(url, bits)
    if case == "another purpose":
        return issuer.status_list(url, bits, purpose="suspension")
    if case == "another address":
        return issuer.status_list(f"{url}-other", bits)
    if case == "expired":
        ended = f"{utc_now() - timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}"
        return issuer.status_list(url, bits, change={"validUntil": ended})
    return issuer.status_list(url, bits)


def _subject(good: dict[str, Any], packed: bytes) -> dict[str, Any]:
    encoded = "u" + base64.urlsafe_b64encode(packed).rstrip(b"=").decode()
    return {**good["credentialSubject"], "encodedList": encoded}
