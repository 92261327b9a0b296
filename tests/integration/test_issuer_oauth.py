"""Access tokens: RFC 6749, 6750, 8414 and 9068 as clients meet them."""

import base64
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.fixtures.api import Api, Institution, expect

GRANT = {"grant_type": "client_credentials"}


def basic(client_id: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()}


async def ask(api: Api, form: dict[str, str], headers: dict[str, str] | None = None) -> tuple[int, dict[str, Any]]:
    answer = await api.http.post(f"{api.urls['issuer']}/oauth/token", data=form, headers=headers)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    return answer.status_code, answer.json()


async def test_a_token_is_granted_by_form_and_by_basic_and_says_who_may_do_what(issuer_api: Api) -> None:
    tenant = await issuer_api.institution()
    posted = await ask(issuer_api, {**GRANT, "client_id": tenant.client_id, "client_secret": tenant.client_secret})
    headed = await ask(issuer_api, GRANT, basic(tenant.client_id, tenant.client_secret))
    key_set = expect(200, await issuer_api.http.get(f"{issuer_api.urls['issuer']}/.well-known/jwks.json"))
    token = posted[1]["access_token"]
    header = jwt.get_unverified_header(token)
    (key,) = (jwt.PyJWK(one, "EdDSA") for one in key_set["keys"] if one["kid"] == header["kid"])
    claims = jwt.decode(token, key, ["EdDSA"], audience="laurel", issuer=issuer_api.urls["issuer"])

    assert (posted[0], headed[0]) == (200, 200)
    assert (posted[1]["token_type"], posted[1]["expires_in"]) == ("Bearer", 900)
    assert header["typ"] == "at+jwt"
    assert (claims["institution"], claims["client_id"]) == (tenant.id, tenant.client_id)
    assert claims["exp"] - claims["iat"] == 900


async def test_a_client_may_ask_for_less_and_never_gets_more(issuer_api: Api) -> None:
    tenant = await issuer_api.institution()
    form = {**GRANT, "client_id": tenant.client_id, "client_secret": tenant.client_secret}
    status, less = await ask(issuer_api, {**form, "scope": "credentials:read"})
    refused = await ask(issuer_api, {**form, "scope": "credentials:read root"})
    reader = {"Authorization": f"Bearer {less['access_token']}"}
    denied = await issuer_api.http.post(f"{issuer_api.urls['issuer']}/v1/achievements", json={}, headers=reader)

    assert (status, less["scope"]) == (200, "credentials:read")
    assert (refused[0], refused[1]["error"]) == (400, "invalid_scope")
    assert expect(403, denied)["code"] == "insufficient-scope"
    assert 'scope="achievements:write"' in denied.headers["www-authenticate"]


async def test_wrong_credentials_get_the_same_answer_whoever_exists(issuer_api: Api) -> None:
    tenant = await issuer_api.institution()
    other = await issuer_api.institution()
    wrong = await ask(issuer_api, {**GRANT, "client_id": tenant.client_id, "client_secret": other.client_secret})
    unknown = await ask(
        issuer_api, {**GRANT, "client_id": "01900000-0000-7000-8000-000000000000", "client_secret": other.client_secret}
    )
    nonsense = await ask(issuer_api, {**GRANT, "client_id": "' OR 1=1 --", "client_secret": other.client_secret})

    assert wrong == unknown == nonsense
    assert (wrong[0], wrong[1]["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({}, 401, "invalid_client"),
        ({"client_id": "x", "client_secret": "y"}, 400, "invalid_request"),
        ({"grant_type": "password", "client_id": "x", "client_secret": "y"}, 400, "unsupported_grant_type"),
        ({**GRANT, "client_id": "x", "client_secret": "\x00"}, 401, "invalid_client"),
        ({**GRANT, "client_id": "x" * 10_000, "client_secret": "y"}, 401, "invalid_client"),
    ],
)
async def test_a_bad_request_gets_the_error_of_the_rfc(
    issuer_api: Api, form: dict[str, str], status: int, error: str
) -> None:
    answer = await ask(issuer_api, form)

    assert (answer[0], answer[1]["error"]) == (status, error)


@pytest.mark.parametrize("content", [b"grant_type=a&grant_type=b", b"\xff\xfe=1", b"&".join([b"a=1"] * 50)])
async def test_an_ambiguous_or_unreadable_form_is_an_invalid_request(issuer_api: Api, content: bytes) -> None:
    answer = await issuer_api.http.post(
        f"{issuer_api.urls['issuer']}/oauth/token",
        content=content,
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_json_is_not_a_form(issuer_api: Api) -> None:
    answer = await issuer_api.http.post(f"{issuer_api.urls['issuer']}/oauth/token", json=GRANT)

    assert answer.status_code == 415


async def test_a_secret_is_replaced_while_both_work_and_a_third_is_refused(issuer_api: Api) -> None:
    tenant = await issuer_api.institution()
    url = f"{issuer_api.urls['issuer']}/v1/clients/{tenant.client_id}"
    second = expect(201, await issuer_api.http.post(f"{url}/secrets", headers=tenant.headers))
    third = await issuer_api.http.post(f"{url}/secrets", headers=tenant.headers)
    both = [await granted(issuer_api, tenant.client_id, one) for one in (tenant.client_secret, second["client_secret"])]
    listed = expect(200, await issuer_api.http.get(url, headers=tenant.headers))
    old = listed["secrets"][0]
    gone = await issuer_api.http.delete(f"{url}/secrets/{old['id']}", headers=tenant.headers)
    after = [
        await granted(issuer_api, tenant.client_id, one) for one in (tenant.client_secret, second["client_secret"])
    ]

    assert expect(409, third)["code"] == "too-many-secrets"
    assert both == [True, True]
    assert old["last_four"] == tenant.client_secret[-4:]
    assert old["last_used_at"] is not None
    assert gone.status_code == 204
    assert after == [False, True]


async def granted(api: Api, client_id: str, secret: str) -> bool:
    status, _ = await ask(api, GRANT, basic(client_id, secret))
    return status == 200


async def test_a_revoked_client_gets_no_token(issuer_api: Api) -> None:
    tenant = await issuer_api.institution()
    clients = f"{issuer_api.urls['issuer']}/v1/clients"
    new = expect(
        201,
        await issuer_api.http.post(
            clients, json={"name": "sync", "scopes": ["credentials:read"]}, headers=tenant.headers
        ),
    )
    before = await granted(issuer_api, new["client_id"], new["client_secret"])
    expect(200, await issuer_api.http.post(f"{clients}/{new['client_id']}/revoke", headers=tenant.headers))
    again = await issuer_api.http.post(f"{clients}/{new['client_id']}/revoke", headers=tenant.headers)

    assert before
    assert not await granted(issuer_api, new["client_id"], new["client_secret"])
    assert expect(409, again)["code"] == "wrong-state"


def forge(tenant: Institution, issuer: str, **changes: Any) -> str:
    now = int(time.time())
    claims = {
        "iss": issuer,
        "aud": "laurel",
        "sub": tenant.client_id,
        "client_id": tenant.client_id,
        "institution": tenant.id,
        "scope": "achievements:write",
        "iat": now,
        "exp": now + 600,
        "jti": "1",
    }
    return jwt.encode(claims, Ed25519PrivateKey.generate(), "EdDSA", headers={"typ": "at+jwt", **changes})


async def test_tokens_that_we_did_not_sign_are_refused(issuer_api: Api) -> None:
    tenant = await issuer_api.institution()
    issuer = issuer_api.urls["issuer"]
    kid = jwt.get_unverified_header(tenant.token)["kid"]
    head, payload, _ = tenant.token.split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"at+jwt"}').rstrip(b"=").decode()
    tokens = [
        forge(tenant, issuer, kid=kid),
        forge(tenant, issuer, kid="../../etc/passwd"),
        forge(tenant, issuer, kid=kid, jku="https://evil.example/jwks.json"),
        f"{none}.{payload}.",
        f"{head}.{payload}.{'A' * 86}",
        "not-a-token",
    ]
    answers = [
        await issuer_api.http.get(f"{issuer}/v1/achievements", headers={"Authorization": f"Bearer {token}"})
        for token in tokens
    ]

    assert {answer.status_code for answer in answers} == {401}
    assert all(answer.headers["www-authenticate"].startswith("Bearer") for answer in answers)


async def test_the_server_describes_itself(issuer_api: Api) -> None:
    issuer = issuer_api.urls["issuer"]
    described = expect(200, await issuer_api.http.get(f"{issuer}/.well-known/oauth-authorization-server"))

    assert described["issuer"] == issuer
    assert described["token_endpoint"] == f"{issuer}/oauth/token"
    assert described["jwks_uri"] == f"{issuer}/.well-known/jwks.json"
    assert described["response_types_supported"] == []
