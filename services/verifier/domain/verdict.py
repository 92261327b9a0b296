"""From five checks to one verdict. The first rule that applies decides, from what is worst to what is best."""

from collections.abc import Sequence

from services.verifier.domain.answer import Check, CheckName, Outcome, Verdict

_AUTHENTICITY: tuple[CheckName, ...] = ("proof", "schema", "issuer", "binding")
VERIFIED: frozenset[Verdict] = frozenset({"valid", "valid-with-warnings"})


def verdict_of(checks: Sequence[Check]) -> Verdict:
    """The verdict; a check that is missing counts as unknown.

    1. forged: proof, schema, issuer or binding fails; nothing else in the document can be believed then.
    2. revoked-or-suspended: the status fails. Said even where another check is unknown: a reader must not rely on it.
    3. outside-dates: the validity fails.
    4. cannot-tell: some check is unknown.
    5. valid-with-warnings: some check warns.
    6. valid.
    """
    outcomes: dict[CheckName, Outcome] = {check.check: check.outcome for check in checks}
    if any(outcomes.get(name) == "fail" for name in _AUTHENTICITY):
        return "forged"
    if outcomes.get("status") == "fail":
        return "revoked-or-suspended"
    if outcomes.get("validity") == "fail":
        return "outside-dates"
    if len(outcomes) < 5 or "unknown" in outcomes.values():
        return "cannot-tell"
    return "valid-with-warnings" if "warn" in outcomes.values() else "valid"
