"""The framework's complaints about a request as ours: a stable code, and a pointer to each bad field."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi.exceptions import RequestValidationError

from shared.http.problems import FieldError, InvalidInput
from shared.http.strict_json import escape_pointer
from shared.http.wording import sentence

MAX_ERRORS = 50
_CODES = {
    "missing": "required",
    "extra_forbidden": "unknown-field",
    "string_too_long": "too-long",
    "bytes_too_long": "too-long",
    "too_long": "too-long",
    "url_too_long": "too-long",
    "string_too_short": "too-short",
    "too_short": "too-short",
    "string_unicode": "invalid-character",
    "greater_than": "out-of-range",
    "greater_than_equal": "out-of-range",
    "less_than": "out-of-range",
    "less_than_equal": "out-of-range",
    "finite_number": "out-of-range",
    "timezone_aware": "invalid-date",
    "timezone_naive": "invalid-date",
}
# What every code means; docs/problems.md repeats it for readers.
FIELD_CODES = {
    "required": "The field is missing, or null where a value is needed.",
    "unknown-field": "There is no such field here.",
    "unknown-parameter": "There is no such query parameter here.",
    "invalid-type": "The value is of another JSON type.",
    "invalid-value": "The value is of the right type and not one of those allowed.",
    "conflicting-fields": "Two fields of which only one can be given.",
    "invalid-character": "The text holds U+0000 or half of a surrogate pair.",
    "invalid-date": "Not an RFC 3339 timestamp with a zone, or no date of the calendar.",
    "invalid-email": "Not an e-mail address.",
    "invalid-url": "Not an absolute http or https URL, or one with user name, password or a port that is not open.",
    "invalid-slug": "Not 1 to 63 lower-case letters, digits and inner hyphens.",
    "invalid-id": "Not an id of ours, a UUID in lower case.",
    "invalid-limit": "`limit` is not a number from 1 to 200.",
    "too-long": "Text or list over its limit.",
    "too-short": "Text or list under its limit.",
    "out-of-range": "A number beyond its limits.",
}


def invalid_input(error: RequestValidationError) -> InvalidInput:
    """Every bad field at once, at most `MAX_ERRORS`."""
    found: dict[tuple[str | None, str | None, str], FieldError] = {}
    for entry in error.errors()[:MAX_ERRORS]:
        field = _field(entry, error.body)
        found.setdefault((field.pointer, field.parameter, field.code), field)
    return InvalidInput(errors=list(found.values()))


def _field(entry: Mapping[str, Any], body: Any) -> FieldError:
    where, *path = entry["loc"] or ("body",)
    code, detail = _code(entry), sentence(entry)
    if where == "body":
        return FieldError(code, detail, pointer=_pointer(path, body))
    name = str(path[0]) if path else str(where)
    return FieldError("invalid-limit" if (where, name) == ("query", "limit") else code, detail, parameter=name)


def _code(entry: Mapping[str, Any]) -> str:
    kind = str(entry["type"])
    if kind in _CODES:
        return _CODES[kind]
    if entry.get("input") is None:
        return "required"
    if kind.endswith(("_type", "_parsing")) and not kind.startswith(("datetime", "date", "time", "uuid", "url")):
        return "invalid-type"
    if kind.startswith(("datetime", "date_", "time_")):
        return "invalid-date"
    if kind.startswith("url_"):
        return "invalid-url"
    ours = kind.replace("_", "-")
    return ours if ours in FIELD_CODES else "invalid-value"


def _pointer(path: Sequence[int | str], body: Any) -> str:
    """A JSON pointer (RFC 6901) to the field; pydantic's names of union members, which are no fields, are left out."""
    pointer, here = "#", body
    for position, part in enumerate(path):
        try:
            here = here[part]
        except (KeyError, IndexError, TypeError):
            if position < len(path) - 1 or not isinstance(here, dict):
                continue
        pointer += f"/{escape_pointer(str(part))}"
    return pointer
