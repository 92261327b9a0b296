"""What a check of a document's shape says, and the small questions that all such checks ask."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+")
_MAX_URL = 2000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: where (a JSON pointer fragment), a stable word, a sentence."""

    pointer: str
    code: str
    detail: str


def is_url(value: Any) -> bool:
    """Whether a value is an absolute URL, as an id has to be."""
    return isinstance(value, str) and len(value) <= _MAX_URL and _URL.fullmatch(value) is not None


def texts(value: Any) -> set[str]:
    """The texts among a property's values."""
    return {each for each in many(value) if isinstance(each, str)}


def many(value: Any) -> list[Any]:
    """A property's values: JSON-LD lets one stand without its array."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def placed(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Each of a top property's values with its pointer."""
    if isinstance(value, list):
        yield from ((f"#/{name}/{place}", each) for place, each in enumerate(value))
    elif value is not None:
        yield f"#/{name}", value
