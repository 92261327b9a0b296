"""The public page over HTTP: who gets it, in which language, for how long it may be kept, and what a change does."""

import hashlib
import re
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import httpx
import orjson
import pytest

from shared.bus.port import Bus
from shared.events.catalogue import CredentialReinstated, CredentialRevoked, CredentialSuspended
from tests.fixtures.services import Stacks
from tests.fixtures.stack import Stack
from tests.integration.lone_service import client, eventually, only, open_bus, paper_issuer
from tests.integration.paper_issuer import Issued, PaperIssuer, publish, utc_now

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
PAGE = {"Accept": BROWSER}
VARY = "Accept, Accept-Language"


@pytest.fixture(scope="module", params=["embedded"])
def bus_kind(request: pytest.FixtureRequest) -> str:
    """One is enough: no page knows of the bus."""
    return str(request.param)


@pytest.fixture(scope="module")
def stack(stacks: Stacks, bus_kind: str) -> Iterator[Stack]:
    """The registry alone."""
    with only("registry", stacks, bus_kind) as made:
        yield made


@pytest.fixture
async def bus(stack: Stack) -> AsyncIterator[Bus]:
    async with open_bus(stack) as made:
        yield made


@pytest.fixture
async def http(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    async with client(stack, "registry") as made:
        yield made


@pytest.fixture
async def issuer(stack: Stack, bus: Bus) -> PaperIssuer:
    """An institution with a published achievement, which the registry hears of."""
    made = paper_issuer(stack)
    await publish(bus, *made.introduction(), made.published())
    return made


@pytest.fixture
async def issued(http: httpx.AsyncClient, bus: Bus, issuer: PaperIssuer) -> Issued:
    """A credential on the record."""
    made = issuer.issue(valid_until=utc_now() + timedelta(days=1))
    await record(http, bus, made)
    return made


async def record(http: httpx.AsyncClient, bus: Bus, issued: Issued) -> None:
    await publish(bus, issued.event)
    await eventually(http, f"/v1/credentials/{issued.id}")


@pytest.mark.parametrize("accept", [BROWSER, "text/html", "text/html;q=0.9, image/png"])
async def test_browsers_get_a_page(http: httpx.AsyncClient, issued: Issued, issuer: PaperIssuer, accept: str) -> None:
    answer = await http.get(f"/credentials/{issued.id}", headers={"Accept": accept})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    for said in ("Applied Statistics", f"University {issuer.slug}", "Three pieces of work.", "Active.", issuer.did):
        assert said in answer.text, said
    assert "did:example:learner" not in answer.text
    assert f'<link rel="canonical" href="{issued.document["id"]}">' in answer.text
    assert answer.headers["vary"] == VARY
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "script-src" not in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, "application/vc+ld+json"),
        ("*/*", "application/vc+ld+json"),
        ("application/vc", "application/vc"),
        ("application/json, text/html;q=0.9", "application/json"),
        ("text/html, */*", "application/vc+ld+json"),
    ],
)
async def test_programs_get_the_document(
    http: httpx.AsyncClient, issued: Issued, accept: str | None, kind: str
) -> None:
    request = http.build_request("GET", f"/credentials/{issued.id}")
    del request.headers["accept"]
    if accept:
        request.headers["accept"] = accept
    answer = await http.send(request)
    assert (answer.headers["content-type"], answer.content) == (kind, orjson.dumps(issued.document))
    assert answer.headers["vary"] == VARY


@pytest.mark.parametrize(
    ("accept", "kind"),
    [(BROWSER, "application/vc+ld+json"), ("text/html", "application/json"), ("application/vc",) * 2],
)
async def test_the_document_is_shown_to_people_as_well(
    http: httpx.AsyncClient, issued: Issued, accept: str, kind: str
) -> None:
    path = f"/credentials/{issued.id}/document"
    answer = await http.get(path, headers={"Accept": accept})
    assert (answer.headers["content-type"], answer.content) == (kind, orjson.dumps(issued.document))
    assert (
        f'href="{issued.document["id"]}/document"' in (await http.get(f"/credentials/{issued.id}", headers=PAGE)).text
    )
    head = await http.head(path, headers={"Accept": accept})
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", answer.headers["etag"])
    assert (await http.get("/credentials/00000000-0000-7000-8000-000000000000/document")).status_code == 404


async def test_it_is_in_the_language_of_the_browser_or_of_a_link(http: httpx.AsyncClient, issued: Issued) -> None:
    path = f"/credentials/{issued.id}"
    for spoken, lang, language, said in (
        (None, None, "en", "Issued by"),
        ("de-AT, en;q=0.5", None, "de", "Ausgestellt von"),
        ("de-AT", "fr", "fr", "Délivrée par"),
        ("de-AT", "tlh", "de", "Ausgestellt von"),
        ("it", "es", "es", "Emitida por"),
        ("es", "\x00", "es", "Emitida por"),
    ):
        headers = {**PAGE, **({"Accept-Language": spoken} if spoken else {})}
        answer = await http.get(path, headers=headers, params={"lang": lang} if lang else {})
        assert (answer.headers["content-language"], answer.headers["vary"]) == (language, VARY)
        assert said in answer.text
        assert f'<html lang="{language}"' in answer.text


async def test_a_change_of_status_shows_within_a_minute(http: httpx.AsyncClient, bus: Bus, issued: Issued) -> None:
    path, tags = f"/credentials/{issued.id}", set()
    (limit,) = re.findall(r"public, max-age=(\d+)", (await http.get(path, headers=PAGE)).headers["cache-control"])
    assert int(limit) <= 60
    for kind, version, status, said in (
        (CredentialSuspended, 2, "suspended", "Suspended."),
        (CredentialReinstated, 3, "active", "Active."),
        (CredentialRevoked, 4, "revoked", "Revoked."),
    ):
        before = (await http.get(path, headers=PAGE)).headers["etag"]
        await publish(bus, issued.changed(kind, version))
        await eventually(http, f"/v1/credentials/{issued.id}", status=status)
        answer = await http.get(path, headers={**PAGE, "If-None-Match": before})
        assert (answer.status_code, said in answer.text) == (200, True), "what was kept is not confirmed"
        tags.add(answer.headers["etag"])
    assert len(tags) == 3


async def test_an_end_that_has_passed_is_said(http: httpx.AsyncClient, bus: Bus, issuer: PaperIssuer) -> None:
    past = issuer.issue(created=utc_now() - timedelta(hours=2), valid_until=utc_now() - timedelta(hours=1))
    await record(http, bus, past)
    assert "Expired." in (await http.get(f"/credentials/{past.id}", headers=PAGE)).text


async def test_it_can_be_kept_and_asked_for_by_head(http: httpx.AsyncClient, issued: Issued) -> None:
    path = f"/credentials/{issued.id}"
    answer = await http.get(path, headers=PAGE)
    assert answer.headers["etag"] == f'"{hashlib.sha256(answer.content).hexdigest()}"'
    head = await http.head(path, headers=PAGE)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("etag", "content-length", "content-type", "cache-control", "vary", "content-security-policy"):
        assert head.headers[name] == answer.headers[name], name
    again = await http.get(path, headers={**PAGE, "If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content, again.headers["vary"]) == (304, b"", VARY)
    other = await http.get(path, headers={**PAGE, "If-None-Match": answer.headers["etag"], "Accept-Language": "fr"})
    assert other.status_code == 200, "in another language it is another page"
    document = await http.get(path)
    assert (await http.get(path, headers={**PAGE, "If-None-Match": document.headers["etag"]})).status_code == 200


@pytest.mark.parametrize("thing", ["00000000-0000-7000-8000-000000000000", "1" * 40, "x" * 5000, "' OR 1=1 --", "<b>"])
async def test_people_are_told_in_their_language_that_there_is_none(http: httpx.AsyncClient, thing: str) -> None:
    answer = await http.get(f"/credentials/{thing}", headers={**PAGE, "Accept-Language": "de"})
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert (answer.headers["cache-control"], answer.headers["vary"]) == ("no-store", VARY)
    assert "Diesen Nachweis gibt es hier nicht" in answer.text
    assert thing not in answer.text
    assert (await http.head(f"/credentials/{thing}", headers=PAGE)).status_code == 404


async def test_what_others_append_to_an_address_is_let_be_for_people_and_refused_to_programs(
    http: httpx.AsyncClient, issued: Issued
) -> None:
    appended = "utm_source=letter&utm_medium=email&fbclid=IwAR0&x=%00&%00="
    for path in (f"/credentials/{issued.id}", "/claim"):
        answer = await http.get(f"{path}?{appended}", headers=PAGE)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    chosen = await http.get(f"/credentials/{issued.id}?{appended}&lang=es", headers=PAGE)
    assert chosen.headers["content-language"] == "es"
    for path in (f"/credentials/{issued.id}", f"/credentials/{issued.id}/document", f"/v1/credentials/{issued.id}"):
        refused = await http.get(f"{path}?{appended}")
        assert (refused.status_code, refused.json()["code"]) == (422, "unknown-parameter"), path


async def test_nothing_else_can_be_done_there(http: httpx.AsyncClient, issued: Issued) -> None:
    for method in ("POST", "PUT", "DELETE"):
        answer = await http.request(method, f"/credentials/{issued.id}", headers=PAGE)
        assert (answer.status_code, answer.headers["content-type"]) == (405, "application/problem+json")
        assert "GET" in answer.headers["allow"]


async def test_hostile_texts_come_as_texts(http: httpx.AsyncClient, bus: Bus, issuer: PaperIssuer) -> None:
    text = "</script><script>alert(1)</script>\u202e" + "W" * 10_000
    subject = {"id": "did:example:learner", "type": ["AchievementSubject"]}
    achievement = {**issuer.achievement(), "description": text, "criteria": {"id": "javascript:alert(1)"}}
    hostile = issuer.issue(change={"name": text, "credentialSubject": {**subject, "achievement": achievement}})
    await record(http, bus, hostile)
    answer = await http.get(f"/credentials/{hostile.id}", headers=PAGE)
    assert answer.status_code == 200
    assert re.findall("<script[^>]*>", answer.text) == ['<script type="application/ld+json">']
    assert "javascript:" not in answer.text
    assert answer.text.count("&lt;/script&gt;&lt;script&gt;alert(1)") >= 2
