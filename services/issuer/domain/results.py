"""What a learner reached, checked against what the achievement says can be reached (Open Badges 3.0, B.17 and B.18)."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from services.issuer.domain.errors import Fault, Invalid


def results_of(results: Sequence[Mapping[str, Any]], achievement: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The `result` members of the document. Raises Invalid, naming every result that its description does not allow."""
    descriptions = {one["id"]: one for one in achievement.get("resultDescription", ())}
    faults = [fault for number, result in enumerate(results) for fault in _faults(number, result, descriptions)]
    if faults:
        raise Invalid(faults)
    return [_typed(result) for result in results]


def _typed(result: Mapping[str, Any]) -> dict[str, Any]:
    document = {"type": ["Result"], **result}
    if "alignment" in result:
        document["alignment"] = [{**one, "type": ["Alignment"]} for one in result["alignment"]]
    return document


def _faults(number: int, result: Mapping[str, Any], descriptions: Mapping[str, Mapping[str, Any]]) -> Iterator[Fault]:
    at = f"#/results/{number}"
    reference = result.get("resultDescription")
    if reference is None:
        return
    description = descriptions.get(reference)
    if description is None:
        yield Fault(f"{at}/resultDescription", "unknown-result-description", "is not one of this achievement's")
        return
    if description["resultType"] == "Status" and "status" not in result:
        yield Fault(f"{at}/status", "required", "is required, because the result is a status")
    if "value" in result:
        yield from _value_faults(f"{at}/value", result["value"], description)
    if "achievedLevel" in result:
        levels = {level["id"] for level in description.get("rubricCriterionLevel", ())}
        if result["achievedLevel"] not in levels:
            yield Fault(f"{at}/achievedLevel", "unknown-level", "is no level of the result description")


def _value_faults(pointer: str, value: str, description: Mapping[str, Any]) -> Iterator[Fault]:
    allowed = description.get("allowedValue")
    if allowed and value not in allowed:
        yield Fault(pointer, "value-not-allowed", "is not one of the allowed values")
    low, high = number_of(description.get("valueMin")), number_of(description.get("valueMax"))
    if low is None and high is None:
        return
    number = number_of(value)
    if number is None:
        yield Fault(pointer, "not-a-number", "must be a number, because the description gives a range")
    elif (low is not None and number < low) or (high is not None and number > high):
        yield Fault(pointer, "out-of-range", "lies outside the description's range")


def number_of(text: str | None) -> float | None:
    """The number that a result or a bound is, None where it is none: a letter grade has bounds without being one."""
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None
