"""The VC-API end to end: what the issuer secured, the verifier answers about, over both policies."""

import copy
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from shared.credentials import PrivateKey, ProofError, encode_multikey, envelope, generate, secure_token, sign
from tests.fixtures.api import Api, Institution, expect
from tests.integration.paper_issuer import utc_now
from tests.integration.test_issuer_vc_api import UNUSUAL, V1, V2, add_key, credential, issued
from tests.integration.test_issuer_vc_api import post as post_to_issuer

pytestmark = pytest.mark.parametrize("bus_kind", ["embedded"], indirect=True)
Document = dict[str, Any]


@pytest.fixture
async def tenant(api: Api) -> Institution:
    """An institution with a key of each kind that the verifier has heard of."""
    made = await api.institution()
    for algorithm in ("P-256", "P-384"):
        await add_key(api, made, algorithm)
    return made


async def dids(api: Api, tenant: Institution) -> dict[str, str]:
    listed = expect(200, await api.http.get(f"{api.urls['issuer']}/v1/keys", headers=tenant.headers))["items"]
    return {key["algorithm"]: key["did_key"] for key in listed if key["state"] == "active"}


async def post(api: Api, path: str, body: Document) -> httpx.Response:
    return await api.http.post(api.urls["verifier"] + path, json=body)


async def verify(api: Api, document: Document, prefix: str = "", **options: Any) -> Document:
    """The answer, whose status has to say the same as `verified`."""
    body = {"verifiableCredential": document, **({"options": options} if options else {})}
    answer = await post(api, f"{prefix}/credentials/verify", body)
    found: Document = answer.json()
    assert answer.status_code == (200 if found["verified"] else 400), answer.text
    return found


def kinds(answer: Document) -> list[str]:
    return [problem["code"] for problem in answer["problemDetails"]]


@pytest.mark.parametrize("algorithm", ["Ed25519", "P-256", "P-384"])
async def test_what_each_issuer_secures_verifies_and_is_known_as_registered(
    api: Api, tenant: Institution, algorithm: str
) -> None:
    family = "eddsa-{}-2022" if algorithm == "Ed25519" else "ecdsa-{}-2019"
    own = (await dids(api, tenant))[algorithm]
    for way in ("rdfc", "jcs"):
        secured = await issued(
            api, tenant, credential(own, validFrom="2026-01-01T00:00:00Z"), cryptosuite=family.format(way)
        )
        await api.verdict(secured, "valid")  # the verifier hears of the key by its event
        answer = await verify(api, secured)
        assert answer == {
            "verified": True,
            "problemDetails": [],
            "results": {
                "proof": [{"input": secured["proof"], "verified": True}],
                "validFrom": {"input": "2026-01-01T00:00:00Z", "verified": True},
                "credentialStatus": [],
                "credentialSchema": [],
            },
        }


@pytest.mark.parametrize("name", [name for name in UNUSUAL if name not in ("over long ago", "not yet")])
async def test_any_well_formed_credential_verifies(api: Api, tenant: Institution, name: str) -> None:
    for suite in ("eddsa-rdfc-2022", "eddsa-jcs-2022", "ecdsa-rdfc-2019"):
        secured = await issued(api, tenant, credential(tenant.did, **UNUSUAL[name]), cryptosuite=suite)
        answer = await verify(api, secured)
        assert answer["verified"], answer
        warnings = {
            "foreign entries": ["schema-type-unsupported", "status-type-unsupported"],
            "contexts and types of its own": ["own-contexts"],
        }
        assert kinds(answer) == warnings.get(name, [])


async def test_dates_decide_and_the_cryptography_alone_does_not_ask_for_them(api: Api, tenant: Institution) -> None:
    for name, problem in (("over long ago", "credential-expired"), ("not yet", "credential-not-yet-valid")):
        secured = await issued(api, tenant, credential(tenant.did, **UNUSUAL[name]))
        answer = await verify(api, secured)
        assert (answer["verified"], kinds(answer)) == (False, [problem])
        assert (await verify(api, secured, "/proof-only"))["verified"] is True
        assert (await verify(api, secured, checks=["proof"]))["verified"] is True
    dates = {"issuanceDate": "2020-01-01T00:00:00Z", "expirationDate": "2021-01-01T00:00:00Z"}
    old = credential(tenant.did, **{"@context": [V1], **dates, "credentialSubject": {"id": "did:example:s"}})
    secured = await issued(api, tenant, old)
    assert kinds(await verify(api, secured)) == ["credential-expired"]
    assert (await verify(api, secured, "/proof-only"))["verified"] is True


SPOILS: dict[str, Callable[[Document], Any]] = {
    "a claim": lambda d: d["credentialSubject"].update(name="Eve"),
    "a claim more": lambda d: d["credentialSubject"].update(extra="x"),
    "the issuer": lambda d: d.update(issuer="did:web:other.example"),
    "an undefined term": lambda d: d.update({"@context": [V2], "nothing": 1}),
    "the proof's purpose": lambda d: d["proof"].update(proofPurpose="authentication"),
    "the proof's value": lambda d: d["proof"].update(proofValue="z" + d["proof"]["proofValue"][:0:-1]),
    "no proof": lambda d: d.pop("proof"),
    "an empty proof": lambda d: d.update(proof=[]),
    "no type": lambda d: d.pop("type"),
    "no context": lambda d: d.pop("@context"),
    "contexts the other way round": lambda d: d["@context"].reverse(),
    "a subject that is a text": lambda d: d.update(credentialSubject="did:example:s"),
}


@pytest.mark.parametrize("name", SPOILS)
async def test_what_was_changed_is_a_400_by_both_policies(api: Api, tenant: Institution, name: str) -> None:
    for suite in ("eddsa-rdfc-2022", "ecdsa-jcs-2019"):
        spoiled = copy.deepcopy(await issued(api, tenant, credential(tenant.did), cryptosuite=suite))
        SPOILS[name](spoiled)
        for prefix in ("", "/proof-only"):
            answer = await verify(api, spoiled, prefix)
            assert (answer["verified"], bool(answer["problemDetails"])) == (False, True)


async def test_a_status_that_was_set_is_found(api: Api, tenant: Institution) -> None:
    for issuer in (tenant.did, (await dids(api, tenant))["P-256"]):
        name = f"urn:x:{issuer[-8:]}"
        secured = await issued(api, tenant, credential(issuer), statusPurposes=["revocation"], credentialId=name)
        await api.verdict(await issued(api, tenant, credential(issuer)), "valid")  # the key is known by now
        body = {"credentialId": name, "credentialStatus": {"statusPurpose": "revocation"}, "status": True}
        url = f"{api.urls['issuer']}/credentials/status"
        assert (await api.http.post(url, json=body, headers=tenant.headers)).status_code == 200
        answer = await verify(api, secured)
        assert (answer["verified"], kinds(answer)) == (False, ["credential-revoked"])
        assert answer["results"]["credentialStatus"][0]["verified"] is False


def did_of(key: PrivateKey) -> tuple[str, str]:
    multikey = encode_multikey(key.public_key())
    return f"did:key:{multikey}", f"did:key:{multikey}#{multikey}"


def with_second_proof(document: Document, key: PrivateKey) -> Document:
    """The document with the proof of a witness beside its own."""
    unsecured = {name: value for name, value in document.items() if name != "proof"}
    other = sign(
        unsecured,
        key=key,
        verification_method=did_of(key)[1],
        cryptosuite="eddsa-rdfc-2022" if "ed25519" in type(key).__module__ else "ecdsa-rdfc-2019",
        created=utc_now(),
    )
    return {**document, "proof": [document["proof"], other["proof"]]}


async def test_a_witness_may_sign_too_but_somebody_else_alone_may_not(api: Api, tenant: Institution) -> None:
    secured = await issued(api, tenant, credential(tenant.did))
    both = with_second_proof(secured, generate("P-256"))
    assert (await verify(api, both))["verified"] is True
    both["proof"][1]["created"] = "2026-01-01T00:00:00Z"
    assert kinds(await verify(api, both)) == ["invalid-signature"]
    stranger = with_second_proof(secured, generate("Ed25519"))
    stranger["proof"] = stranger["proof"][1]
    answer = await verify(api, stranger)
    assert answer["verified"] is False
    assert "controller-mismatch" in kinds(answer)
    alone = await verify(api, stranger, "/proof-only")
    assert (alone["verified"], kinds(alone)) == (True, ["controller-mismatch"])
    assert alone["problemDetails"][0]["title"].startswith("Warning")


async def test_options_that_are_not_known_and_bodies_that_are_none_are_refused(api: Api, tenant: Institution) -> None:
    secured = await issued(api, tenant, credential(tenant.did))
    for body in (
        {"verifiableCredential": secured, "options": {"unheardOf": True}},
        {"verifiableCredential": secured, "more": 1},
        {"verifiableCredential": []},
        {"verifiableCredential": "text"},
        {},
    ):
        answer = await post(api, "/credentials/verify", body)
        assert answer.status_code in (400, 422), answer.text
        assert answer.headers["content-type"] == "application/problem+json"
    for path in ("credentials", "presentations"):
        answer = await post(api, f"/{path}/verify", {"options": {"unheardOf": True}})
        problem = answer.json()
        assert (answer.status_code, problem["type"].partition("#")[2]) == (400, "UNKNOWN_OPTION_PROVIDED")
        assert problem["errors"][0]["pointer"] == "#/options/unheardOf"
    answer = await verify(api, secured, returnCredential=True, returnResults=False, returnProblemDetails=False)
    assert answer == {"verified": True, "credential": secured}


def presentation(key: PrivateKey, credentials: list[Document], **proof: Any) -> Document:
    did, method = did_of(key)
    document = {
        "@context": [V2],
        "type": ["VerifiablePresentation"],
        "holder": did,
        "verifiableCredential": credentials,
    }
    return sign(
        document,
        key=key,
        verification_method=method,
        cryptosuite="eddsa-rdfc-2022",
        created=utc_now(),
        **{"purpose": "authentication", **proof},
    )


async def show(api: Api, document: Document, prefix: str = "", **options: Any) -> Document:
    body = {"verifiablePresentation": document, "options": options}
    answer = await post(api, f"{prefix}/presentations/verify", body)
    found: Document = answer.json()
    assert answer.status_code == (200 if found["verified"] else 400), answer.text
    return found


async def test_a_presentation_answers_a_challenge_once(api: Api, tenant: Institution) -> None:
    challenge = expect(200, await api.http.post(f"{api.urls['verifier']}/challenges"))["challenge"]
    secured = await issued(api, tenant, credential(tenant.did))
    holder, asked = generate("Ed25519"), {"challenge": challenge, "domain": "shop.example"}
    shown = presentation(holder, [secured], **asked)
    assert kinds(await show(api, shown, challenge="another", domain="shop.example")) == ["wrong-challenge"]
    assert kinds(await show(api, shown, challenge=challenge, domain="other.example")) == ["wrong-domain"]
    good = await show(api, shown, **asked)
    assert good["verified"] is True
    assert good["results"]["credentials"][0]["verified"] is True
    assert kinds(await show(api, shown, **asked)) == ["challenge-used"]
    own = presentation(holder, [secured], challenge="thought-of-by-the-client")
    for _ in range(2):
        assert (await show(api, own, challenge="thought-of-by-the-client"))["verified"] is True


async def test_a_presentation_is_only_as_good_as_what_is_in_it(api: Api, tenant: Institution) -> None:
    key = generate("Ed25519")
    secured = await issued(api, tenant, credential(tenant.did))
    over = await issued(api, tenant, credential(tenant.did, **UNUSUAL["over long ago"]))
    both = presentation(key, [secured, over])
    answer = await show(api, both)
    assert answer["verified"] is False
    assert [one["verified"] for one in answer["results"]["credentials"]] == [True, False]
    assert (await show(api, both, "/proof-only"))["verified"] is True
    with pytest.raises(ProofError, match="lost-data"):
        presentation(key, [])  # an empty array says nothing

    spoiled = copy.deepcopy(presentation(key, [secured]))
    spoiled["verifiableCredential"][0]["credentialSubject"]["name"] = "Eve"
    borrowed = {**presentation(key, [secured]), "holder": did_of(generate("Ed25519"))[0]}
    late = presentation(key, [secured], expires=utc_now() - timedelta(seconds=5))
    bare = {name: value for name, value in presentation(key, [secured]).items() if name != "proof"}
    texts = presentation(key, [secured]) | {"verifiableCredential": ["https://c.example/1"]}
    for wrong in (spoiled, borrowed, late, bare, texts, {**both, "type": "VerifiableCredential"}):
        assert (await show(api, wrong))["verified"] is False


async def test_what_the_holder_says_itself_is_secured_by_the_presentation(api: Api, tenant: Institution) -> None:
    key = generate("Ed25519")
    secured, own = await issued(api, tenant, credential(tenant.did)), credential(did_of(key)[0])
    good = await show(api, presentation(key, [secured, own]))
    assert good["verified"] is True
    assert "Self asserted" in str(good["problemDetails"])
    for stranger in (credential(tenant.did), credential(did_of(generate("Ed25519"))[0])):
        assert (await show(api, presentation(key, [secured, stranger])))["verified"] is False
    spoiled = presentation(key, [own])
    spoiled["verifiableCredential"][0]["credentialSubject"]["name"] = "Eve"
    assert (await show(api, spoiled))["verified"] is False
    over = credential(did_of(key)[0], **UNUSUAL["over long ago"])
    assert (await show(api, presentation(key, [over])))["verified"] is False


async def test_a_status_that_was_set_is_told_at_once(api: Api, tenant: Institution) -> None:
    """A list of our own issuer is asked for each time, and sent again only when it has changed."""
    document = credential(tenant.did, id="urn:uuid:6a0d6bd2-1b52-4b5a-a3b5-1f4f0f0c9a11")
    secured = await issued(api, tenant, document, statusPurposes=["suspension"])
    url = f"{api.urls['issuer']}/credentials/status"
    for value in (False, True, False, True):
        body = {"credentialId": document["id"], "credentialStatus": {"statusPurpose": "suspension"}, "status": value}
        expect(200, await api.http.post(url, json=body, headers=tenant.headers))
        assert (await verify(api, secured))["verified"] is not value


async def test_a_presentation_that_nobody_signed_is_judged_by_what_is_in_it(api: Api, tenant: Institution) -> None:
    secured = await issued(api, tenant, credential(tenant.did))
    bare = {"@context": [V2], "type": ["VerifiablePresentation"], "verifiableCredential": [secured]}

    async def ask(document: Document, status: int, **options: Any) -> Document:
        answer = await post(api, "/presentations/verify", {"presentation": document, "options": options})
        return expect(status, answer)

    good = await ask(bare, 200, returnPresentation=True)
    assert (good["verified"], kinds(good), good["verifiablePresentation"]) == (True, ["unsigned"], bare)
    assert (await ask(bare, 400, challenge="mine"))["verified"] is False
    spoiled = copy.deepcopy(bare)
    spoiled["verifiableCredential"][0]["credentialSubject"]["name"] = "Eve"
    assert (await ask(spoiled, 400))["verified"] is False
    for both in ({}, {"presentation": bare, "verifiablePresentation": bare}):
        assert (await post(api, "/presentations/verify", both)).status_code == 400


async def derived(api: Api, secured: Document, *pointers: str) -> httpx.Response:
    body = {"verifiableCredential": secured, "options": {"selectivePointers": list(pointers)}}
    return await post(api, "/credentials/derive", body)


async def test_a_holder_shows_a_part_and_cannot_withhold_what_decides(api: Api, tenant: Institution) -> None:
    document = credential(
        tenant.did,
        validUntil="2999-01-01T00:00:00Z",
        credentialSubject={"id": "did:example:s", "grade": "A", "birthDate": "2000-01-01"},
    )
    pointers = ["/credentialSubject/grade"]
    secured = await issued(
        api,
        tenant,
        document,
        cryptosuite="ecdsa-sd-2023",
        mandatoryPointers=pointers,
        statusPurposes=["revocation"],
        credentialId="urn:x:sd",
    )
    shown = expect(201, await derived(api, secured))["verifiableCredential"]
    assert shown["credentialSubject"] == {"id": "did:example:s", "grade": "A"}
    assert (shown["validUntil"], shown["credentialStatus"]) == (document["validUntil"], secured["credentialStatus"])
    await api.verdict(shown, "valid")
    assert (await verify(api, shown))["verified"] is True
    more = expect(201, await derived(api, secured, "/credentialSubject/birthDate"))["verifiableCredential"]
    assert more["credentialSubject"] == document["credentialSubject"]
    assert (await verify(api, more))["verified"] is True

    withheld = {name: value for name, value in shown.items() if name != "validUntil"}
    for wrong in (secured, withheld, {**shown, "proof": more["proof"]}):
        assert (await verify(api, wrong))["verified"] is False
    for answer, code in (
        (await derived(api, secured, "/nothing"), "invalid-pointer"),
        (await derived(api, shown), "malformed-proof"),
        (await derived(api, document), "malformed-proof"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (400, code)
    refused = await api.http.post(
        f"{api.urls['issuer']}/credentials/issue",
        json={"credential": document, "options": {"cryptosuite": "ecdsa-sd-2023", "mandatoryPointers": ["/x"]}},
        headers=tenant.headers,
    )
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "#/options/mandatoryPointers")


async def test_a_credential_is_enveloped_as_a_token(api: Api, tenant: Institution) -> None:
    for algorithm, own in (await dids(api, tenant)).items():
        document = credential(own, validUntil="2999-01-01T00:00:00Z")
        secured = await issued(
            api, tenant, document, envelope="vc+jwt", statusPurposes=["revocation"], credentialId=f"urn:x:{algorithm}"
        )
        assert (secured["type"], secured["id"][:24]) == ("EnvelopedVerifiableCredential", "data:application/vc+jwt,")
        await api.verdict(secured, "valid")
        answer = await verify(api, secured)
        assert answer["verified"] is True
        assert answer["results"]["validUntil"]["verified"] is True
        assert len(answer["results"]["credentialStatus"]) == 1
        assert (await verify(api, secured, "/proof-only"))["verified"] is True
        shown = presentation(generate("Ed25519"), [secured])
        assert (await show(api, shown))["verified"] is True
        head, body, end = secured["id"].split(".")
        for wrong in (f"{head}.{body}.{end[:-4]}AAAA", f"{head}.{body}", f"{head}.{body}x.{end}", "data:,x"):
            for prefix in ("", "/proof-only"):
                assert (await verify(api, {**secured, "id": wrong}, prefix))["verified"] is False
    large = credential(tenant.did, description="x" * 48_000)
    assert (await verify(api, await issued(api, tenant, large, envelope="vc+jwt")))["verified"] is True
    refused = await post_to_issuer(api, tenant, {**large, "description": "x" * 50_000}, envelope="vc+jwt")
    assert (refused.status_code, refused.json()["code"]) == (400, "too-long")
    over = await issued(api, tenant, credential(tenant.did, **UNUSUAL["over long ago"]), envelope="vc+jwt")
    assert kinds(await verify(api, over)) == ["credential-expired"]


async def test_a_presentation_in_a_token_answers_a_challenge(api: Api, tenant: Institution) -> None:
    key = generate("P-256")
    did, method = did_of(key)
    secured = await issued(api, tenant, credential(tenant.did), envelope="vc+jwt")
    shown = {"@context": [V2], "type": ["VerifiablePresentation"], "holder": did, "verifiableCredential": [secured]}
    asked = {"nonce": "thought-of", "audience": "shop.example"}
    token = secure_token(shown, key=key, verification_method=method, created=utc_now(), kind="vp", **asked)
    question = {"challenge": "thought-of", "domain": "shop.example"}
    assert (await show(api, envelope(token, "vp"), **question))["verified"] is True
    assert kinds(await show(api, envelope(token, "vp"), challenge="another")) == ["wrong-challenge"]
    stranger = secure_token(shown, key=generate("P-256"), verification_method=method, created=utc_now(), kind="vp")
    assert (await show(api, envelope(stranger, "vp")))["verified"] is False


async def test_a_token_with_disclosures_is_shown_in_part(api: Api, tenant: Institution) -> None:
    subject = {"id": "did:example:s", "grade": "A", "birthDate": "2000-01-01"}
    document = credential(tenant.did, credentialSubject=subject)
    hidden = ["/credentialSubject/birthDate"]
    secured = await issued(api, tenant, document, envelope="vc+sd-jwt", disclosable=hidden)
    assert secured["id"].startswith("data:application/vc+sd-jwt,")
    await api.verdict(secured, "valid")
    shown = expect(201, await derived(api, secured))["verifiableCredential"]
    more = expect(201, await derived(api, secured, *hidden))["verifiableCredential"]
    assert len(shown["id"]) < len(more["id"])
    for one in (shown, more):
        assert (await verify(api, one))["verified"] is True
        assert (await verify(api, {**one, "id": one["id"] + "WyJzYWx0IiwiZ3JhZGUiLCJCIl0~"}))["verified"] is False
    assert (await derived(api, secured, "/nothing")).json()["code"] == "invalid-pointer"
    for pointer in ("/validUntil", "/issuer", "/nothing"):
        body = {"credential": document, "options": {"envelope": "vc+sd-jwt", "disclosable": [pointer]}}
        url = f"{api.urls['issuer']}/credentials/issue"
        refused = await api.http.post(url, json=body, headers=tenant.headers)
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "#/options/disclosable")


async def test_messages_are_told_and_void_nothing(api: Api, tenant: Institution) -> None:
    messages = ["applied", "admitted", "enrolled"]
    secured = await issued(api, tenant, credential(tenant.did), statusMessages=messages, credentialId="urn:x:m")
    (entry,) = secured["credentialStatus"]
    assert entry["statusSize"] == 2
    assert [one["message"] for one in entry["statusMessage"]] == [*messages, "(not used)"]
    url = f"{api.urls['issuer']}/credentials/status"

    async def change(value: Any, purpose: str = "message") -> int:
        body = {"credentialId": "urn:x:m", "credentialStatus": {"statusPurpose": purpose}, "status": value}
        return (await api.http.post(url, json=body, headers=tenant.headers)).status_code

    assert [await change(value) for value in (True, "0x4", "2", 2, "0x1", "0x2")] == [400, 400, 400, 400, 200, 200]
    assert await change("0x1", "revocation") == 404
    await api.verdict(secured, "valid")
    (told,) = (await verify(api, secured))["results"]["credentialStatus"]
    assert told == {"input": entry, "verified": True, "value": 2, "message": "enrolled"}
    other = await issued(api, tenant, credential(tenant.did), statusMessages=messages, credentialId="urn:x:n")
    assert other["credentialStatus"][0]["statusListCredential"] == entry["statusListCredential"]
    assert (await verify(api, other))["results"]["credentialStatus"][0]["message"] == "applied"
    many_messages = [f"message {number}" for number in range(64)]
    large = await issued(api, tenant, credential(tenant.did), statusMessages=many_messages, credentialId="urn:x:l")
    assert large["credentialStatus"][0]["statusSize"] == 6
