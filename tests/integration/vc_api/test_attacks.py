"""What somebody might send to the VC-API to have it sign, believe or do what it should not."""

import copy
import time
from typing import Any

import httpx
import pytest

from tests.fixtures.api import Api, Institution
from tests.integration.vc_api.securing import V2, credential, issued, post

pytestmark = pytest.mark.parametrize("bus_kind", ["embedded"], indirect=True)
DOORS = [
    ("issuer", "/credentials/issue", "credential"),
    ("verifier", "/credentials/verify", "verifiableCredential"),
    ("verifier", "/presentations/verify", "verifiablePresentation"),
    ("verifier", "/proof-only/credentials/verify", "verifiableCredential"),
]
TEXTS = {
    "nested arrays": '{"x":' + "[" * 100_000 + "]" * 100_000 + "}",
    "nested objects": '{"x":' * 50_000 + "1" + "}" * 50_000,
    "a key twice": f'{{"@context": ["{V2}"], "type": ["VerifiableCredential"], "type": ["X"]}}',
    "a number beyond 2^53": '{"x": 9007199254740993}',
    "a number that overflows": '{"x": 1e400}',
    "half a surrogate pair": '{"x": "\\ud800"}',
    "U+0000": '{"x": "\\u0000"}',
    "NaN": '{"x": NaN}',
    "many values": '{"x": [' + "1," * 200_000 + "1]}",
}


@pytest.fixture
async def tenant(api: Api) -> Institution:
    return await api.institution()


async def send(api: Api, tenant: Institution, door: tuple[str, str, str], text: str) -> httpx.Response:
    service, path, name = door
    headers = {"content-type": "application/json", **tenant.headers}
    return await api.http.post(api.urls[service] + path, content=f'{{"{name}": {text}}}', headers=headers)


@pytest.mark.parametrize("name", TEXTS)
async def test_a_text_that_two_readers_read_differently_is_refused_at_each_door(
    api: Api, tenant: Institution, name: str
) -> None:
    for door in DOORS:
        begun = time.monotonic()
        answer = await send(api, tenant, door, TEXTS[name])
        assert answer.status_code in (400, 413, 422), (door, answer.status_code, answer.text[:300])
        assert answer.headers["content-type"] == "application/problem+json"
        assert time.monotonic() - begun < 5


CONTEXTS: dict[str, Any] = {
    "one that is not known": ["https://evil.example/context"],
    "a term redefined": [{"name": "https://evil.example/name"}],
    "protection taken off": [{"@protected": False, "VerifiableCredential": "https://evil.example/x"}],
    "everything cleared": [None, {"@vocab": "https://evil.example/"}],
    "another base": [{"@base": "https://evil.example/"}],
    "one imported": [{"@import": "https://evil.example/context"}],
    "one within a term": [{"x": {"@id": "https://a.example/x", "@context": "https://evil.example/context"}}],
    "a file": ["file:///etc/passwd"],
    "a private address": ["http://169.254.169.254/latest/meta-data"],
}


@pytest.mark.parametrize("name", CONTEXTS)
async def test_a_context_that_would_change_the_meaning_is_refused_on_both_sides(
    api: Api, tenant: Institution, name: str
) -> None:
    for suite in ("eddsa-rdfc-2022", "eddsa-jcs-2022"):
        secured = await issued(api, tenant, credential(tenant.did), cryptosuite=suite)
        changed = copy.deepcopy(secured)
        changed["@context"] += CONTEXTS[name]
        changed["x"] = {"id": "https://a.example/1"}
        for prefix in ("", "/proof-only"):
            answer = await api.http.post(
                f"{api.urls['verifier']}{prefix}/credentials/verify", json={"verifiableCredential": changed}
            )
            assert (answer.status_code, answer.json()["verified"]) == (400, False)
    document = credential(tenant.did, x={"id": "relative"})
    document["@context"] += CONTEXTS[name]
    assert (await post(api, tenant, document)).status_code == 400


async def test_a_document_that_would_keep_a_processor_busy_is_refused_at_once(api: Api, tenant: Institution) -> None:
    terms = {f"t{number}": f"https://e.example/{number}" for number in range(500)}
    scoped = {"T": {"@id": "https://e.example/T", "@context": terms}, "has": "https://e.example/has"}
    alike = [{"has": {"has": {}}} for _ in range(100)]
    for document in (
        credential(tenant.did, **{"@context": [V2, scoped], "has": [{"type": "T", "t1": "x"} for _ in range(150)]}),
        credential(tenant.did, **{"@context": [V2, scoped], "has": alike}),
    ):
        begun = time.monotonic()
        answer = await post(api, tenant, document)
        assert (answer.status_code, answer.json()["code"]) == (400, "too-complex")
        assert time.monotonic() - begun < 5


async def test_a_key_of_the_attackers_is_never_taken_from_the_document(api: Api, tenant: Institution) -> None:
    secured = await issued(api, tenant, credential(tenant.did))
    multikey = "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
    method = {"id": f"{tenant.did}#key-1", "type": "Multikey", "controller": tenant.did, "publicKeyMultibase": multikey}
    forged = copy.deepcopy(secured)
    forged["proof"]["verificationMethod"] = method
    answer = await api.http.post(f"{api.urls['verifier']}/credentials/verify", json={"verifiableCredential": forged})
    assert (answer.status_code, answer.json()["verified"]) == (400, False)
