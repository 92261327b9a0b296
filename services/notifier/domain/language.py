"""Which of our languages to write in (BCP 47, lookup of RFC 4647, 3.4)."""

from collections.abc import Collection

DEFAULT = "en"


def choose(wanted: str | None, available: Collection[str]) -> str:
    """The available language for the tag `wanted`, cut from its end until one fits: `de-AT` gets `de`. Or English."""
    subtags = (wanted or "").strip().lower().replace("_", "-").split("-")
    known = {tag.lower(): tag for tag in available}
    while subtags:
        if (found := known.get("-".join(subtags))) is not None:
            return found
        subtags.pop()
        if subtags and len(subtags[-1]) == 1:  # a singleton means nothing without what followed it
            subtags.pop()
    return DEFAULT
