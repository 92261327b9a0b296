"""What is wrong with a field, in our words: those of pydantic speak of Python, and change with its versions."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from pydantic_core.core_schema import ErrorType

from shared.http.problems import MAX_ECHO

_PYDANTICS_OWN = frozenset(get_args(ErrorType))
_OTHER = "is not a value that is allowed here"
_OBJECT, _LIST, _TEXT = "must be an object", "must be a list", "must be text"
_NUMBER, _WHOLE, _BOOLEAN = "must be a number", "must be a whole number", "must be true or false"
_UUID = "must be a UUID"
_WORDS = {
    "extra_forbidden": "there is no such field here",
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "dict_type": _OBJECT,
    "mapping_type": _OBJECT,
    "list_type": _LIST,
    "tuple_type": _LIST,
    "set_type": _LIST,
    "string_type": _TEXT,
    "string_unicode": "holds half of a surrogate pair",
    "int_type": _WHOLE,
    "int_from_float": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": "must be a finite number",
    "bool_type": _BOOLEAN,
    "bool_parsing": _BOOLEAN,
    "uuid_type": _UUID,
    "uuid_parsing": _UUID,
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be {ge} at least",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be {le} at most",
    "string_too_long": "has more than {max_length} characters",
    "too_long": "has more than {max_length} elements",
}
_TOO_SHORT = {"string_too_short": "characters", "too_short": "elements"}
_CHOICE = re.compile(r"\^\(([^()]+)\)\$")  # how our patterns spell a choice of words


def sentence(entry: Mapping[str, Any]) -> str:
    """Why the validator refused a value; `entry` is one of its errors."""
    kind, context = str(entry["type"]), entry.get("ctx") or {}
    if kind == "missing":
        return "is missing"
    if entry.get("input") is None:
        return "must not be null"
    if kind not in _PYDANTICS_OWN:
        return str(entry["msg"])
    if kind in _TOO_SHORT:
        least = context["min_length"]
        return "must not be empty" if least == 1 else f"has fewer than {least} {_TOO_SHORT[kind]}"
    if kind == "literal_error":
        return one_of(re.findall(r"'([^']*)'", context["expected"]))
    if kind == "string_pattern_mismatch":
        return _pattern(context["pattern"])
    return _WORDS.get(kind, _OTHER).format_map(context)


def one_of(words: Sequence[str]) -> str:
    """Name what is allowed: all of it, or as many whole words as a detail holds and where to find the others."""
    for count in range(len(words), 0, -1):
        left = len(words) - count
        text = f"must be one of {', '.join(words[:count])}" + (f", and {left} more: see /openapi.json" if left else "")
        if len(text) <= MAX_ECHO:
            return text
    return _OTHER


def _pattern(pattern: str) -> str:
    if pattern == r"\S":
        return "must hold more than spaces"
    if choice := _CHOICE.fullmatch(pattern):
        words = (re.sub(r"\[.*", "…", word) for word in choice[1].split("|"))
        return one_of([word.replace("\\", "") for word in words])
    text = f"must match {pattern}"
    return text if len(text) <= MAX_ECHO else "is not spelled as the pattern in /openapi.json has it"
