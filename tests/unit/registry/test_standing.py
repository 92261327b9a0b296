"""How a credential stands at a moment, and the badge that is drawn for it."""

import re
from datetime import UTC, datetime

import pytest

from services.registry.domain.emblem import COLOURS, Emblem, emblem
from services.registry.domain.record import Status
from services.registry.domain.standing import StandingName, standing
from services.registry.main import TEMPLATES

FROM, NOW, CHANGED, UNTIL = (datetime(2026, month, 1, tzinfo=UTC) for month in (1, 2, 3, 4))


@pytest.mark.parametrize(
    ("status", "valid_from", "valid_until", "name", "at"),
    [
        ("active", FROM, None, "active", None),
        ("active", FROM, UNTIL, "active", None),
        ("active", NOW, UNTIL, "active", None),
        ("active", UNTIL, None, "pending", UNTIL),
        ("active", FROM, NOW, "expired", NOW),
        ("active", FROM, FROM, "expired", FROM),
        ("suspended", FROM, UNTIL, "suspended", CHANGED),
        ("suspended", UNTIL, None, "suspended", CHANGED),
        ("suspended", FROM, FROM, "expired", FROM),
        ("revoked", FROM, UNTIL, "revoked", CHANGED),
        ("revoked", FROM, FROM, "revoked", CHANGED),
        ("revoked", UNTIL, None, "revoked", CHANGED),
    ],
)
def test_what_counts_most_is_told(
    status: Status, valid_from: datetime, valid_until: datetime | None, name: StandingName, at: datetime | None
) -> None:
    found = standing(status, CHANGED, valid_from, valid_until, NOW)
    assert (found.name, found.at) == (name, at)


@pytest.mark.parametrize(
    ("name", "initials"),
    [
        ("Applied Statistics", "AS"),
        ("Introduction to applied Érgonomics", "IÉ"),
        ("statistics", "S"),
        ("3D-Druck", "3D"),
        ("«Où?»", "O"),
        ("統計 学", "統学"),
        ("_under_score_", "US"),
        ("—", "—"),
        ("", ""),
    ],
)
def test_the_initials_are_of_the_first_and_the_last_word(name: str, initials: str) -> None:
    assert emblem(name, "did:web:a.example").initials == initials


def test_the_browser_draws_the_same() -> None:
    script = (TEMPLATES / "badge.js").read_text()
    (listed,) = re.findall(r"COLOURS = \[(.*)\]", script)
    assert tuple(re.findall("#[0-9a-f]{6}", listed)) == COLOURS
    assert "(sum * 31 + character.codePointAt(0)) % 65521" in script
    assert emblem("A b", "ab") == Emblem("AB", COLOURS[(97 * 31 + 98) % len(COLOURS)])
