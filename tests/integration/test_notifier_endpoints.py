"""Endpoints over HTTP: their secret, their versions, their tenants, and what is refused."""

from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from shared.events.ids import new_id
from tests.fixtures.api import expect
from tests.fixtures.receiver import Receiver
from tests.fixtures.services import Stacks
from tests.integration.lone_notifier import LoneNotifier, Platform, Tenant

URL = "https://platform.example/hooks/laurel"
BODY = {"url": URL, "events": ["credential.issued"]}


@pytest.fixture(scope="module")
def notifier(stacks: Stacks) -> Iterator[LoneNotifier]:
    """The notifier alone. No network is open to it but the receiver's."""
    with LoneNotifier.on(stacks, "embedded", LAUREL_WEBHOOK_ALLOW_NETWORKS="127.0.0.1/32") as made:
        yield made


@pytest.fixture
async def http(notifier: LoneNotifier) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=notifier.url, timeout=30, trust_env=False, verify=False) as client:
        yield client


@pytest.fixture
def tenant(notifier: LoneNotifier) -> Tenant:
    return notifier.tenant()


async def made(http: httpx.AsyncClient, tenant: Tenant, **fields: Any) -> dict[str, Any]:
    return expect(201, await http.post("/v1/endpoints", json={**BODY, **fields}, headers=tenant.headers))


async def rows(notifier: LoneNotifier, table: str, tenant: Tenant) -> int:
    column = "principal" if table == "idempotency" else "institution_id"
    found = await notifier.execute(f"SELECT FROM {table} WHERE {column}::text = $1", str(tenant.id))
    return len(found)


def refusal(answer: httpx.Response, status: int, code: str, pointer: str | None = None) -> None:
    """A problem document of that status and code, pointing there."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    if pointer is None:
        assert problem["code"] == code, problem
    else:
        assert (code, pointer) in [(error["code"], error["pointer"]) for error in problem["errors"]], problem


async def test_the_secret_is_shown_once_and_stored_sealed(
    notifier: LoneNotifier, http: httpx.AsyncClient, tenant: Tenant
) -> None:
    headers = {**tenant.headers, "Idempotency-Key": "once"}
    answer = await http.post("/v1/endpoints", json=BODY, headers=headers)
    shown = expect(201, answer)
    assert shown["secret"].startswith("whsec_")
    assert answer.headers["location"] == f"/v1/endpoints/{shown['id']}"
    later = expect(200, await http.get(f"/v1/endpoints/{shown['id']}", headers=tenant.headers))
    assert later == {name: value for name, value in shown.items() if name != "secret"}

    dump = await notifier.execute(
        "SELECT string_agg(t, '') AS text FROM (SELECT endpoint_secret::text FROM endpoint_secret UNION ALL"
        " SELECT convert_from(body, 'utf-8') || headers::text FROM idempotency) AS rows(t)"
    )
    secret = shown["secret"].removeprefix("whsec_")
    assert secret not in dump[0]["text"]
    assert secret.encode().hex() not in dump[0]["text"]


async def test_a_repeated_request_is_the_same_endpoint_with_the_same_secret(
    notifier: LoneNotifier, http: httpx.AsyncClient, tenant: Tenant
) -> None:
    headers = {**tenant.headers, "Idempotency-Key": "again"}
    first = await http.post("/v1/endpoints", json=BODY, headers=headers)
    second = await http.post("/v1/endpoints", json=BODY, headers=headers)
    assert (first.json(), first.headers["etag"]) == (second.json(), second.headers["etag"])
    assert second.headers["idempotent-replay"] == "true"
    other = await http.post("/v1/endpoints", json={**BODY, "events": ["*"]}, headers=headers)
    refusal(other, 422, "idempotency-key-reused")
    assert await rows(notifier, "endpoint", tenant) == 1


async def test_changes_name_the_version_they_are_based_on(http: httpx.AsyncClient, tenant: Tenant) -> None:
    endpoint = await made(http, tenant, description="before")
    path = f"/v1/endpoints/{endpoint['id']}"
    change = {"events": ["credential.revoked", "*", "*"], "description": None, "state": "paused"}
    refusal(await http.patch(path, json=change, headers=tenant.headers), 428, "precondition-required")
    stale = {**tenant.headers, "If-Match": '"7"'}
    refusal(await http.patch(path, json=change, headers=stale), 412, "stale")

    answer = await http.patch(path, json=change, headers={**tenant.headers, "If-Match": '"1"'})
    changed = expect(200, answer)
    assert answer.headers["etag"] == '"2"'
    assert (changed["events"], changed["description"]) == (["credential.revoked", "*"], None)
    assert (changed["state"], changed["url"]) == ("paused", URL)
    refusal(await http.patch(path, json=change, headers={**tenant.headers, "If-Match": '"1"'}), 412, "stale")
    assert expect(200, await http.post(f"{path}/enable", headers=tenant.headers))["state"] == "active"


ASKED = {
    "payload": "full",
    "format": "cloudevents-structured",
    "signatures": ["v1", "v1a"],
    "achievements": [str(new_id())],
    "filter": 'status == "active"',
    "ordered": True,
    "rate_per_second": 2.5,
    "concurrency": 64,
}


async def test_what_an_endpoint_asks_for_is_kept_and_can_be_changed(http: httpx.AsyncClient, tenant: Tenant) -> None:
    plain = await made(http, tenant)
    defaults = {name: plain[name] for name in ASKED}
    path = f"/v1/endpoints/{plain['id']}"
    changed = expect(200, await http.patch(path, json=ASKED, headers={**tenant.headers, "If-Match": '"1"'}))
    assert ASKED.items() <= changed.items()
    assert ASKED.items() <= (again := await made(http, tenant, **ASKED)).items()
    assert changed["public_key"].startswith("whpk_")
    assert changed["public_key"] != again["public_key"]
    assert expect(200, await http.get(path, headers=tenant.headers)) == changed

    back = expect(200, await http.patch(path, json=defaults, headers={**tenant.headers, "If-Match": '"2"'}))
    assert back == {name: value for name, value in plain.items() if name != "secret"}
    assert back["public_key"] is None


async def test_headers_of_ones_own_are_sealed_and_not_shown_again(
    notifier: LoneNotifier, http: httpx.AsyncClient, tenant: Tenant
) -> None:
    token = "Bearer a-token-of-the-platform"
    endpoint = await made(http, tenant, headers={"Authorization": token, "X-Tenant": "7"})
    assert endpoint["headers"] == {"Authorization": "***", "X-Tenant": "***"}
    stored = await notifier.execute("SELECT endpoint::text AS text FROM endpoint WHERE id = $1", UUID(endpoint["id"]))
    assert token not in stored[0]["text"]
    assert token.encode().hex() not in stored[0]["text"]
    path, match = f"/v1/endpoints/{endpoint['id']}", {**tenant.headers, "If-Match": '"1"'}
    changed = expect(200, await http.patch(path, json={"headers": {"X-Other": "1"}}, headers=match))
    assert changed["headers"] == {"X-Other": "***"}


async def test_every_fault_of_a_body_is_told_at_once(http: httpx.AsyncClient, tenant: Tenant) -> None:
    bad = {"url": "https://10.0.0.1/", "filter": "status ==", "headers": {"Host": "evil"}}
    answer = await http.post("/v1/endpoints", json={**BODY, **bad}, headers=tenant.headers)
    assert answer.json()["code"] == "invalid-input"
    for code, pointer in (
        ("forbidden-address", "#/url"),
        ("invalid-filter", "#/filter"),
        ("forbidden-header", "#/headers/Host"),
    ):
        refusal(answer, 422, code, pointer)
    assert "column 10" in answer.text


async def test_only_the_version_that_is_named_is_removed(http: httpx.AsyncClient, tenant: Tenant) -> None:
    path = f"/v1/endpoints/{(await made(http, tenant))['id']}"
    refusal(await http.delete(path, headers={**tenant.headers, "If-Match": '"2"'}), 412, "stale")
    assert (await http.delete(path, headers={**tenant.headers, "If-Match": '"1"'})).status_code == 204


async def test_a_removed_endpoint_is_gone(http: httpx.AsyncClient, tenant: Tenant) -> None:
    path = f"/v1/endpoints/{(await made(http, tenant))['id']}"
    assert (await http.delete(path, headers=tenant.headers)).status_code == 204
    for request in (http.get(path, headers=tenant.headers), http.delete(path, headers=tenant.headers)):
        refusal(await request, 404, "not-found")
    assert expect(200, await http.get("/v1/endpoints", headers=tenant.headers)) == {"items": [], "next": None}


async def test_endpoints_are_listed_in_pages(http: httpx.AsyncClient, tenant: Tenant) -> None:
    ids = [(await made(http, tenant))["id"] for _ in range(5)]
    seen, url = [], "/v1/endpoints?limit=2"
    while url:
        answer = await http.get(url, headers=tenant.headers)
        seen += [item["id"] for item in expect(200, answer)["items"]]
        url = answer.links.get("next", {}).get("url", "")
    assert seen == ids
    for query, status, code in [("limit=0", 422, "invalid-limit"), ("cursor=forged", 400, "invalid-cursor")]:
        answer = await http.get(f"/v1/endpoints?{query}", headers=tenant.headers)
        assert (answer.status_code, code in answer.text) == (status, True), answer.text


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"events": ["credential.invented"]}, "invalid-value", "#/events/0"),
        ({"events": ["message.exhausted"]}, "invalid-value", "#/events/0"),
        ({"events": []}, "too-short", "#/events"),
        ({"events": ["*"] * 65}, "too-long", "#/events"),
        ({"events": "*"}, "invalid-type", "#/events"),
        ({"events": None}, "required", "#/events"),
        ({"url": None}, "required", "#/url"),
        ({"url": 7}, "invalid-type", "#/url"),
        ({"url": "https://platform.example/" + "x" * 2000}, "too-long", "#/url"),
        ({"description": "x" * 501}, "too-long", "#/description"),
        ({"payload": "fat"}, "invalid-value", "#/payload"),
        ({"format": "xml"}, "invalid-value", "#/format"),
        ({"signatures": []}, "too-short", "#/signatures"),
        ({"signatures": ["v1a"]}, "invalid-value", "#/signatures"),
        ({"signatures": ["v1", "v2"]}, "invalid-value", "#/signatures/1"),
        ({"achievements": []}, "too-short", "#/achievements"),
        ({"achievements": ["one"]}, "invalid-id", "#/achievements/0"),
        ({"institutions": []}, "too-short", "#/institutions"),
        ({"institutions": ["one"]}, "invalid-id", "#/institutions/0"),
        ({"filter": ""}, "too-short", "#/filter"),
        ({"filter": "status ="}, "invalid-filter", "#/filter"),
        ({"filter": "(" * 501}, "too-long", "#/filter"),
        ({"filter": "(" * 500}, "invalid-filter", "#/filter"),
        ({"rate_per_second": 0}, "out-of-range", "#/rate_per_second"),
        ({"rate_per_second": "1"}, "invalid-type", "#/rate_per_second"),
        ({"concurrency": 0}, "out-of-range", "#/concurrency"),
        ({"concurrency": 65}, "out-of-range", "#/concurrency"),
        ({"concurrency": None}, "required", "#/concurrency"),
        ({"ordered": 1}, "invalid-type", "#/ordered"),
        ({"headers": {"Host": "evil"}}, "forbidden-header", "#/headers/Host"),
        ({"headers": {"X-A": "a\r\nwebhook-id: b"}}, "forbidden-header", "#/headers/X-A"),
        ({"headers": {"a/b": "x"}}, "forbidden-header", "#/headers/a~1b"),
        ({"headers": {"X-A": "x" * 501}}, "too-long", "#/headers/X-A"),
        ({"headers": {f"X-{n}": "x" for n in range(21)}}, "too-long", "#/headers"),
        ({"headers": {"X-A": 1}}, "invalid-type", "#/headers/X-A"),
        ({"headers": None}, "required", "#/headers"),
        ({"public_key": "whpk_mine"}, "unknown-field", "#/public_key"),
        ({"secret": "whsec_mine"}, "unknown-field", "#/secret"),
        ({"institution_id": str(uuid4())}, "unknown-field", "#/institution_id"),
        ({"state": "disabled"}, "unknown-field", "#/state"),
    ],
)
async def test_a_bad_field_is_named_and_nothing_is_written(
    notifier: LoneNotifier, http: httpx.AsyncClient, tenant: Tenant, change: dict[str, Any], code: str, pointer: str
) -> None:
    refusal(await http.post("/v1/endpoints", json={**BODY, **change}, headers=tenant.headers), 422, code, pointer)
    assert await rows(notifier, "endpoint", tenant) == 0


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.2/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://0/",
        "https://2130706434/",
        "https://0x7f000002/",
        "https://0177.0.0.2/",
        "https://10.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::a00:1]/",
        "https://[fe80::1]/",
        "http://192.168.1.1/",
    ],
)
async def test_an_address_inside_is_refused_at_once(
    notifier: LoneNotifier, http: httpx.AsyncClient, tenant: Tenant, url: str
) -> None:
    answer = await http.post("/v1/endpoints", json={**BODY, "url": url}, headers=tenant.headers)
    refusal(answer, 422, "forbidden-address", "#/url")
    assert await rows(notifier, "endpoint", tenant) == 0


@pytest.mark.parametrize(
    "url",
    [
        "https://user:password@platform.example/",
        "file:///etc/passwd",
        "gopher://platform.example/",
        "https:///nowhere",
        "https://platform.example:99999/",
        "platform.example/hook",
        "https://platform.example/\u0009x",
    ],
)
async def test_what_is_no_usable_url_is_refused(
    notifier: LoneNotifier, http: httpx.AsyncClient, tenant: Tenant, url: str
) -> None:
    refusal(
        await http.post("/v1/endpoints", json={**BODY, "url": url}, headers=tenant.headers), 422, "invalid-url", "#/url"
    )
    assert await rows(notifier, "endpoint", tenant) == 0


async def test_a_change_of_address_is_checked_too(http: httpx.AsyncClient, tenant: Tenant) -> None:
    path = f"/v1/endpoints/{(await made(http, tenant))['id']}"
    headers = {**tenant.headers, "If-Match": '"1"'}
    refusal(
        await http.patch(path, json={"url": "https://10.0.0.1/"}, headers=headers), 422, "forbidden-address", "#/url"
    )
    refusal(await http.patch(path, json={"url": None}, headers=headers), 422, "required", "#/url")


async def test_another_institutions_things_do_not_exist(
    notifier: LoneNotifier, receiver: Receiver, http: httpx.AsyncClient, tenant: Tenant
) -> None:
    theirs = await Platform.join(notifier, receiver, http)
    await theirs.tell()
    message = (await theirs.message("delivered"))["id"]
    mine = {**tenant.headers, "If-Match": '"1"'}
    unknown = f"/v1/endpoints/{new_id()}", "/v1/messages/msg_" + "a" * 26
    for endpoint, sent in ((f"/v1/endpoints/{theirs.id}", f"/v1/messages/{message}"), unknown):
        for answer in (
            await http.get(endpoint, headers=mine),
            await http.patch(endpoint, json={"state": "paused"}, headers=mine),
            await http.post(f"{endpoint}/enable", headers=mine),
            await http.delete(endpoint, headers=mine),
            await http.post(f"{endpoint}/secret/rotate", headers=mine),
            await http.post(f"{endpoint}/verify", headers=mine),
            await http.post(f"{endpoint}/test", json={"type": "credential.issued"}, headers=mine),
            await http.get(sent, headers=mine),
            await http.get(f"{sent}/attempts", headers=mine),
            await http.post(f"{sent}/resend", headers=mine),
        ):
            refusal(answer, 404, "not-found")
    assert expect(200, await http.get("/v1/messages", headers=mine))["items"] == []
    assert expect(200, await http.get("/v1/endpoints", headers=mine))["items"] == []
    assert (await theirs.endpoint())["state"] == "active"
    assert len(await theirs.attempts(message)) == 1
    assert len(await receiver.received(theirs.name)) == 1


async def test_scopes_and_the_operator(notifier: LoneNotifier, http: httpx.AsyncClient) -> None:
    reader = notifier.tenant("endpoints:read")
    expect(200, await http.get("/v1/endpoints", headers=reader.headers))
    refusal(await http.post("/v1/endpoints", json=BODY, headers=reader.headers), 403, "insufficient-scope")
    writer = notifier.tenant("endpoints:write")
    refusal(await http.get("/v1/messages", headers=writer.headers), 403, "insufficient-scope")
    assert (await http.get("/v1/endpoints", headers=notifier.operator)).status_code == 403
    assert (await http.get("/v1/endpoints")).status_code == 401
    assert expect(200, await http.get("/v1/parked-events", headers=notifier.operator))["items"] == []
    assert (await http.get("/v1/parked-events", headers=writer.headers)).status_code == 403


@pytest.mark.parametrize("message", ["x", "msg_", "msg_A", "msg_a.b", "msg_" + "a" * 100, "%00", "..%2F..%2Fetc"])
async def test_what_is_no_message_id_is_refused(http: httpx.AsyncClient, tenant: Tenant, message: str) -> None:
    answer = await http.get(f"/v1/messages/{message}", headers=tenant.headers)
    assert answer.status_code in (404, 422), answer.text
