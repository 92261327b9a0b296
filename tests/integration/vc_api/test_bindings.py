"""Presentations in tokens with disclosures (`vp+sd-jwt`): the holder's signature, and its key binding."""

from datetime import timedelta
from typing import Any

import pytest

from shared.credentials import PrivateKey, envelope, generate, present_envelope
from shared.credentials.sd_jwt import bind, make_sd_jwt, present
from tests.fixtures.api import Api, Institution, expect
from tests.integration.paper_issuer import utc_now
from tests.integration.vc_api.asking import did_of, kinds, show, verify
from tests.integration.vc_api.securing import V2, Document, credential, issued

pytestmark = pytest.mark.parametrize("bus_kind", ["embedded"], indirect=True)
HOLDER, WALLET = generate("P-256"), generate("Ed25519")
QUESTION = {"challenge": "n-1", "domain": "shop.example"}


@pytest.fixture
async def secured(api: Api) -> Document:
    """A credential in a token with a part that its holder may withhold."""
    tenant: Institution = await api.institution()
    subject = {"id": did_of(HOLDER)[0], "name": "Ada", "grade": "A"}
    document = credential(tenant.did, credentialSubject=subject)
    return await issued(api, tenant, document, envelope="vc+sd-jwt", disclosable=["/credentialSubject/grade"])


def presentation(secured: Document, *hidden: str, key: PrivateKey = HOLDER, **claims: Any) -> str:
    """What a holder signs: `hidden` are pointers to what it can withhold of it."""
    did, method = did_of(HOLDER)
    document = {"@context": [V2], "type": ["VerifiablePresentation"], "holder": did, "verifiableCredential": [secured]}
    header = {"typ": "vp+sd-jwt", "cty": "vp", "kid": method}
    payload = {**document, "iat": int(utc_now().timestamp()), **claims}
    return make_sd_jwt(payload, hidden, key=key, header=header, holder=WALLET.public_key())


def bound(text: str, *, key: PrivateKey = WALLET, late: timedelta = timedelta(0), **answer: str) -> Document:
    told = {"audience": "shop.example", "nonce": "n-1", **answer}
    return envelope(bind(text, key=key, created=utc_now() - late, **told), "vp")


async def test_a_presentation_with_disclosures_answers_by_its_binding(api: Api, secured: Document) -> None:
    part = present_envelope(secured, [])
    text = presentation(part, "/verifiableCredential")
    shown = bound(present(text, ["/verifiableCredential"]))
    assert shown["id"].startswith("data:application/vp+sd-jwt,")
    answer = await show(api, shown, **QUESTION)
    assert (answer["verified"], len(answer["results"]["credentials"])) == (True, 1)
    withheld = await show(api, bound(present(text, [])), **QUESTION)
    assert (withheld["verified"], withheld["results"]["credentials"]) == (True, [])
    assert (await show(api, shown, "/proof-only", **QUESTION))["verified"] is True


async def test_without_a_binding_the_token_itself_answers(api: Api, secured: Document) -> None:
    own = envelope(presentation(secured, nonce="n-1", aud="shop.example"), "vp")
    assert (await show(api, own, **QUESTION))["verified"] is True
    assert kinds(await show(api, own, challenge="n-2")) == ["wrong-challenge"]
    silent = envelope(presentation(secured), "vp")
    assert (await show(api, silent))["verified"] is True
    assert kinds(await show(api, silent, **QUESTION)) == ["wrong-challenge"]


async def test_a_binding_of_another_question_time_or_key_is_refused(api: Api, secured: Document) -> None:
    text = presentation(secured, "/holder")
    more = bound(present(text, []))["id"].rpartition("~")[2]
    stranger = generate("P-256")
    cases: dict[str, list[Document]] = {
        "wrong-challenge": [bound(text, nonce="n-0")],
        "wrong-domain": [bound(text, audience="evil.example")],
        "binding-stale": [bound(text, late=timedelta(minutes=11)), bound(text, late=-timedelta(minutes=2))],
        "invalid-signature": [
            bound(text, key=generate("Ed25519")),
            bound(presentation(secured, key=stranger)),
        ],
        "wrong-algorithm": [bound(text, key=stranger)],
        "claims-mismatch": [bound(presentation(secured, nonce="n-0")), bound(presentation(secured, aud="other"))],
    }
    for code, documents in cases.items():
        for document in documents:
            answer = await show(api, document, **QUESTION)
            assert (answer["verified"], kinds(answer)[0]) == (False, code)
    mixed = await show(api, envelope(text + more, "vp"), **QUESTION)
    assert mixed["verified"] is False


async def test_a_challenge_of_ours_is_answered_by_one_binding(api: Api, secured: Document) -> None:
    challenge = expect(200, await api.http.post(f"{api.urls['verifier']}/challenges"))["challenge"]
    shown = bound(presentation(secured), nonce=challenge)
    asked = {**QUESTION, "challenge": challenge}
    assert (await show(api, shown, **asked))["verified"] is True
    assert kinds(await show(api, shown, **asked)) == ["challenge-used"]


async def test_a_credential_with_a_binding_that_does_not_hold_is_refused(api: Api, secured: Document) -> None:
    assert (await verify(api, secured))["verified"] is True
    text = secured["id"].partition(",")[2]
    unasked = bind(text, key=WALLET, audience="shop.example", nonce="n-1", created=utc_now())
    answer = await verify(api, envelope(unasked))
    assert (answer["verified"], kinds(answer)) == (False, ["missing-binding"])
