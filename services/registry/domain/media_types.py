"""Which of the types we can send a client would rather have (RFC 9110, 12.5.1)."""

from collections.abc import Sequence

from services.registry.domain import quality


def choose(accept: str | None, offered: Sequence[str]) -> str | None:
    """The offered type with the highest quality, the first of several; None when the client takes none of them.

    The most specific range that matches a type decides its quality. A header that cannot be read accepts everything.
    """
    if not accept or not accept.strip():
        return offered[0]
    ranges = quality.read(accept)
    qualities = [(_quality(kind, ranges), kind) for kind in offered]
    best = max(weight for weight, _ in qualities)
    return next(kind for weight, kind in qualities if weight == best) if best > 0 else None


def _quality(kind: str, ranges: Sequence[tuple[str, float]]) -> float:
    for pattern in (kind, f"{kind.partition('/')[0]}/*", "*/*"):
        found = [weight for accepted, weight in ranges if accepted == pattern]
        if found:
            return max(found)
    return 0.0
