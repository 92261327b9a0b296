"""What the verifier is sent by mistake or malice: a problem or a verdict, never a fault."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import orjson
import pytest

from tests.fixtures.services import Stacks
from tests.fixtures.stack import Stack
from tests.integration.lone_service import client, only
from tests.integration.paper_issuer import PaperIssuer

STRANGER = PaperIssuer("https://r.example", "https://i.example/status-lists", "did:web:unresolvable.example:u")
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def stack(stacks: Stacks) -> Iterator[Stack]:
    """The verifier alone; no event is needed here."""
    with only("verifier", stacks, "embedded") as made:
        yield made


@pytest.fixture
async def http(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    async with client(stack, "verifier") as made:
        yield made


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "invalid-json"),
        (b"{", 400, "invalid-json"),
        (b'{"credential":{}} x', 400, "invalid-json"),
        (b'\xef\xbb\xbf{"credential":{}}', 400, "invalid-json"),
        (b'{"credential":{"a":1,"a":2}}', 400, "duplicate-key"),
        (b'{"credential":{"a":NaN}}', 400, "invalid-number"),
        (b'{"credential":{"a":1e999}}', 400, "invalid-number"),
        (b'{"credential":{"a":' + b"9" * 5000 + b"}}", 400, "invalid-number"),
        (b'{"credential":' + b"[" * 100_000 + b"}", 400, "too-deep"),
        (b'{"credential":{"a":[' + b"1," * 20_000 + b"1]}}", 400, "too-many-nodes"),
        (b'{"credential":{"a":"\\u0000"}}', 422, "invalid-character"),
        (b'{"credential":{"a":"\\ud800"}}', 422, "invalid-character"),
        (b'{"credential":{"a":"\xff"}}', 400, None),
        (b"[]", 422, None),
        (b'"text"', 422, None),
        (b"null", 422, None),
        (b"{}", 422, None),
        (b'{"credential":null}', 422, None),
        (b'{"credential":5}', 422, None),
        (b'{"credential":"eyJhbGciOiJub25lIn0"}', 422, None),
        (b'{"credential":[]}', 422, None),
        (b'{"credential":{}}', 422, None),
        (b'{"credential":{"a":1},"options":{}}', 422, None),
    ],
)
async def test_what_is_no_request_is_a_problem(
    http: httpx.AsyncClient, body: bytes, status: int, code: str | None
) -> None:
    answer = await http.post("/v1/verify", content=body, headers=JSON)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    if code:
        assert answer.json()["code"] == code


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"credential": 5}, "#/credential", "invalid-type"),
        ({"credential": {"a": 1}, "extra": 1}, "#/extra", "unknown-field"),
        ({}, "#/credential", "required"),
    ],
)
async def test_the_problem_names_the_field(
    http: httpx.AsyncClient, body: dict[str, Any], pointer: str, code: str
) -> None:
    answer = await http.post("/v1/verify", json=body)
    assert [(each["pointer"], each["code"]) for each in answer.json()["errors"]] == [(pointer, code)]


async def test_other_types_and_sizes_are_refused_before_parsing(http: httpx.AsyncClient) -> None:
    body = b'{"credential":{"a":"' + b"x" * 1_100_000 + b'"}}'
    assert (await http.post("/v1/verify", content=body, headers=JSON)).status_code == 413
    assert (await http.post("/v1/verify", content=b"{}", headers={"content-type": "text/plain"})).status_code == 415
    gzipped = {**JSON, "content-encoding": "gzip"}
    assert (await http.post("/v1/verify", content=b"x", headers=gzipped)).status_code == 415
    assert (await http.get("/v1/verify")).status_code == 405


@pytest.mark.parametrize(
    "document",
    [
        {"a": 1},
        {"@context": [], "type": [], "issuer": [], "proof": [], "credentialStatus": [], "validFrom": []},
        {"@context": {}, "type": 5, "issuer": 5, "proof": 5, "credentialStatus": 5, "validFrom": 5},
        {"issuer": {"id": {"id": {}}}, "proof": [[[]]], "credentialStatus": [[]], "credentialSubject": [[]]},
        {"issuer": "did:web:", "proof": {"verificationMethod": "did:web:#"}},
        {"issuer": "did:key:", "proof": {"verificationMethod": "did:key:#x"}},
        {"issuer": "", "proof": {"verificationMethod": ""}},
        {"issuer": "x" * 5000, "proof": {"verificationMethod": "x" * 5000 + "#1"}},
        {"id": "💥" * 500, "name": {"@value": "x"}, "credentialSubject": {"achievement": 5}},
        {"proof": [{}] * 1000},
        {"credentialStatus": [{}] * 1000},
    ],
)
async def test_any_object_gets_a_verdict(http: httpx.AsyncClient, document: dict[str, Any]) -> None:
    answer = await http.post("/v1/verify", json={"credential": document})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["verified"], body["verdict"]) == (False, "forged")


@pytest.mark.parametrize("path", ["issuer", "proof", "credentialStatus", "validFrom", "@context", "type", "id", "name"])
@pytest.mark.parametrize("value", [None, 5, -1, True, "", "x", [], {}, [None], {"id": None}, ["x", {}], {"@id": "x"}])
async def test_a_member_of_the_wrong_kind_never_verifies_nor_fails_the_service(
    http: httpx.AsyncClient, path: str, value: Any
) -> None:
    document = {**STRANGER.issue().document, path: value}
    answer = await http.post("/v1/verify", json={"credential": document})
    assert answer.status_code == 200, answer.text
    assert answer.json()["verified"] is False


@pytest.mark.parametrize(
    "did",
    [
        "did:web:localhost",
        "did:web:127.0.0.1",
        "did:web:169.254.169.254",
        "did:web:10.0.0.1%3A8080",
        "did:web:0x7f000001",
        "did:web:%5B%3A%3A1%5D",
        "did:web:example.com:..:..:etc:passwd",
        "did:web:example.com%2f..%2f",
        "did:web:user%40example.com",
        "did:web:EXAMPLE.com",
        "did:web:example.com.",
        "did:web:ex%2eample.com",
        "did:web:еxample.com",
        "did:web:example.com%3A22",
        "did:web:example.com%3Aabc",
        "did:example:123",
        "https://issuer.example/profile",
    ],
)
async def test_an_issuer_nobody_can_resolve_is_unknown_and_quick(http: httpx.AsyncClient, did: str) -> None:
    document = PaperIssuer("https://r.example", "https://i.example/l", did).issue().document
    started = time.monotonic()
    answer = await http.post("/v1/verify", json={"credential": document})
    assert time.monotonic() - started < 4
    body = answer.json()
    issuer = next(each for each in body["checks"] if each["check"] == "issuer")
    assert body["verified"] is False
    assert issuer["outcome"] == "unknown"
    assert issuer["problem"]["type"].endswith("/problems/did-unresolvable")
    assert body["credential"]["issuer"]["id"].isascii()


async def test_remote_resources_of_a_document_are_never_fetched(http: httpx.AsyncClient) -> None:
    fetched = 0

    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal fetched
        fetched += 1
        writer.close()

    server = await asyncio.start_server(count, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x"
    for change in (
        {"@context": ["https://www.w3.org/ns/credentials/v2", url]},
        {"credentialSchema": {"id": url, "type": "1EdTechJsonSchemaValidator2019"}},
        {"termsOfUse": {"id": url, "type": "T"}, "evidence": [{"id": url, "type": ["Evidence"]}]},
        {"image": {"id": url, "type": "Image"}, "refreshService": {"id": url, "type": "1EdTechCredentialRefresh"}},
    ):
        document = {**STRANGER.issue().document, **change}
        assert (await http.post("/v1/verify", json={"credential": document})).status_code == 200
    server.close()
    await server.wait_closed()
    assert fetched == 0


def rdfc_by_did_key() -> dict[str, Any]:
    """A document whose proof asks for RDF canonicalisation, by a key that is found without a fetch."""
    multikey = STRANGER.multikeys()[STRANGER.method]
    stranger = PaperIssuer("https://r.example", "https://i.example/l", f"did:key:{multikey}", keys=STRANGER.keys)
    return stranger.issue(suite="eddsa-rdfc-2022", method=f"{stranger.did}#{multikey}", status=[]).document


@pytest.mark.parametrize("twins", [9, 400, 2400])
async def test_what_is_costly_to_canonicalise_is_given_up_quickly(http: httpx.AsyncClient, twins: int) -> None:
    """Blank nodes that cannot be told apart take exponential time; very many of any kind take long."""
    document = rdfc_by_did_key()
    del document["id"]
    document["evidence"] = [{"type": ["Evidence"], "name": "same"} for _ in range(twins)]
    started = time.monotonic()
    answer = await http.post("/v1/verify", json={"credential": document})
    assert answer.status_code == 200, answer.text
    proof = answer.json()["checks"][0]
    assert (proof["outcome"], proof["problem"]["type"].rpartition("/")[2]) == ("fail", "too-complex")
    assert time.monotonic() - started < 2


async def test_costly_documents_do_not_hold_up_others(http: httpx.AsyncClient) -> None:
    heavy, light = rdfc_by_did_key(), rdfc_by_did_key()
    assert (await http.post("/v1/verify", json={"credential": light})).json()["verdict"] == "valid-with-warnings"
    heavy["evidence"] = [{"id": f"urn:x:{n}", "type": ["Evidence"], "name": f"n {n}"} for n in range(200)]
    posts = [asyncio.create_task(http.post("/v1/verify", json={"credential": heavy})) for _ in range(24)]
    await asyncio.sleep(0.1)
    started = time.monotonic()
    assert (await http.post("/v1/verify", json={"credential": light})).json()["verdict"] == "valid-with-warnings"
    assert time.monotonic() - started < 0.8
    assert not all(post.done() for post in posts)
    assert {(await post).json()["verdict"] for post in posts} == {"forged"}


async def test_the_service_is_well_after_all_of_this(http: httpx.AsyncClient) -> None:
    assert (await http.get("/readyz")).status_code == 200
    metrics = (await http.get("/metrics")).text
    assert 'status="500"' not in metrics
    assert orjson.loads((await http.get("/openapi.json")).content)["openapi"].startswith("3.")
