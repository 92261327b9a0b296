"""The public page of a credential: what it says, what it leaves out, and what nobody can make it do."""

import re
from datetime import UTC, datetime

import pytest

from services.registry.api.credential_page import wants_page
from services.registry.domain.credential_page import Shown
from services.registry.domain.standing import Standing, StandingName
from services.registry.main import TEMPLATES, read_credential_page, read_wording
from tests.unit.registry.read_page import Read
from tests.unit.registry.shown import ADDRESS, ID, LINKS, MICRO_CREDENTIAL, shown

WORDING = read_wording(TEMPLATES)
PAGE = read_credential_page(TEMPLATES, WORDING)
LANGUAGES = sorted(WORDING.languages)
AT = datetime(2027, 3, 1, 23, 59, tzinfo=UTC)


def read(one: Shown, language: str = "en") -> Read:
    return Read(PAGE.html(one, language))


@pytest.mark.parametrize(
    ("accept", "page"),
    [
        (None, False),
        ("", False),
        ("*/*", False),
        ("text/html", True),
        ("text/*", True),
        ("TEXT/HTML", True),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", True),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8", True),
        ("text/html, */*", False),
        ("text/html;q=0.9, application/json", False),
        ("application/json;q=0.9, text/html", True),
        ("application/vc", False),
        ("application/vc, text/html;q=0.5", False),
        ("application/vc+ld+json, application/json;q=0.9, */*;q=0.1", False),
        ("text/html;q=0", False),
        ("image/png", False),
        ("text/html;q=nonsense", False),
    ],
)
def test_the_page_is_for_those_who_put_it_first(accept: str | None, page: bool) -> None:
    assert wants_page(accept) is page


def test_it_says_what_the_credential_is() -> None:
    page = read(shown())
    for said in (
        "Applied Statistics",
        "Issued by Northport University",
        "Issued on 23 November 2026",
        "Valid until 23 November 2029",
        "Plans a study, analyses its data and says how sure the result is.",
        "Three graded pieces of work.",
        "Workload 2.5 ECTS · 70 h",
        "EQF level 6 NLQF 6 First cycle (bachelor)",
        "At work",
        "Supervised, with the identity checked",
        "Written examination Three hours, with open books.",
        "Accreditation NVAO",
        "School mathematics.",
        "Can be part of a larger qualification",
        "Plans a study Chooses a design and a sample",
        "Says how sure a result is",
        "Statistics ESCO",
        f"Number {ID}",
        "Signed by did:web:issuer.example:institutions:northport",
        "This page shows what the registry has on record. It is not a verification.",
        "send the signed document by POST to https://verifier.example/v1/verify (how to)",
    ):
        assert said in page.words, said
    assert page.inline["title"] == "Applied Statistics – Northport University"


def test_it_leads_to_what_it_speaks_of() -> None:
    addresses = [one["href"] for one in read(shown()).all("a")]
    assert {LINKS.document, LINKS.record, LINKS.manual} < set(addresses)
    assert {
        "https://northport.example",
        "https://northport.example/criteria",
        "https://esco.example/s/1",
        "https://skills.example/r",
        "http://data.europa.eu/esco/skill/1",
        "https://nvao.example/decision/7",
        "https://northport.example/statistics",
    } < set(addresses)
    (linkedin,) = [address for address in addresses if address.startswith("https://www.linkedin.com/profile/add?")]
    assert "organizationId=1441" in linkedin
    assert [address for address in addresses if address.startswith("?")] == [f"?lang={tag}" for tag in LANGUAGES]


def test_its_head_is_for_previews_and_programs() -> None:
    page = read(shown())
    assert page.meta("og:title") == "Applied Statistics"
    assert page.meta("og:description") == page.meta("description")
    assert page.meta("og:description") == "Plans a study, analyses its data and says how sure the result is."
    assert page.meta("og:type") == "website"
    assert page.meta("og:url") == ADDRESS
    assert page.meta("og:image") == "https://northport.example/badge.png"
    assert page.meta("robots") == "noindex"
    assert {"rel": "alternate", "type": "application/vc", "href": LINKS.document} in page.all("link")
    assert page.structured() == {
        "@context": "https://schema.org",
        "@type": "EducationalOccupationalCredential",
        "@id": ADDRESS,
        "url": ADDRESS,
        "name": "Applied Statistics",
        "description": "Plans a study, analyses its data and says how sure the result is.",
        "inLanguage": "en",
        "image": "https://northport.example/badge.png",
        "credentialCategory": "MicroCredential",
        "creativeWorkStatus": "active",
        "educationalLevel": "EQF 6",
        "publisher": {
            "@type": "Organization",
            "@id": "did:web:issuer.example:institutions:northport",
            "name": "Northport University",
            "url": "https://northport.example",
        },
        "datePublished": "2026-11-23T18:00:00+00:00",
        "expires": "2029-11-23T00:00:00+00:00",
        "competencyRequired": [
            {
                "@type": "DefinedTerm",
                "name": "Statistics",
                "url": "https://esco.example/s/1",
                "inDefinedTermSet": "ESCO",
            },
            {"@type": "DefinedTerm", "name": "R", "url": "https://skills.example/r"},
        ],
    }


def test_what_is_not_there_is_not_spoken_of() -> None:
    least = shown(
        without=("image", "alignment", "microCredential", "inLanguage", "achievementType"),
        criteria={"id": "https://northport.example/criteria"},
        valid_until=None,
        issuer=None,
    )
    page = read(least)
    assert "Issued by Northport Active." in page.words, "as the document names it, while its institution is unknown"
    assert "Valid until No end date" in page.words
    assert not re.search("Skills|Workload|Learning outcomes", page.words)
    assert page.meta("og:image") is None
    assert page.all("img") == []
    assert page.structured().keys() == {
        *("@context", "@type", "@id", "url", "name", "description", "creativeWorkStatus", "publisher", "datePublished")
    }


def test_the_least_that_a_micro_credential_says_is_enough() -> None:
    micro = {name: MICRO_CREDENTIAL[name] for name in ("workload", "assessment", "participation", "qualityAssurance")}
    micro |= {"learningOutcomes": [{"name": "Plans"}], "workload": {"hours": 8}, "qualityAssurance": {"type": "Review"}}
    page = read(shown(microCredential={**micro, "assessment": {"type": "Test"}, "level": {"nqf": "NLQF 6"}}), "de")
    assert "Arbeitsaufwand 8 Std. Niveau NLQF 6 Form der Teilnahme Am Arbeitsplatz Prüfungsform Test" in page.words
    assert page.structured()["educationalLevel"] == "NLQF 6"


@pytest.mark.parametrize(
    ("name", "said", "offered"),
    [
        ("active", "Active. It is on record as neither suspended, revoked nor expired.", True),
        ("pending", "Not valid yet. It is valid from 1 March 2027.", True),
        ("suspended", "Suspended. The institution suspended it on 1 March 2027: for now, it is not valid.", False),
        ("revoked", "Revoked. The institution revoked it on 1 March 2027: it is no longer valid.", False),
        ("expired", "Expired. It was valid until 1 March 2027.", True),
    ],
)
def test_how_it_stands_is_said_in_words(name: StandingName, said: str, offered: bool) -> None:
    page = read(shown(standing=Standing(name, None if name == "active" else AT)))
    assert said in page.words
    assert {"class": f"standing {name}"} in page.all("p")
    assert ("Add to LinkedIn profile" in page.words) is offered
    assert page.structured()["creativeWorkStatus"] == name


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "revoked it on 1 March 2027"),
        ("de", "hat diesen Nachweis am 1. März 2027 widerrufen"),
        ("fr", "l’a révoquée le 1er mars 2027"),
        ("es", "la revocó el 1 de marzo de 2027"),
    ],
)
def test_it_is_in_the_readers_language(language: str, said: str) -> None:
    page = read(shown(standing=Standing("revoked", AT)), language)
    assert said in page.words
    assert page.all("html") == [{"lang": language, "prefix": "og: https://ogp.me/ns#"}]
    assert [one["lang"] for one in page.all("a") if "aria-current" in one] == [language]
    assert page.all("h1") == [{"lang": "en"}], "what the institution wrote is in its own"
    missing = Read(PAGE.missing(language))
    assert WORDING.record(language)["missing"] in missing.words
    assert len(missing.all("a")) == len(LANGUAGES)


def test_the_learner_is_not_on_it() -> None:
    identity = {"type": "IdentityObject", "identityHash": "ada@example.com", "identityType": "emailAddress"}
    subject = {
        "id": "did:example:ada",
        "name": "Ada Lovelace",
        "identifier": [identity],
        "image": {"id": "https://ada"},
    }
    assert not re.search("ada|Lovelace", PAGE.html(shown(subject=subject), "en"))


@pytest.mark.parametrize(
    "address", ["http://a.example/b.png", "javascript:1", "data:image/png;base64,AA", "https://a b"]
)
def test_a_picture_comes_over_https_or_not_at_all(address: str) -> None:
    page = read(shown(image={"id": address}))
    assert page.all("img") == []
    assert page.meta("og:image") is None
    assert "image" not in page.structured()


def test_a_picture_lies_over_the_drawn_badge_and_says_what_it_shows() -> None:
    page = read(shown())
    (image,) = page.all("img")
    assert image == {"src": "https://northport.example/badge.png", "alt": "", "referrerpolicy": "no-referrer"}
    assert {"class": "badge", "role": "img", "aria-label": "A star"} in page.all("div")
    assert len(page.all("ellipse")) == 14
    assert {"class": "badge"} in read(shown(without=("image",))).all("div")
