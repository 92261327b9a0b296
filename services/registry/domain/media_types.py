"""Which of the types we can send a client would rather have (RFC 9110, 12.5.1)."""

from collections.abc import Sequence


def choose(accept: str | None, offered: Sequence[str]) -> str | None:
    """The offered type with the highest quality, the first of several; None when the client takes none of them.

    The most specific range that matches a type decides its quality. A header that cannot be read accepts everything.
    """
    if not accept or not accept.strip():
        return offered[0]
    ranges = [_read(part) for part in accept.split(",") if part.strip()]
    qualities = [(_quality(kind, ranges), kind) for kind in offered]
    best = max(quality for quality, _ in qualities)
    return next(kind for quality, kind in qualities if quality == best) if best > 0 else None


def _read(part: str) -> tuple[str, float]:
    kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return kind, min(max(float(value), 0.0), 1.0)
            except ValueError:
                return kind, 0.0
    return kind, 1.0


def _quality(kind: str, ranges: Sequence[tuple[str, float]]) -> float:
    for pattern in (kind, f"{kind.partition('/')[0]}/*", "*/*"):
        found = [quality for accepted, quality in ranges if accepted == pattern]
        if found:
            return max(found)
    return 0.0
