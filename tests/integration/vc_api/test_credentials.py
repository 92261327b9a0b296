"""Credentials over the VC-API, end to end: what the issuer secured, the verifier answers about, by both policies."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from shared.credentials import PrivateKey, generate, sign
from tests.fixtures.api import Api, Institution
from tests.integration.paper_issuer import utc_now
from tests.integration.vc_api.asking import did_of, dids, kinds, post, verify
from tests.integration.vc_api.securing import UNUSUAL, V1, V2, Document, credential, issued

pytestmark = pytest.mark.parametrize("bus_kind", ["embedded"], indirect=True)


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
        await api.verdict(secured, "valid")
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
