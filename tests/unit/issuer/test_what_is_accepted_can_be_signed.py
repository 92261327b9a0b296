"""Whatever the edge lets into a document can be canonicalised, and so signed, with both cryptosuites."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from services.issuer.api.achievement_body import AchievementBody
from services.issuer.api.fields import DID_PATTERN, LINK_PATTERN, URI_PATTERN
from services.issuer.domain.achievement_document import document_of, name_parts
from shared.credentials import build_open_badge, jcs, rdfc


def matching(pattern: str) -> st.SearchStrategy[str]:
    return st.from_regex(pattern.removeprefix("^").removesuffix("$"), fullmatch=True).filter(lambda it: len(it) <= 300)


LINKS, URIS, DIDS = matching(LINK_PATTERN), matching(URI_PATTERN), matching(DID_PATTERN)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=50).filter(
    lambda text: bool(text.strip())
)

# Every number but those with more digits than RDF writes, which are not accepted.
AMOUNTS = st.floats(0, 100, allow_nan=False).filter(lambda amount: float(f"{amount:.15E}") == amount)


@st.composite
def bodies(draw: st.DrawFn) -> dict[str, Any]:
    link, uri, text = draw(LINKS), draw(URIS), draw(TEXTS)
    return {
        "name": text,
        "description": draw(TEXTS),
        "criteria": {"id": link, "narrative": draw(TEXTS)},
        "achievementType": "MicroCredential",
        "image": {"id": link, "caption": text},
        "alignment": [{"targetName": text, "targetUrl": link}],
        "tag": [text],
        "creditsAvailable": draw(AMOUNTS),
        "related": [{"id": link}],
        "resultDescription": [{"id": uri, "name": text, "resultType": "Result"}],
        "microCredential": {
            "learningOutcomes": [{"id": link, "name": text}],
            "workload": {"ects": draw(AMOUNTS), "hours": 25},
            "level": {"eqf": 6},
            "assessment": {"type": text},
            "participation": "online",
            "qualityAssurance": {"type": text, "url": link},
            "furtherInformation": link,
        },
    }


@settings(max_examples=60, deadline=None)
@given(bodies(), DIDS)
def test_an_accepted_achievement_can_be_signed(content: dict[str, Any], did: str) -> None:
    accepted = name_parts(AchievementBody.model_validate(content).content(), lambda: UUID(int=1))
    achievement = document_of(
        accepted, achievement_id="https://r.example/achievements/1", issuer="did:web:i.example", revision=1
    )
    document = build_open_badge(
        credential_id="https://r.example/credentials/1",
        issuer={"id": "did:web:i.example", "type": ["Profile"], "name": "I"},
        achievement=achievement,
        subject={"id": did},
        valid_from=datetime(2026, 1, 1, tzinfo=UTC),
    )

    assert rdfc(document)
    assert jcs(document)


def test_a_number_of_which_digits_would_be_lost_is_not_accepted() -> None:
    content = {"name": "x", "description": "y", "criteria": {"narrative": "z"}, "achievementType": "Course"}
    with pytest.raises(ValidationError, match="15 digits"):
        AchievementBody.model_validate({**content, "creditsAvailable": 0.1 + 0.2})


@pytest.mark.parametrize(
    "link",
    [
        "https://x/{a}",
        "https://x/<a>",
        "https://x/\x0e",
        "https://x/%zz",
        "https://x/[a]",
        "https://x/é",
        "https://u@x/",
    ],
)
def test_a_link_that_cannot_be_signed_is_refused(link: str) -> None:
    content = {"name": "n", "description": "d", "criteria": {"id": link}}

    with pytest.raises(ValueError, match="invalid_url"):
        AchievementBody.model_validate(content)
