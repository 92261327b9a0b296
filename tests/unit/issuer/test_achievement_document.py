"""From an institution's text to the Open Badges Achievement, and results checked against it."""

import itertools
from typing import Any
from uuid import UUID

import pytest

from services.issuer.domain.achievement_document import document_of, name_parts
from services.issuer.domain.errors import Invalid
from services.issuer.domain.results import results_of

CONTENT: dict[str, Any] = {
    "name": "Statistics",
    "description": "Plans a study.",
    "criteria": {"narrative": "An examination."},
    "achievementType": "MicroCredential",
    "image": {"id": "https://example.org/badge.png", "caption": "A badge"},
    "alignment": [{"targetName": "analyse data", "targetUrl": "https://example.org/skill/1"}],
    "tag": ["statistics"],
    "creditsAvailable": 5,
    "resultDescription": [
        {"name": "Grade", "resultType": "Percent", "valueMin": "0", "valueMax": "100"},
        {"id": "urn:x:status", "name": "State", "resultType": "Status"},
        {
            "id": "urn:x:rubric",
            "name": "Rubric",
            "resultType": "RubricCriterionLevel",
            "rubricCriterionLevel": [{"id": "urn:x:good", "name": "good"}],
            "requiredLevel": "urn:x:good",
        },
        {"id": "urn:x:letter", "name": "Letter", "resultType": "LetterGrade", "allowedValue": ["A", "B"]},
    ],
}


def named() -> dict[str, Any]:
    numbers = itertools.count(1)
    return name_parts(CONTENT, lambda: UUID(int=next(numbers)))


def document() -> dict[str, Any]:
    return document_of(
        named(), achievement_id="https://r.example/achievements/1", issuer="did:web:i.example", revision=3
    )


def codes(refused: pytest.ExceptionInfo[Invalid]) -> list[tuple[str, str]]:
    return [(fault.pointer, fault.code) for fault in refused.value.faults]


def test_the_document_has_the_types_and_members_of_the_specification() -> None:
    made = document()

    assert made["type"] == ["Achievement"]
    assert made["image"] == {"id": "https://example.org/badge.png", "caption": "A badge", "type": "Image"}
    assert made["alignment"][0]["type"] == ["Alignment"]
    assert made["resultDescription"][2]["rubricCriterionLevel"][0]["type"] == ["RubricCriterionLevel"]
    assert made["creator"]["id"] == "did:web:i.example"


def test_the_revision_stands_as_version_unless_the_institution_gave_one() -> None:
    assert document()["version"] == "3"
    own = document_of({**named(), "version": "2026"}, achievement_id="https://r/1", issuer="did:web:i", revision=3)
    assert own["version"] == "2026"


def test_a_result_description_without_an_id_gets_one() -> None:
    assert named()["resultDescription"][0]["id"] == f"urn:uuid:{UUID(int=1)}"


def test_an_id_used_twice_and_a_required_level_that_is_none_are_named() -> None:
    bad = {
        **CONTENT,
        "resultDescription": [
            {"id": "urn:x:1", "name": "a", "resultType": "Result"},
            {"id": "urn:x:1", "name": "b", "resultType": "Result", "requiredLevel": "urn:x:9"},
            {"id": "urn:x:2", "name": "c", "resultType": "Percent", "valueMin": "9", "valueMax": "1"},
        ],
    }
    with pytest.raises(Invalid) as refused:
        name_parts(bad, lambda: UUID(int=1))

    assert codes(refused) == [
        ("#/resultDescription/1/id", "duplicate-id"),
        ("#/resultDescription/1/requiredLevel", "unknown-level"),
        ("#/resultDescription/2/valueMax", "invalid-range"),
    ]


def test_good_results_become_results_of_the_document() -> None:
    percent = f"urn:uuid:{UUID(int=1)}"
    made = results_of(
        [
            {"resultDescription": percent, "value": "87.5"},
            {"resultDescription": "urn:x:status", "status": "Completed"},
            {"resultDescription": "urn:x:rubric", "achievedLevel": "urn:x:good"},
            {"value": "distinction"},
        ],
        document(),
    )

    assert [one["type"] for one in made] == [["Result"]] * 4
    assert made[0] == {"type": ["Result"], "resultDescription": percent, "value": "87.5"}


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ({"resultDescription": "urn:x:none", "value": "1"}, ("resultDescription", "unknown-result-description")),
        ({"resultDescription": f"urn:uuid:{UUID(int=1)}", "value": "101"}, ("value", "out-of-range")),
        ({"resultDescription": f"urn:uuid:{UUID(int=1)}", "value": "nan"}, ("value", "not-a-number")),
        ({"resultDescription": "urn:x:status", "value": "x"}, ("status", "required")),
        ({"resultDescription": "urn:x:letter", "value": "C"}, ("value", "value-not-allowed")),
        ({"resultDescription": "urn:x:rubric", "achievedLevel": "urn:x:bad"}, ("achievedLevel", "unknown-level")),
    ],
)
def test_a_result_that_its_description_does_not_allow_is_named(
    result: dict[str, str], expected: tuple[str, str]
) -> None:
    with pytest.raises(Invalid) as refused:
        results_of([{"value": "fine"}, result], document())

    assert codes(refused) == [(f"#/results/1/{expected[0]}", expected[1])]
