"""Texts and addresses that others wrote, where a page cannot set them apart with an element of their own."""

import re
import unicodedata

# Marks that turn the direction of what follows, beyond the text's own end (UAX #9).
_DIRECTIONS = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_WEB = re.compile(r"https?://[^\s]+", re.IGNORECASE)


def one_line(text: str, most: int) -> str:
    """`text` on one line without control and direction characters, cut to `most` characters."""
    kept = "".join(" " if unicodedata.category(one) == "Cc" else one for one in text if one not in _DIRECTIONS)
    line = " ".join(kept.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def is_web(address: object) -> bool:
    """Whether a page may link to it: nowhere but to the web, and not where there is no address."""
    return isinstance(address, str) and _WEB.fullmatch(address) is not None


def is_picture(address: object) -> bool:
    """Whether a page may load it: over https only."""
    return is_web(address) and str(address).lower().startswith("https:")
