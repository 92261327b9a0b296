"""From what an institution wrote to the Open Badges 3.0 Achievement that the public sees."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from uuid import UUID

import orjson

from services.issuer.domain.errors import Fault, Invalid
from services.issuer.domain.results import number_of

# A credential repeats its achievement, and has to fit in one event.
MAX_CONTENT = 64 * 1024
# Open Badges properties that are taken over as they were written.
_PLAIN = (
    "achievementType",
    "creditsAvailable",
    "fieldOfStudy",
    "humanCode",
    "inLanguage",
    "specialization",
    "tag",
    "microCredential",
)


def name_parts(content: Mapping[str, Any], new_id: Callable[[], UUID]) -> dict[str, Any]:
    """`content` with an id for each result description and rubric level that has none: results refer to them.

    Raises Invalid when an id is used twice, a required level is not one of its description's, or all of it together is
    more than MAX_CONTENT bytes of JSON.
    """
    size = len(orjson.dumps(content))
    if size > MAX_CONTENT:
        raise Invalid([Fault("#", "too-long", f"is {size} bytes; an achievement has at most {MAX_CONTENT}")])
    named = dict(content)
    descriptions = [_name_description(one, new_id) for one in content.get("resultDescription", ())]
    if descriptions:
        named["resultDescription"] = descriptions
    faults = [*_repeated_ids(descriptions), *_missing_levels(descriptions), *_bad_ranges(descriptions)]
    if faults:
        raise Invalid(faults)
    return named


def document_of(content: Mapping[str, Any], *, achievement_id: str, issuer: str, revision: int) -> dict[str, Any]:
    """The Achievement (Open Badges 3.0, B.2) for one public revision; `achievement_id` is its public URL.

    Where the institution gave no version of its own, the revision's number stands as `version`.
    """
    document: dict[str, Any] = {
        "id": achievement_id,
        "type": ["Achievement"],
        "name": content["name"],
        "description": content["description"],
        "criteria": content["criteria"],
        "creator": {"id": issuer, "type": ["Profile"]},
        "version": content.get("version") or str(revision),
    }
    document.update({name: content[name] for name in _PLAIN if name in content})
    if "image" in content:
        document["image"] = {**content["image"], "type": "Image"}
    if "alignment" in content:
        document["alignment"] = _typed(content["alignment"], "Alignment")
    if "otherIdentifier" in content:
        document["otherIdentifier"] = [{**one, "type": "IdentifierEntry"} for one in content["otherIdentifier"]]
    if "related" in content:
        document["related"] = _typed(content["related"], "Related")
    if "resultDescription" in content:
        document["resultDescription"] = [_description_document(one) for one in content["resultDescription"]]
    return document


def _description_document(description: Mapping[str, Any]) -> dict[str, Any]:
    document = {**description, "type": ["ResultDescription"]}
    if "alignment" in description:
        document["alignment"] = _typed(description["alignment"], "Alignment")
    if "rubricCriterionLevel" in description:
        document["rubricCriterionLevel"] = _typed(description["rubricCriterionLevel"], "RubricCriterionLevel")
    return document


def _typed(items: list[dict[str, Any]], type_name: str) -> list[dict[str, Any]]:
    return [{**item, "type": [type_name]} for item in items]


def _name_description(description: Mapping[str, Any], new_id: Callable[[], UUID]) -> dict[str, Any]:
    named = {"id": f"urn:uuid:{new_id()}", **description}
    if "rubricCriterionLevel" in description:
        named["rubricCriterionLevel"] = [
            {"id": f"urn:uuid:{new_id()}", **level} for level in description["rubricCriterionLevel"]
        ]
    return named


def _repeated_ids(descriptions: list[dict[str, Any]]) -> Iterator[Fault]:
    seen: set[str] = set()
    for number, description in enumerate(descriptions):
        at = f"#/resultDescription/{number}"
        for pointer, identifier in [
            (f"{at}/id", description["id"]),
            *(
                (f"{at}/rubricCriterionLevel/{n}/id", level["id"])
                for n, level in enumerate(description.get("rubricCriterionLevel", ()))
            ),
        ]:
            if identifier in seen:
                yield Fault(pointer, "duplicate-id", "is used twice in this achievement")
            seen.add(identifier)


def _missing_levels(descriptions: list[dict[str, Any]]) -> Iterator[Fault]:
    for number, description in enumerate(descriptions):
        levels = {level["id"] for level in description.get("rubricCriterionLevel", ())}
        required = description.get("requiredLevel")
        if required is not None and required not in levels:
            yield Fault(
                f"#/resultDescription/{number}/requiredLevel", "unknown-level", "is no level of this description"
            )


def _bad_ranges(descriptions: list[dict[str, Any]]) -> Iterator[Fault]:
    for number, description in enumerate(descriptions):
        low, high = number_of(description.get("valueMin")), number_of(description.get("valueMax"))
        if low is not None and high is not None and low > high:
            yield Fault(f"#/resultDescription/{number}/valueMax", "invalid-range", "is less than valueMin")
