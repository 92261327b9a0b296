"""Presentations over the VC-API: whom they answer, and that they are as good as what is in them."""

import copy
from datetime import timedelta
from typing import Any

import pytest

from shared.credentials import ProofError, envelope, generate, secure_token
from tests.fixtures.api import Api, Institution, expect
from tests.integration.paper_issuer import utc_now
from tests.integration.vc_api.asking import did_of, kinds, post, presentation, show
from tests.integration.vc_api.securing import UNUSUAL, V2, Document, credential, issued

pytestmark = pytest.mark.parametrize("bus_kind", ["embedded"], indirect=True)


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
