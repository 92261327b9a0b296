"""JSON pointers (RFC 6901) as URI fragments: where in a document something stands."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any


def escape(name: str) -> str:
    """A member's name as one step of a pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def pointer_to_key(document: Mapping[str, Any], key: str) -> str:
    """The first place, from the top, that has a member of this name; `#` when there is none."""
    return next((where for where, name, _ in members(document) if name == key), "#")


def pointer_to_text(document: Mapping[str, Any], is_it: Callable[[str], bool]) -> str:
    """The first place whose value is such a text; `#` when there is none."""
    return next((where for where, _, value in members(document) if isinstance(value, str) and is_it(value)), "#")


def members(document: Mapping[str, Any]) -> Iterator[tuple[str, str | None, Any]]:
    """Every place of a document but its contexts, those above before those below: pointer, name in an object, value."""
    waiting: list[tuple[str, Any]] = [("#", document)]
    for where, value in waiting:
        found: list[tuple[str, str | None, Any]] = []
        if isinstance(value, Mapping):
            found = [(f"{where}/{escape(name)}", name, item) for name, item in value.items() if name != "@context"]
        elif isinstance(value, list):
            found = [(f"{where}/{place}", None, item) for place, item in enumerate(value)]
        yield from found
        waiting += [(place, item) for place, _, item in found if isinstance(item, dict | list)]
