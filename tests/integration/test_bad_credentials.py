"""Credentials that were tampered with, or signed by somebody else: the failing check is named, nothing told on."""

import asyncio
import copy
import re
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.credentials import sign
from tests.fixtures.api import Api, Institution
from tests.fixtures.stack import Stack
from tests.integration.paper_issuer import PaperIssuer, utc_now
from tests.integration.surface import unchanged

pytestmark = pytest.mark.parametrize("bus_kind", ["embedded"], indirect=True)
Document = dict[str, Any]
Spoil = Callable[[Document], Any]
V2 = "https://www.w3.org/ns/credentials/v2"
BROKEN = "CRYPTOGRAPHIC_SECURITY_ERROR"  # the name that the data model has for it


@pytest.fixture
async def tenant(api: Api) -> Institution:
    return await api.institution()


@pytest.fixture(params=["eddsa-rdfc-2022", "eddsa-jcs-2022"])
async def good(api: Api, tenant: Institution, request: pytest.FixtureRequest) -> Document:
    """A credential of ours that verifies, by each cryptosuite."""
    achievement = await api.achievement(tenant)
    made = await api.issue(tenant, achievement, cryptosuite=request.param)
    document: Document = made["credential"]
    await api.verdict(document, "valid")
    await asyncio.sleep(0.3)  # verifications are written down a tenth of a second later
    return document


def outcome(answer: Document, name: str) -> tuple[str, str | None]:
    """Outcome and problem code of a check."""
    check = next(each for each in answer["checks"] if each["check"] == name)
    kind = check.get("problem", {}).get("type")
    return check["outcome"], kind and kind.rpartition("/")[2].rpartition("#")[2]


def changed(document: Document, spoil: Spoil) -> Document:
    """A copy to which that was done."""
    copied = copy.deepcopy(document)
    spoil(copied)
    return copied


def swap(document: Document) -> None:
    achievement = document["credentialSubject"]["achievement"]
    achievement["name"], achievement["description"] = achievement["description"], achievement["name"]


def flip(text: str) -> str:
    """The text with its last character changed."""
    return text[:-1] + ("3" if text[-1] != "3" else "4")


# What is changed, and what the check of the proof calls it.
TAMPERED: dict[str, tuple[Spoil, str]] = {
    "a name": (lambda d: d["credentialSubject"]["achievement"].update(name="Doctor"), BROKEN),
    "two values swapped": (swap, BROKEN),
    "the learner": (lambda d: d["credentialSubject"].update(id="did:example:other"), BROKEN),
    "a date": (lambda d: d.update(validFrom="2020-01-01T00:00:00Z"), BROKEN),
    "a status index": (lambda d: d["credentialStatus"][0].update(statusListIndex="7"), BROKEN),
    "no status": (lambda d: d.pop("credentialStatus"), BROKEN),
    "the time of the proof": (lambda d: d["proof"].update(created="2020-01-01T00:00:00Z"), BROKEN),
    "the signature": (lambda d: d["proof"].update(proofValue=flip(d["proof"]["proofValue"])), BROKEN),
    "no signature": (lambda d: d["proof"].pop("proofValue"), "malformed-proof"),
    "another purpose": (lambda d: d["proof"].update(proofPurpose="authentication"), "wrong-purpose"),
    "a list of cryptosuites": (lambda d: d["proof"].update(cryptosuite=["eddsa-jcs-2022"]), "unknown-cryptosuite"),
    "another cryptosuite": (lambda d: d["proof"].update(cryptosuite="bbs-2023"), "unknown-cryptosuite"),
    "one bad proof beside a good one": (
        lambda d: d.update(proof=[d["proof"], {**d["proof"], "proofValue": flip(d["proof"]["proofValue"])}]),
        BROKEN,
    ),
}


async def test_what_was_tampered_with_is_forged_and_nothing_is_told_on(
    running: Stack, api: Api, good: Document
) -> None:
    faults = []
    async with unchanged(running):
        for name, (spoil, code) in TAMPERED.items():
            answer = await api.verify(changed(good, spoil))
            told = answer["verified"], answer["verdict"], outcome(answer, "proof")
            if told != (False, "forged", ("fail", code)):
                faults.append(f"{name}: {told}")
    assert not faults, "\n".join(faults)


async def test_a_property_that_no_context_defines_is_not_overlooked(running: Stack, api: Api, good: Document) -> None:
    """RDF canonicalisation drops it, so that the signature would hold."""
    places: list[Spoil] = [
        lambda d: d.update(unheardOf="x"),
        lambda d: d["credentialSubject"].update(unheardOf="x"),
        lambda d: d["credentialSubject"]["achievement"].update(unheardOf={"a": 1}),
        lambda d: d["issuer"].update(unheardOf=["x"]),
    ]
    expected = "undefined-term" if "rdfc" in good["proof"]["cryptosuite"] else BROKEN
    async with unchanged(running):
        answers = [await api.verify(changed(good, place)) for place in places]
    assert [outcome(answer, "proof") for answer in answers] == [("fail", expected)] * len(places)
    assert {answer["verdict"] for answer in answers} == {"forged"}


async def test_only_contexts_that_change_no_meaning_are_allowed(running: Stack, api: Api, good: Document) -> None:
    contexts = good["@context"]
    others = {
        "context-not-allowed": [
            [*contexts, "https://evil.example/context.jsonld"],
            list(reversed(contexts)),
            [V2.upper(), *contexts[1:]],
            V2,
            [],
        ],
        "protected-term": [
            [*contexts, {"name": "https://evil.example/name"}],
        ],
        "not-json-ld": [[*contexts, {"@protected": False, "name": "https://evil.example/subject"}]],
    }
    async with unchanged(running):
        for code, cases in others.items():
            for other in cases:
                answer = await api.verify({**good, "@context": other})
                found = {outcome(answer, check) for check in ("schema", "proof")}
                assert answer["verdict"] == "forged", other
                assert ("fail", code) in found, (other, found)
        assert (await api.verify({**good, "@context": [V2]}))["verdict"] == "forged"  # allowed, and not what was signed


def paper(tenant: Institution, did: str | None = None) -> PaperIssuer:
    """A stranger who calls himself by the institution's name, or by one that looks like it."""
    return PaperIssuer("https://r.example", "https://i.example/l", did or tenant.did, slug=tenant.slug)


async def test_our_name_under_a_strangers_signature_is_forged(running: Stack, api: Api, tenant: Institution) -> None:
    stranger = paper(tenant)
    other = paper(await api.institution())
    multikey = stranger.multikeys()[stranger.method]
    methods = {
        stranger.method: ("proof", ("fail", BROKEN)),
        f"{tenant.did}#key-99": ("issuer", ("fail", "unknown-key")),
        f"did:key:{multikey}#{multikey}": ("issuer", ("fail", "controller-mismatch")),
        other.method: ("issuer", ("fail", "controller-mismatch")),
    }
    await api.verdict(paper(tenant).issue(status=[]).document, "forged")  # the verifier has heard of the institution
    async with unchanged(running):
        answers = {each: await api.verify(stranger.issue(status=[], method=each).document) for each in methods}
    assert {answer["verdict"] for answer in answers.values()} == {"forged"}
    assert {each: (name, outcome(answers[each], name)) for each, (name, _) in methods.items()} == methods


async def test_signing_ours_again_or_as_well_makes_it_nobodys(running: Stack, api: Api, good: Document) -> None:
    stranger = Ed25519PrivateKey.generate()
    bare = {name: value for name, value in good.items() if name != "proof"}
    suite = good["proof"]["cryptosuite"]
    method = good["proof"]["verificationMethod"]
    again = sign(bare, key=stranger, verification_method=method, cryptosuite=suite, created=utc_now())
    async with unchanged(running):
        answers = [await api.verify(again), await api.verify({**good, "proof": [good["proof"], again["proof"]]})]
    assert [(each["verdict"], outcome(each, "proof")) for each in answers] == [("forged", ("fail", BROKEN))] * 2


LOOK_ALIKES: dict[str, Callable[[str], str]] = {
    "upper case": lambda did: did.replace("localhost", "LOCALHOST"),
    "an upper-case slug": lambda did: did.replace("inst-", "INST-"),
    "an upper-case method": lambda did: did.replace("did:web:", "did:WEB:"),
    "a trailing dot": lambda did: did.replace("localhost", "localhost."),
    "a trailing colon": lambda did: f"{did}:",
    "a trailing space": lambda did: f"{did} ",
    "lower-case hexadecimals": lambda did: did.replace("%3A", "%3a"),
    "an escaped dot": lambda did: did.replace("localhost", "localhost%2e"),
    "an escaped letter": lambda did: did.replace("inst-", "%69nst-"),
    "a Cyrillic letter": lambda did: did.replace("localhost", "l\u043ecalhost"),
    "a Cyrillic letter in the slug": lambda did: did.replace("inst-", "\u0456nst-"),
    "an invisible letter": lambda did: did.replace("inst-", "inst\u200b-"),
    "another name of the host": lambda did: did.replace("localhost", "127.0.0.1"),
    "a way round": lambda did: did.replace("institutions:", "x:..:institutions:"),
    "a query": lambda did: f"{did}?x=1",
}


async def test_a_name_that_looks_like_ours_is_not_ours(running: Stack, api: Api, tenant: Institution) -> None:
    await api.verdict(paper(tenant).issue(status=[]).document, "forged")  # the verifier has heard of the institution
    faults = []
    async with unchanged(running):
        for name, disguise in LOOK_ALIKES.items():
            did = disguise(tenant.did)
            assert did != tenant.did, name
            answer = await api.verify(paper(tenant, did).issue(status=[]).document)
            shown = answer["credential"]["issuer"]["id"]
            if answer["verified"] or outcome(answer, "issuer")[0] not in ("fail", "unknown"):
                faults.append(f"{name}: {answer['verdict']} {outcome(answer, 'issuer')}")
            if not re.fullmatch(r"[\x20-\x7e]+", shown):
                faults.append(f"{name}: shown as {shown!r}")
    assert not faults, "\n".join(faults)
