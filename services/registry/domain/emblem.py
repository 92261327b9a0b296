"""The badge that is drawn where the institution gave no picture: the server's half of what badge.js draws."""

import re
from dataclasses import dataclass

# White can be read on each of them (6:1 or better).
COLOURS = ("#1a5fb4", "#0e5c4f", "#6a2e8f", "#8f2f14", "#871745", "#3f5316")
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Emblem:
    """The initials of a credential in a colour of its institution's."""

    initials: str
    colour: str


def emblem(name: str, issuer: str) -> Emblem:
    """The same for the same name and issuer, here and in the browser."""
    return Emblem(_initials(name), _colour(issuer))


def _initials(name: str) -> str:
    """The first letters of the first and the last word."""
    words = _WORD.findall(name) or [name]
    chosen = [words[0], words[-1]] if len(words) > 1 else words
    return "".join(word[:1].upper() for word in chosen)


def _colour(text: str) -> str:
    total = 0
    for character in text:
        total = (total * 31 + ord(character)) % 65521
    return COLOURS[total % len(COLOURS)]
