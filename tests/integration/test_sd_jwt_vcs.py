"""SD-JWT VCs over HTTP: issued to a holder, shown in part, and what no verifier may believe."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from shared.credentials import (
    PrivateKey,
    decode_base64url,
    encode_base64url,
    encode_jwk,
    encode_multikey,
    envelope,
    generate,
)
from shared.credentials.jws import make_jws
from shared.credentials.sd_disclosures import digest_of
from shared.credentials.sd_jwt import bind, make_sd_jwt, present
from tests.fixtures.api import Api, Institution, expect
from tests.integration.paper_issuer import utc_now
from tests.integration.vc_api.securing import add_key, credential, keys_of
from tests.integration.vc_api.securing import issued as secured

pytestmark = pytest.mark.parametrize("bus_kind", ["embedded"], indirect=True)
CLAIMS: dict[str, Any] = {
    "vct": "https://u.example/degree",
    "given_name": "Ada 😀",
    "address": {"city": "Basel", "street": "Rheinweg 1"},
    "grades": ["A", "B"],
}
DISCLOSABLE = ["/given_name", "/address/street", "/grades/1"]
HOLDER = generate("P-256")
Body = dict[str, Any]


@pytest.fixture
async def tenant(api: Api) -> Institution:
    """An institution that the verifier has heard of."""
    made = await api.institution()
    await api.verdict(await api.secure(made), "valid")
    return made


async def ask(api: Api, tenant: Institution, key: str | None = None, **change: Any) -> httpx.Response:
    body = {"claims": CLAIMS, "disclosable": DISCLOSABLE, "holder": encode_jwk(HOLDER.public_key()), **change}
    headers = {**tenant.headers, **({"Idempotency-Key": key} if key else {})}
    body = {name: value for name, value in body.items() if value is not None}
    return await api.http.post(f"{api.urls['issuer']}/v1/sd-jwt-vcs", json=body, headers=headers)


async def issued(api: Api, tenant: Institution, **change: Any) -> str:
    answer = expect(201, await ask(api, tenant, **change))
    assert list(answer) == ["sdJwtVc"]
    return str(answer["sdJwtVc"])


async def verify(api: Api, token: str, **question: Any) -> Body:
    url = f"{api.urls['verifier']}/v1/sd-jwt-vcs/verify"
    return expect(200, await api.http.post(url, json={"sdJwtVc": token, **question}))


def check(body: Body, name: str) -> tuple[str, str | None]:
    found = next(each for each in body["checks"] if each["check"] == name)
    return found["outcome"], found["problem"]["type"].rpartition("/")[2].rpartition("#")[
        2
    ] if "problem" in found else None


def header_of(token: str) -> Body:
    return dict(json.loads(decode_base64url(token.partition(".")[0])))


def shown(token: str, *pointers: str, key: PrivateKey = HOLDER, late: timedelta = timedelta(0), **answer: str) -> str:
    """What the holder shows, signed for the verifier's question."""
    told = {"audience": "https://shop.example", "nonce": "n-1", **answer}
    return bind(present(token, pointers), key=key, created=utc_now() - late, **told)


ASKED = {"audience": "https://shop.example", "nonce": "n-1"}


async def test_a_holder_shows_a_part_and_proves_to_be_the_holder(api: Api, tenant: Institution) -> None:
    token = await issued(api, tenant, validFrom="2020-01-01T00:00:00Z", validUntil="2999-01-01T00:00:00Z")
    body = await verify(api, shown(token, "/given_name"), **ASKED)
    assert (body["verified"], body["verdict"]) == (True, "valid")
    assert [each["check"] for each in body["checks"]] == ["proof", "schema", "issuer", "validity", "status", "binding"]
    assert {each["outcome"] for each in body["checks"]} == {"pass"}
    claims = body["claims"]
    assert {name: claims.get(name) for name in CLAIMS} == {
        **CLAIMS,
        "address": {"city": "Basel"},
        "grades": ["A"],
    }
    assert (claims["iss"], claims["nbf"]) == (tenant.did, 1_577_836_800)
    assert claims["cnf"] == {"jwk": encode_jwk(HOLDER.public_key())}
    assert body["issuer"]["id"] == tenant.did
    assert {name: body["binding"][name] for name in ASKED} == ASKED
    whole = await verify(api, shown(token, *DISCLOSABLE), **ASKED)
    assert {name: whole["claims"].get(name) for name in CLAIMS} == CLAIMS


@pytest.mark.parametrize(("algorithm", "name"), [("Ed25519", "EdDSA"), ("P-256", "ES256"), ("P-384", "ES384")])
async def test_the_key_is_chosen_by_its_algorithm(api: Api, tenant: Institution, algorithm: str, name: str) -> None:
    if algorithm != "Ed25519":
        refused = await ask(api, tenant, algorithm=algorithm)
        assert (refused.status_code, refused.json()["code"]) == (409, "wrong-state")
        await add_key(api, tenant, algorithm)
    methods = await keys_of(api, tenant)
    token = await issued(api, tenant, algorithm=algorithm)
    header = header_of(token)
    assert (header["alg"], header["typ"]) == (name, "dc+sd-jwt")
    assert header["kid"] in methods
    own = next(
        method.partition("#")[0]
        for method, multikey in methods.items()
        if method.startswith("did:key:") and multikey == methods[header["kid"]]
    )
    alone = await issued(api, tenant, issuer=own)
    assert header_of(alone)["alg"] == name
    suite = "eddsa-jcs-2022" if algorithm == "Ed25519" else "ecdsa-jcs-2019"
    for issuer in (tenant.did, own):  # the verifier hears of the key by its event, and remembers each name for a second
        await api.verdict(await secured(api, tenant, credential(issuer), cryptosuite=suite), "valid")
    for one, issuer in ((token, tenant.did), (alone, own)):
        body = await verify(api, shown(one), **ASKED)
        assert (body["verdict"], body["claims"]["iss"]) == ("valid", issuer), body


async def test_a_retried_request_gets_the_same_token(api: Api, tenant: Institution) -> None:
    key = uuid4().hex
    first, again = await ask(api, tenant, key), await ask(api, tenant, key)
    assert (first.status_code, again.status_code, again.headers["idempotent-replay"]) == (201, 201, "true")
    assert first.content == again.content
    other = await ask(api, tenant, key, disclosable=[])
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    assert await issued(api, tenant) != await issued(api, tenant), "salts are never the same"


PRIVATE = {**encode_jwk(HOLDER.public_key()), "d": "AAAA"}
OFF_CURVE = {**encode_jwk(HOLDER.public_key()), "x": "A" * 43}
REFUSED: dict[str, tuple[Body, str, str]] = {
    "no type": ({"claims": {"name": "Ada"}}, "#/claims/vct", "required"),
    "a type that is no text": ({"claims": {"vct": {}}}, "#/claims/vct", "required"),
    "an issuer among the claims": (
        {"claims": {**CLAIMS, "iss": "did:web:x"}},
        "#/claims/iss",
        "claims-mismatch",
    ),
    "a key among the claims": ({"claims": {**CLAIMS, "cnf": {}}}, "#/claims/cnf", "claims-mismatch"),
    "digests of its own": ({"claims": {**CLAIMS, "a": {"_sd": [1]}}}, "#/claims/a/_sd", "reserved-name"),
    "elements of its own": ({"claims": {**CLAIMS, "a": [{"...": "x"}]}}, "#/claims/a/0/...", "reserved-name"),
    "the type hidden": ({"disclosable": ["/vct"]}, "#/disclosable", "invalid-pointer"),
    "the issuer hidden": ({"disclosable": ["/iss"]}, "#/disclosable", "invalid-pointer"),
    "the holder's key hidden": ({"disclosable": ["/cnf/jwk"]}, "#/disclosable", "invalid-pointer"),
    "the status hidden": (
        {"claims": {**CLAIMS, "status": {"a": 1}}, "disclosable": ["/status/a"]},
        "#/disclosable",
        "invalid-pointer",
    ),
    "nothing there": ({"disclosable": ["/nothing"]}, "#/disclosable", "invalid-pointer"),
    "everything hidden": ({"disclosable": [""]}, "#/disclosable", "invalid-pointer"),
    "a private key": ({"holder": PRIVATE}, "#/holder", "invalid-value"),
    "a key of another kind": ({"holder": {"kty": "oct", "k": "AAAA"}}, "#/holder", "invalid-value"),
    "a point that is on no curve": (
        {"holder": OFF_CURVE},
        "#/holder",
        "invalid-value",
    ),
    "another issuer": ({"issuer": "did:web:other.example"}, "#/issuer", "issuer-mismatch"),
    "an unknown algorithm": ({"algorithm": "none"}, "#/algorithm", "invalid-value"),
    "an end before its beginning": (
        {"validFrom": "2030-01-01T00:00:00Z", "validUntil": "2029-01-01T00:00:00Z"},
        "#/validUntil",
        "invalid-date",
    ),
    "too much": ({"claims": {"vct": "x", "text": "x" * 50_000}}, "#/claims", "too-long"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_cannot_be_secured_is_refused_with_its_place(api: Api, tenant: Institution, name: str) -> None:
    change, pointer, code = REFUSED[name]
    answer = await ask(api, tenant, **{"disclosable": None, **change})
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, code), answer.text
    assert [each["pointer"] for each in problem["errors"]] == [pointer]


async def test_a_large_token_is_read_to_its_end(api: Api, tenant: Institution) -> None:
    large = {**CLAIMS, "text": "x" * 48_000}
    body = await verify(api, await issued(api, tenant, claims=large, disclosable=["/given_name"], holder=None))
    assert (body["verdict"], body["claims"]["text"]) == ("valid", large["text"])


async def test_securing_needs_the_scope(api: Api, tenant: Institution) -> None:
    body = {"name": "reader", "scopes": ["credentials:read"]}
    made = expect(201, await api.http.post(f"{api.urls['issuer']}/v1/clients", json=body, headers=tenant.headers))
    token = await api.token(made["client_id"], made["client_secret"])
    url = f"{api.urls['issuer']}/v1/sd-jwt-vcs"
    answer = await api.http.post(url, json={"claims": CLAIMS}, headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient-scope")


async def test_times_decide(api: Api, tenant: Institution) -> None:
    over = await issued(api, tenant, holder=None, validUntil="2021-01-01T00:00:00Z")
    body = await verify(api, over)
    assert (body["verdict"], check(body, "validity")) == ("outside-dates", ("fail", "credential-expired"))
    early = await issued(api, tenant, holder=None, validFrom="2999-01-01T00:00:00Z")
    body = await verify(api, early)
    assert (body["verdict"], check(body, "validity")) == ("outside-dates", ("fail", "credential-not-yet-valid"))
    status = {"status": {"status_list": {"idx": 1, "uri": "https://u.example/statuslists/1"}}}
    body = await verify(api, await issued(api, tenant, holder=None, claims={**CLAIMS, **status}))
    assert (body["verdict"], check(body, "status")) == ("cannot-tell", ("unknown", "status-type-unsupported"))


async def test_who_is_bound_to_nobody_proves_nothing(api: Api, tenant: Institution) -> None:
    unbound = await issued(api, tenant, holder=None)
    assert check(await verify(api, unbound), "binding") == ("pass", None)
    token = await issued(api, tenant)
    body = await verify(api, token)
    assert (body["verdict"], check(body, "binding")) == ("valid-with-warnings", ("warn", "holder-unproven"))
    for one in (unbound, token):
        for question in (ASKED, {"nonce": "n-1"}, {"audience": "a"}, {"keyBindingRequired": True}):
            body = await verify(api, one, **question)
            assert (body["verdict"], check(body, "binding")) == ("forged", ("fail", "missing-binding"))
    itself = bind(unbound, key=HOLDER, audience=ASKED["audience"], nonce="n-1", created=utc_now())
    assert check(await verify(api, itself, **ASKED), "binding") == ("fail", "missing-binding")
    told = await verify(api, shown(token), keyBindingRequired=True)
    assert (told["verdict"], told["binding"]["nonce"]) == ("valid", "n-1")


async def test_an_answer_to_another_question_or_of_another_time_is_refused(api: Api, tenant: Institution) -> None:
    token = await issued(api, tenant)
    other = shown(token, "/given_name").rpartition("~")[2]
    cases = {
        "wrong-challenge": shown(token, nonce="n-0"),
        "wrong-domain": shown(token, audience="https://evil.example"),
        "binding-stale": shown(token, late=timedelta(minutes=11)),
        "CRYPTOGRAPHIC_SECURITY_ERROR": shown(token, key=generate("P-256")),
        "wrong-algorithm": shown(token, key=generate("Ed25519")),
    }
    for code, text in cases.items():
        body = await verify(api, text, **ASKED)
        assert (body["verdict"], check(body, "binding")) == ("forged", ("fail", code))
        assert (check(body, "proof")[0], body["claims"]) == ("pass", None)
    ahead = await verify(api, shown(token, late=-timedelta(minutes=2)), **ASKED)
    assert check(ahead, "binding") == ("fail", "binding-stale")
    more = await verify(api, present(token, DISCLOSABLE) + other, **ASKED)
    assert check(more, "binding") == ("fail", "CRYPTOGRAPHIC_SECURITY_ERROR")
    plain = {"iat": int(utc_now().timestamp()), "aud": ASKED["audience"], "nonce": "n-1"}
    for header in ({"typ": "JWT"}, {"typ": "kb+jwt", "jwk": encode_jwk(HOLDER.public_key())}):
        forged = present(token, []) + make_jws(header, json.dumps(plain).encode(), HOLDER)
        assert (await verify(api, forged, **ASKED))["verdict"] == "forged"


async def test_a_challenge_of_ours_is_answered_once(api: Api, tenant: Institution) -> None:
    challenge = expect(200, await api.http.post(f"{api.urls['verifier']}/challenges"))["challenge"]
    token = await issued(api, tenant)
    asked = {**ASKED, "nonce": challenge}
    text = shown(token, **asked)
    spoiled = "~".join([text.split("~")[0] + "A", *text.split("~")[1:]])
    assert (await verify(api, spoiled, **asked))["verdict"] == "forged"
    assert (await verify(api, text, **asked))["verdict"] == "valid", "a forgery does not use it up"
    body = await verify(api, text, **asked)
    assert (body["verdict"], check(body, "binding")) == ("forged", ("fail", "challenge-used"))


def resigned(token: str, header: Body, key: PrivateKey | None = None) -> str:
    """The token's payload under another header, signed by a stranger or by nobody."""
    head, *rest = token.split("~")
    body = head.split(".")[1]
    if key is not None:
        return "~".join([make_jws(header, decode_base64url(body), key), *rest])
    return "~".join([f"{encode_base64url(json.dumps(header).encode())}.{body}.", *rest])


async def test_no_trick_with_header_or_disclosures_is_believed(api: Api, tenant: Institution) -> None:
    token = await issued(api, tenant, holder=None)
    header, thief = header_of(token), generate("Ed25519")
    jwk = encode_jwk(thief.public_key())
    own = f"did:key:{encode_multikey(thief.public_key())}"
    head, *disclosures = token.split("~")
    tricks = {
        "none": resigned(token, {**header, "alg": "none"}),
        "symmetric": resigned(token, {**header, "alg": "HS256"}),
        "another curve": resigned(token, header, generate("P-256")),
        "another key": resigned(token, header, thief),
        "a key of its own": resigned(token, {**header, "jwk": jwk}, thief),
        "a key by address": resigned(token, {**header, "jku": "https://evil.example/keys"}, thief),
        "a certificate": resigned(token, {**header, "x5c": ["MII"]}, thief),
        "somebody else's name": resigned(token, {**header, "kid": f"{own}#{own[8:]}"}, thief),
        "a key that is not there": resigned(token, {**header, "kid": f"{tenant.did}#key-9"}, thief),
        "another type": resigned(token, {**header, "typ": "JWT"}, thief),
        "a disclosure twice": "~".join([head, disclosures[0], *disclosures]),
        "a disclosure of nobody's": "~".join([head, encode_base64url(b'["s","role","admin"]'), *disclosures]),
        "a disclosure changed": "~".join([head, encode_base64url(b'["s","given_name","Eve"]'), *disclosures[1:]]),
        "no disclosures at all, nor their end": head,
        "text": "hello",
        "a claim of 71 bits": "~".join([make_jws({"typ": "dc+sd-jwt"}, b'{"x":%d}' % 2**70, thief), ""]),
    }
    for name, text in tricks.items():
        body = await verify(api, text)
        assert (body["verdict"], body["verified"], body["claims"]) == ("forged", False, None), (name, body)
    assert (await verify(api, token))["verdict"] == "valid"


async def test_disclosures_within_each_other_without_end_are_refused_at_each_door(api: Api) -> None:
    inner: Body = {"x": 1}
    disclosures: list[str] = []
    for _ in range(480):
        disclosures.append(encode_base64url(json.dumps(["s", "a", inner]).encode()))
        inner = {"_sd": [digest_of(disclosures[-1])]}
    for kind in ("dc", "vc", "vp"):
        token = make_jws({"typ": f"{kind}+sd-jwt"}, json.dumps(inner).encode(), generate("P-256"))
        text = "~".join([token, *disclosures, ""])
        if kind == "dc":
            assert check(await verify(api, text), "proof") == ("fail", "malformed-disclosure")
            continue
        path, name = ("credentials", "Credential") if kind == "vc" else ("presentations", "Presentation")
        body = {f"verifiable{name}": envelope(text, "vc" if kind == "vc" else "vp")}
        answer = await api.http.post(f"{api.urls['verifier']}/{path}/verify", json=body)
        assert (answer.status_code, answer.json()["verified"]) == (400, False)


async def test_a_stranger_by_its_key_is_believed_with_a_warning(api: Api, tenant: Institution) -> None:
    key = generate("P-384")
    did = f"did:key:{encode_multikey(key.public_key())}"
    for typ in ("dc+sd-jwt", "vc+sd-jwt"):
        text = make_sd_jwt({**CLAIMS, "iss": did}, DISCLOSABLE, key=key, header={"typ": typ})
        body = await verify(api, text)
        assert (body["verdict"], check(body, "issuer")) == ("valid-with-warnings", ("warn", "issuer-not-registered"))
    hidden = make_sd_jwt({**CLAIMS, "iss": did, "exp": 1}, ["/exp"], key=key, header={"typ": "dc+sd-jwt"})
    body = await verify(api, hidden)
    assert (body["verdict"], check(body, "schema")) == ("forged", ("fail", "malformed-token"))
    untyped = make_sd_jwt({"iss": did}, [], key=key, header={"typ": "dc+sd-jwt"})
    assert check(await verify(api, untyped), "schema") == ("fail", "malformed-token")


async def test_requests_that_are_none_are_problems(api: Api, tenant: Institution) -> None:
    url = f"{api.urls['verifier']}/v1/sd-jwt-vcs/verify"
    for body, pointer in (
        ({}, "#/sdJwtVc"),
        ({"sdJwtVc": ""}, "#/sdJwtVc"),
        ({"sdJwtVc": {}}, "#/sdJwtVc"),
        ({"sdJwtVc": "x", "nonce": ""}, "#/nonce"),
        ({"sdJwtVc": "x", "keyBindingRequired": "yes"}, "#/keyBindingRequired"),
        ({"sdJwtVc": "x", "more": 1}, "#/more"),
    ):
        answer = await api.http.post(url, json=body)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
