"""Which of our languages somebody reads (RFC 9110, 12.5.4; the lookup of RFC 4647, 3.4)."""

from collections.abc import Collection

from services.registry.domain import quality

DEFAULT = "en"


def choose(accept_language: str | None, available: Collection[str]) -> str:
    """The available language that comes first for a reader: `de-AT, fr;q=0.8` gets `de`. English for all others."""
    wanted = [(tag, weight) for tag, weight in quality.read(accept_language or "") if weight > 0]
    for tag, _ in sorted(wanted, key=lambda one: -one[1]):
        if tag == "*":  # anything else, then, and what follows is wanted less
            return DEFAULT
        if (found := _lookup(tag, available)) is not None:
            return found
    return DEFAULT


def _lookup(tag: str, available: Collection[str]) -> str | None:
    """The language for a tag, cut from its end until one fits; catalogues are named by tags in lower case."""
    subtags = tag.split("-")
    while subtags:
        if (shorter := "-".join(subtags)) in available:
            return shorter
        subtags.pop()
        if subtags and len(subtags[-1]) == 1:  # a singleton means nothing without what followed it
            subtags.pop()
    return None
