"""Which type a client gets (RFC 9110, 12.5.1)."""

import pytest

from services.registry.domain.media_types import choose

LD, VC, JSON = "application/vc+ld+json", "application/vc", "application/json"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, LD),
        ("", LD),
        ("*/*", LD),
        ("application/*", LD),
        (VC, VC),
        ("APPLICATION/VC", VC),
        (f"{LD};q=0.5, {VC}", VC),
        (f"{VC};q=0.5, {LD}", LD),
        ("text/html, application/xhtml+xml, */*;q=0.8", LD),
        (f"*/*;q=0.1, {JSON}", JSON),
        (f"{LD};q=0, */*", VC),
        ("text/html", None),
        ("text/html;q=1, application/vc;q=0", None),
        (f"{VC};q=nonsense", None),
        (";;;,", None),
    ],
)
def test_the_most_wanted_type_is_chosen(accept: str | None, expected: str | None) -> None:
    assert choose(accept, (LD, VC, JSON)) == expected
