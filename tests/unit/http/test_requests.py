"""What a request may hold, and what the answer says when it may not."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI

from tests.unit.http.conftest import OPERATOR_TOKEN, PUBLIC_URL, Tokens, client_of

GOOD: dict[str, Any] = {"slug": "a-thing", "recipient": {"email": "ann@example.org"}}
URL = "/v1/things"


@pytest.fixture
def headers(token: Tokens) -> dict[str, str]:
    """Of a client that may write."""
    return {"Authorization": f"Bearer {token('things:write')}", "Content-Type": "application/json"}


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The document of an answer that must be this problem."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert (document["status"], document["code"]) == (status, code), document
    assert document["type"] == f"{PUBLIC_URL}/problems/{code}"
    return document


async def test_a_good_request_is_answered(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    answer = await client.post(URL, json=GOOD, headers=headers)
    assert (answer.status_code, answer.json()) == (201, {"client": "client-1", "slug": "a-thing"})
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"institution_id": "x"}, "#/institution_id", "unknown-field"),
        ({"a/b~c": 1}, "#/a~1b~0c", "unknown-field"),
        ({"slug": None}, "#/slug", "required"),
        ({"slug": 7}, "#/slug", "invalid-type"),
        ({"slug": "Not A Slug"}, "#/slug", "invalid-slug"),
        ({"slug": "x" * 64}, "#/slug", "too-long"),
        ({"recipient": {"email": "ann"}}, "#/recipient/email", "invalid-email"),
        ({"recipient": {"email": "a\n@b.org"}}, "#/recipient/email", "invalid-email"),
        ({"recipient": {"email": "ann@example.org", "name": "x" * 201}}, "#/recipient/name", "too-long"),
        ({"recipient": {"email": "ann@example.org", "name": ""}}, "#/recipient/name", "too-short"),
        ({"amount": "7"}, "#/amount", "invalid-type"),
        ({"amount": True}, "#/amount", "invalid-type"),
        ({"ratio": "0.5"}, "#/ratio", "invalid-type"),
        ({"public": "yes"}, "#/public", "invalid-type"),
        ({"at": "2030-02-30T00:00:00Z"}, "#/at", "invalid-date"),
        ({"at": "2030-01-01T00:00:00"}, "#/at", "invalid-date"),
        ({"at": "0000-01-01T00:00:00Z"}, "#/at", "invalid-date"),
        ({"at": "10000-01-01T00:00:00Z"}, "#/at", "invalid-date"),
        ({"at": 1893456000}, "#/at", "invalid-type"),
        ({"url": "file:///etc/passwd"}, "#/url", "invalid-url"),
        ({"url": "https://user:pw@example.org/"}, "#/url", "invalid-url"),
        ({"tags": ["a", 7]}, "#/tags/1", "invalid-type"),
        ({"tags": {}}, "#/tags", "invalid-type"),
        ({"id": "no-uuid"}, "#/id", "invalid-value"),
    ],
)
async def test_a_bad_field_is_named_by_its_pointer(
    client: httpx.AsyncClient, headers: dict[str, str], change: dict[str, Any], pointer: str, code: str
) -> None:
    answer = await client.post(URL, json={**GOOD, **change}, headers=headers)
    document = problem(answer, 422, answer.json()["code"])
    assert (pointer, code) in [(error["pointer"], error["code"]) for error in document["errors"]]


async def test_a_whole_number_may_be_written_with_a_fraction(
    client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    assert (await client.post(URL, json={**GOOD, "amount": 3.0}, headers=headers)).status_code == 201
    problem(await client.post(URL, json={**GOOD, "amount": 3.5}, headers=headers), 422, "invalid-type")


async def test_a_missing_field_is_named_where_it_should_be(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    document = problem(await client.post(URL, json={"slug": "a"}, headers=headers), 422, "required")
    assert [error["pointer"] for error in document["errors"]] == ["#/recipient"]


async def test_every_bad_field_is_named_at_once(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    body = {"slug": 1, "recipient": {"did": "did:web:x"}, "amount": "1", "extra": 1}
    document = problem(await client.post(URL, json=body, headers=headers), 422, "invalid-input")
    assert {error["pointer"] for error in document["errors"]} == {"#/slug", "#/amount", "#/extra"}


async def test_no_answer_echoes_more_than_a_little(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    answer = await client.post(URL, json={**GOOD, "x" * 50_000: "y" * 50_000}, headers=headers)
    assert "y" not in answer.json()["detail"]
    assert len(answer.json()["detail"]) <= 200
    answer = await client.get(f"{URL}?{'q' * 5000}=1", headers=headers)
    assert len(answer.content) < 1500


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "invalid-json"),
        (b'{"slug": ', 400, "invalid-json"),
        (b'{"slug": "a", "slug": "b"}', 400, "duplicate-key"),
        (b'{"amount": NaN}', 400, "invalid-number"),
        (b'{"slug": "\\u0000"}', 422, "invalid-character"),
        (b"[1]", 422, "invalid-type"),
        (b"null", 422, "required"),
    ],
)
async def test_text_that_is_not_the_json_we_read_is_a_problem(
    client: httpx.AsyncClient, headers: dict[str, str], body: bytes, status: int, code: str
) -> None:
    problem(await client.post(URL, content=body, headers=headers), status, code)


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ({"Content-Type": "text/plain"}, "unsupported-media-type"),
        ({"Content-Type": ""}, "unsupported-media-type"),
        ({"Content-Type": "application/json; charset=utf-16"}, "unsupported-media-type"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, "unsupported-media-type"),
        ({"Content-Encoding": "gzip"}, "unsupported-encoding"),
        ({"Content-Encoding": "identity, br"}, "unsupported-encoding"),
    ],
)
async def test_a_body_of_another_kind_is_refused(
    client: httpx.AsyncClient, headers: dict[str, str], header: dict[str, str], code: str
) -> None:
    problem(await client.post(URL, json=GOOD, headers={**headers, **header}), 415, code)


@pytest.mark.parametrize(
    "kind", ["application/vc+json", "application/json; charset=UTF-8", 'APPLICATION/JSON;charset="utf-8"']
)
async def test_json_by_another_name_is_read(client: httpx.AsyncClient, headers: dict[str, str], kind: str) -> None:
    answer = await client.post(URL, json=GOOD, headers={**headers, "Content-Type": kind})
    assert answer.status_code == 201, answer.text


async def test_a_route_without_a_body_takes_none(client: httpx.AsyncClient) -> None:
    url = f"{URL}/0190a1b2-0000-7000-8000-000000000000/publish"
    assert (await client.post(url)).status_code == 200
    assert (await client.post(url, json={})).status_code == 200
    document = problem(await client.post(url, json={"status": "published"}), 422, "unknown-field")
    assert document["errors"][0]["pointer"] == "#/status"
    problem(await client.post(url, content=b"{", headers={"Content-Type": "application/json"}), 400, "invalid-json")


@pytest.mark.parametrize("thing", ["..%2f..%2fetc%2fpasswd", "%00", "x" * 10_000, "7", "{}"])
async def test_an_id_that_can_be_none_names_nothing(client: httpx.AsyncClient, thing: str) -> None:
    answer = await client.post(f"{URL}/{thing}/publish")
    assert answer.status_code in (404, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(("query", "code"), [("nonsense=1", "unknown-parameter"), ("%00=1", "unknown-parameter")])
async def test_an_unknown_query_parameter_is_refused(client: httpx.AsyncClient, query: str, code: str) -> None:
    document = problem(await client.get(f"{URL}/whoami?{query}"), 422, code)
    assert "parameter" in document["errors"][0]


@pytest.mark.parametrize("query", ["", "utm_source=letter&fbclid=IwAR", "name=stranger&name=stranger", "%00=1&x=%00"])
async def test_a_page_for_people_lets_unknown_query_parameters_be(client: httpx.AsyncClient, query: str) -> None:
    answer = await client.get(f"/welcome?{query}")
    assert (answer.status_code, answer.text) == (200, "<h1>Welcome, stranger</h1>")
    assert (await client.get(f"/welcome?name=Ada&{query.replace('name', 'n')}")).text == "<h1>Welcome, Ada</h1>"


async def test_what_does_not_exist_is_a_problem(client: httpx.AsyncClient) -> None:
    document = problem(await client.get("/nothing?email=ann@example.org"), 404, "not-found")
    assert document["instance"] == "/nothing"
    answer = await client.patch(f"{URL}/whoami")
    problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "GET"


async def test_a_fault_of_ours_tells_nothing(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{URL}/broken")
    problem(answer, 500, "internal-error")
    assert "secret" not in answer.text


async def test_a_database_that_is_away_is_503(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{URL}/database")
    problem(answer, 503, "unavailable")
    assert answer.headers["retry-after"] == "1"


async def test_health_and_readiness_and_metrics(make_app: Callable[..., FastAPI]) -> None:
    app = make_app(ready=[lambda: ("bus", "away")])
    async with client_of(app) as client:
        assert (await client.get("/healthz")).json() == {"status": "ok"}
        ready = await client.get("/readyz")
        assert ready.status_code == 503
        assert ready.json()["checks"]["bus"] == "away"
        app.state.stopping = True
        assert (await client.get("/readyz")).json()["status"] == "stopping"
        await client.get(f"{URL}/whoami")
        text = (await client.get("/metrics")).text
    assert 'http_requests_total{method="GET",route="/v1/things/whoami",status="200"}' in text
    assert "healthz" not in text


async def test_a_client_over_its_rate_is_told_when_to_go_on(make_app: Callable[..., FastAPI], token: Tokens) -> None:
    async with client_of(make_app(rate_limit=1)) as client:
        known = {"Authorization": f"Bearer {token('things:write')}"}
        assert (
            await client.get(f"{URL}/whoami", headers=known)
        ).status_code == 200  # counted by address: not yet known
        assert (await client.get(f"{URL}/whoami")).headers["ratelimit"].startswith('"default";r=0')
        for number in range(3):  # a token that is only made up is no way round the limit
            refused = await client.get(f"{URL}/whoami", headers={"Authorization": f"Bearer made-up-{number}"})
            problem(refused, 429, "too-many-requests")
            assert refused.headers["retry-after"] == "1"
        other = await client.get(f"{URL}/whoami", headers=known)
        assert other.status_code == 200, "another client is not held up"
        assert other.headers["ratelimit-policy"] == '"default";q=2;w=2'


def test_a_lenient_route_is_refused(make_app: Callable[..., FastAPI]) -> None:
    lenient = APIRouter()
    lenient.get("/lenient")(lambda: {})
    with pytest.raises(TypeError, match="lenient"):
        make_app(routers=[lenient])


async def test_the_operator_is_no_institution(client: httpx.AsyncClient) -> None:
    answer = await client.post(URL, json=GOOD, headers={"Authorization": f"Bearer {OPERATOR_TOKEN}"})
    problem(answer, 403, "forbidden")
