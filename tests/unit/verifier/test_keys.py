"""Whether a key may be believed at a time, and whether keys may have changed hands."""

from datetime import UTC, datetime, timedelta

import pytest

from services.verifier.domain.issuer import Key, disbelief
from services.verifier.domain.pinning import contradiction

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ACTIVE = Key("z6Mk", activated_at=NOON)
RETIRED = Key("z6Mk", activated_at=NOON, retired_at=NOON + HOUR)
LEAKED = Key("z6Mk", activated_at=NOON, compromised_at=NOON + HOUR)


@pytest.mark.parametrize(
    ("key", "made_at", "is_original", "expected"),
    [
        (ACTIVE, NOON + HOUR, False, None),
        (ACTIVE, NOON, False, None),
        (ACTIVE, NOON - HOUR, False, "key-not-yet-valid"),
        (ACTIVE, None, False, "proof-undated"),
        (RETIRED, NOON + HOUR, False, None),
        (RETIRED, NOON + HOUR + timedelta(seconds=1), False, "key-retired"),
        (LEAKED, NOON + 2 * HOUR, True, "key-compromised"),
        (LEAKED, NOON + HOUR, True, "key-compromised"),
        (LEAKED, NOON + HOUR / 2, True, None),
        (LEAKED, NOON + HOUR / 2, False, "key-compromised"),
        (LEAKED, None, True, "key-compromised"),
        (Key("z6Mk"), None, False, None),
    ],
)
def test_a_key_is_believed_only_in_its_time(
    key: Key, made_at: datetime | None, is_original: bool, expected: str | None
) -> None:
    reason = disbelief(key, made_at, is_original=is_original)
    assert (reason.code if reason else None) == expected


def test_a_proof_in_the_second_of_the_activation_is_believed() -> None:
    key = Key("z6Mk", activated_at=NOON + timedelta(milliseconds=900))
    assert disbelief(key, NOON, is_original=False) is None


@pytest.mark.parametrize(
    ("pinned", "resolved", "changed"),
    [
        ({}, {"#1": "a"}, False),
        ({"#1": "a"}, {"#1": "a"}, False),
        ({"#1": "a"}, {"#1": "a", "#2": "b"}, False),
        ({"#1": "a", "#2": "b"}, {"#2": "b", "#3": "c"}, False),
        ({"#1": "a"}, {"#1": "b"}, True),
        ({"#1": "a", "#2": "b"}, {"#1": "x", "#2": "b"}, True),
        ({"#1": "a"}, {"#9": "z"}, True),
    ],
)
def test_keys_may_be_added_and_dropped_but_not_exchanged(
    pinned: dict[str, str], resolved: dict[str, str], changed: bool
) -> None:
    reason = contradiction(pinned, resolved)
    assert (reason is not None) is changed
    if reason:
        assert reason.code == "key-changed"
