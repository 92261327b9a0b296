"""Every way five outcomes can add up."""

import itertools

import pytest

from services.verifier.domain.answer import CHECK_NAMES, Check, Outcome, Verdict
from services.verifier.domain.verdict import VERIFIED, verdict_of


def outcomes(**given: Outcome) -> list[Check]:
    return [Check(name, given.get(name, "pass"), "") for name in CHECK_NAMES]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "valid"),
        ({"issuer": "warn"}, "valid-with-warnings"),
        ({"proof": "fail"}, "forged"),
        ({"schema": "fail"}, "forged"),
        ({"issuer": "fail"}, "forged"),
        ({"status": "fail"}, "revoked-or-suspended"),
        ({"validity": "fail"}, "outside-dates"),
        ({"proof": "unknown"}, "cannot-tell"),
        ({"issuer": "unknown"}, "cannot-tell"),
        ({"validity": "unknown"}, "cannot-tell"),
        ({"status": "unknown"}, "cannot-tell"),
        ({"status": "unknown", "issuer": "warn"}, "cannot-tell"),
        ({"proof": "fail", "status": "fail", "validity": "fail", "issuer": "unknown"}, "forged"),
        ({"status": "fail", "validity": "fail"}, "revoked-or-suspended"),
        ({"status": "fail", "issuer": "unknown"}, "revoked-or-suspended"),
        ({"status": "unknown", "validity": "fail"}, "outside-dates"),
        ({"status": "fail", "issuer": "warn"}, "revoked-or-suspended"),
    ],
)
def test_the_worst_decides(given: dict[str, Outcome], expected: Verdict) -> None:
    assert verdict_of(outcomes(**given)) == expected


def test_a_missing_check_cannot_make_a_credential_valid() -> None:
    for name in CHECK_NAMES:
        assert verdict_of([check for check in outcomes() if check.check != name]) == "cannot-tell"


def test_only_five_passes_or_warnings_verify() -> None:
    for combination in itertools.product(("pass", "warn", "fail", "unknown"), repeat=5):
        checks = [Check(name, outcome, "") for name, outcome in zip(CHECK_NAMES, combination, strict=True)]
        good = all(outcome in ("pass", "warn") for outcome in combination)
        assert (verdict_of(checks) in VERIFIED) is good, combination
