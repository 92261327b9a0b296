"""Names as they may stand in a letter: one line, no control characters, their direction kept to themselves."""

import unicodedata

_ISOLATE, _END = "\u2068", "\u2069"  # first strong isolate, pop directional isolate (UAX #9)
_EXPLICIT = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
_LINE_ENDS = frozenset("\u2028\u2029")


def tidy(text: str, most: int = 200) -> str:
    """`text` on one line without control and direction characters, cut to `most` characters."""
    kept = "".join(" " if _breaks(character) else character for character in text if character not in _EXPLICIT)
    line = " ".join(kept.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def isolated(text: str) -> str:
    """`text`, wrapped where it has right-to-left letters, so that it does not turn the sentence around it."""
    if any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in text):
        return f"{_ISOLATE}{text}{_END}"
    return text


def _breaks(character: str) -> bool:
    return character in _LINE_ENDS or unicodedata.category(character) in ("Cc", "Cs")
