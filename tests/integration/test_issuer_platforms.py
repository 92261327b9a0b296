"""Platforms at the issuer: the operator admits and suspends them; their tokens open endpoints and shares alone."""

from typing import Any
from uuid import uuid4

import jwt
import pytest

from tests.fixtures.api import Api, expect
from tests.fixtures.issuer import LoneIssuer


def url(api: Api, *parts: str) -> str:
    return "/".join([api.urls["issuer"], "v1/platforms", *parts])


def body(**change: Any) -> dict[str, Any]:
    fields = {"name": "Profiles", "url": "https://profiles.example", "email": "hooks@profiles.example"}
    return {"slug": f"p-{uuid4().hex[:12]}", **fields, **change}


async def test_one_is_admitted_with_a_client_once_whatever_is_retried(issuer_api: Api, issuer: LoneIssuer) -> None:
    asked, headers = body(), {**issuer_api.operator, "Idempotency-Key": uuid4().hex}
    first = await issuer_api.http.post(url(issuer_api), json=asked, headers=headers)
    again = await issuer_api.http.post(url(issuer_api), json=asked, headers=headers)
    made = expect(201, first)
    assert again.json() == made
    assert again.headers["Idempotent-Replay"] == "true"
    assert first.headers["Location"].endswith(f"/v1/platforms/{made['id']}")
    client = made.pop("client")
    assert made == expect(200, await issuer_api.http.get(url(issuer_api, made["id"]), headers=issuer_api.operator))
    (event,) = await issuer.events(made["id"])
    assert event.type == "org.laurel.platform.registered.v1"
    assert {name: event.value[name] for name in ("slug", "name", "url", "email")} == asked
    rows = await issuer.fetch("SELECT body FROM idempotency WHERE key = $1", headers["Idempotency-Key"])
    assert client["client_secret"].encode() not in rows[0]["body"]


async def test_its_token_names_it_and_opens_endpoints_and_shares_alone(issuer_api: Api) -> None:
    platform = await issuer_api.platform()
    claims = jwt.decode(platform.token, options={"verify_signature": False})
    assert claims["institution"] == platform.id
    assert set(claims["scope"].split()) == {"endpoints:read", "endpoints:write", "shares:write"}
    base = f"{issuer_api.urls['issuer']}/v1"
    refused = [
        await issuer_api.http.get(f"{base}/credentials", headers=platform.headers),
        await issuer_api.http.get(f"{base}/clients", headers=platform.headers),
        await issuer_api.http.post(f"{base}/clients", json={"name": "x"}, headers=platform.headers),
        await issuer_api.http.get(f"{base}/platforms/{platform.id}", headers=platform.headers),
        await issuer_api.http.post(f"{base}/platforms", json=body(), headers=platform.headers),
    ]
    assert [answer.status_code for answer in refused] == [403] * len(refused)
    unknown = await issuer_api.http.get(f"{base}/institutions/{platform.id}", headers=platform.headers)
    assert unknown.status_code == 404
    form = {"grant_type": "client_credentials", "client_id": platform.client_id}
    form |= {"client_secret": platform.client_secret, "scope": "credentials:write"}
    asked = await issuer_api.http.post(f"{issuer_api.urls['issuer']}/oauth/token", data=form)
    assert expect(400, asked)["error"] == "invalid_scope"


async def test_a_token_says_which_kind_of_tenant_it_is_for_however_little_it_may_do(issuer_api: Api) -> None:
    for kind, tenant in (("platform", await issuer_api.platform()), ("institution", await issuer_api.institution())):
        form = {"grant_type": "client_credentials", "client_id": tenant.client_id, "scope": "endpoints:write"}
        form["client_secret"] = tenant.client_secret
        narrow = expect(200, await issuer_api.http.post(f"{issuer_api.urls['issuer']}/oauth/token", data=form))
        for token in (tenant.token, narrow["access_token"]):
            claims = jwt.decode(token, options={"verify_signature": False})
            assert (claims["institution"], claims["tenant_kind"]) == (tenant.id, kind)


async def test_an_institution_gets_no_scope_of_platforms(issuer_api: Api) -> None:
    tenant = await issuer_api.institution()
    claims = jwt.decode(tenant.token, options={"verify_signature": False})
    assert "shares:write" not in claims["scope"].split()
    asked = {"name": "x", "scopes": ["shares:write"]}
    answer = await issuer_api.http.post(f"{issuer_api.urls['issuer']}/v1/clients", json=asked, headers=tenant.headers)
    assert expect(422, answer)["errors"][0]["pointer"] == "#/scopes/0"


async def test_it_is_changed_by_version_and_suspended_for_good(issuer_api: Api, issuer: LoneIssuer) -> None:
    platform = await issuer_api.platform()
    where, operator = url(issuer_api, platform.id), issuer_api.operator
    missing = await issuer_api.http.patch(where, json={"name": "New"}, headers=operator)
    stale = await issuer_api.http.patch(where, json={"name": "New"}, headers={**operator, "If-Match": '"7"'})
    assert (missing.status_code, stale.status_code) == (428, 412)
    current = {**operator, "If-Match": '"1"'}
    changed = expect(200, await issuer_api.http.patch(where, json={"name": "New"}, headers=current))
    assert (changed["name"], changed["version"], changed["slug"]) == ("New", 2, platform.slug)
    reason = {"reason": "sold what it was given"}
    suspended = expect(200, await issuer_api.http.post(f"{where}/suspend", json=reason, headers=operator))
    assert (suspended["state"], suspended["suspended_reason"]) == ("suspended", reason["reason"])
    again = await issuer_api.http.post(f"{where}/suspend", json=reason, headers=operator)
    assert expect(409, again)["code"] == "wrong-state"
    assert [(event.version, event.type.split(".")[3]) for event in await issuer.events(platform.id)] == [
        (1, "registered"),
        (2, "updated"),
        (3, "suspended"),
    ]
    # It still has to hear what to remove, and to confirm it.
    assert await issuer_api.token(platform.client_id, platform.client_secret)


async def test_one_from_before_there_were_addresses_goes_on_and_can_be_given_one(
    issuer_api: Api, issuer: LoneIssuer
) -> None:
    platform = await issuer_api.platform()
    where, operator = url(issuer_api, platform.id), issuer_api.operator
    await issuer.fetch("UPDATE platform SET email = NULL WHERE slug = $1", platform.slug)
    shown = expect(200, await issuer_api.http.get(where, headers=operator))
    assert shown["email"] is None
    for version, change in ((1, {"name": "New"}), (2, {"email": "hooks@new.example"})):
        headers = {**operator, "If-Match": f'"{version}"'}
        shown = expect(200, await issuer_api.http.patch(where, json=change, headers=headers))
    assert (shown["name"], shown["email"]) == ("New", "hooks@new.example")
    told = [(event.version, event.value.get("email")) for event in await issuer.events(platform.id)]
    assert told[1:] == [(2, None), (3, "hooks@new.example")]
    null = await issuer_api.http.patch(where, json={"email": None}, headers={**operator, "If-Match": '"3"'})
    assert expect(422, null)["errors"][0]["pointer"] == "#/email"


async def test_a_leaked_secret_is_replaced(issuer_api: Api) -> None:
    platform, other = await issuer_api.platform(), await issuer_api.platform()
    where, operator = url(issuer_api, platform.id, "clients"), issuer_api.operator
    second = expect(201, await issuer_api.http.post(where, json={"name": "second"}, headers=operator))
    assert await issuer_api.token(second["client_id"], second["client_secret"])
    foreign = await issuer_api.http.post(f"{where}/{other.client_id}/revoke", headers=operator)
    assert foreign.status_code == 404
    expect(200, await issuer_api.http.post(f"{where}/{platform.client_id}/revoke", headers=operator))
    listed = expect(200, await issuer_api.http.get(where, headers=operator))["items"]
    assert [(item["name"], item["revoked_at"] is None) for item in listed] == [
        ("second", True),
        ("first client", False),
    ]
    form = {"grant_type": "client_credentials", "client_id": platform.client_id}
    form["client_secret"] = platform.client_secret
    refused = await issuer_api.http.post(f"{issuer_api.urls['issuer']}/oauth/token", data=form)
    assert refused.status_code == 401
    for method, path in (("GET", ""), ("POST", ""), ("POST", f"/{platform.client_id}/revoke")):
        content = {"name": "x"} if (method, path) == ("POST", "") else None
        answer = await issuer_api.http.request(
            method, url(issuer_api, str(uuid4()), "clients") + path, json=content, headers=operator
        )
        assert answer.status_code == 404


async def test_a_slug_is_taken_once_and_lists_have_pages(issuer_api: Api) -> None:
    made = [await issuer_api.platform() for _ in range(3)]
    taken = await issuer_api.http.post(url(issuer_api), json=body(slug=made[0].slug), headers=issuer_api.operator)
    assert expect(409, taken)["code"] == "slug-taken"
    first = expect(200, await issuer_api.http.get(f"{url(issuer_api)}?limit=2", headers=issuer_api.operator))
    params = {"limit": "2", "cursor": first["next"]}
    second = expect(200, await issuer_api.http.get(url(issuer_api), params=params, headers=issuer_api.operator))
    listed = [item["id"] for item in [*first["items"], *second["items"]]]
    assert listed[:3] == [platform.id for platform in reversed(made)]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"slug": "No Slug"}, "#/slug"),
        ({"name": ""}, "#/name"),
        ({"url": "ftp://x"}, "#/url"),
        ({"email": "nobody"}, "#/email"),
        ({"email": None}, "#/email"),
        ({"state": "active"}, "#/state"),
    ],
)
async def test_a_bad_field_is_named(issuer_api: Api, change: dict[str, Any], pointer: str) -> None:
    answer = await issuer_api.http.post(url(issuer_api), json=body(**change), headers=issuer_api.operator)
    assert expect(422, answer)["errors"][0]["pointer"] == pointer
