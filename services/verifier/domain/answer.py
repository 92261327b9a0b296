"""What a verification says: five checks, each with an outcome and its reason, and the verdict they add up to.

A token that may be bound to its holder has a sixth, `binding`.
"""

from dataclasses import dataclass
from typing import Literal

CheckName = Literal["proof", "schema", "issuer", "validity", "status", "binding"]
Outcome = Literal["pass", "warn", "fail", "unknown"]
Verdict = Literal["valid", "valid-with-warnings", "outside-dates", "revoked-or-suspended", "cannot-tell", "forged"]

CHECK_NAMES: tuple[CheckName, ...] = ("proof", "schema", "issuer", "validity", "status")

_DATA_MODEL = "https://www.w3.org/TR/vc-data-model#"
_STATUS_LIST = "https://www.w3.org/ns/credentials/status-list#"
# Words that the specifications have URLs for (VC Data Model 2.0, 7.1; Bitstring Status List 1.0, 3.5).
_SPECIFIED = {
    **{name: _DATA_MODEL + name for name in ("CRYPTOGRAPHIC_SECURITY_ERROR", "MALFORMED_VALUE_ERROR", "RANGE_ERROR")},
    "invalid-signature": _DATA_MODEL + "CRYPTOGRAPHIC_SECURITY_ERROR",
    **{
        name: _STATUS_LIST + name
        for name in ("STATUS_RETRIEVAL_ERROR", "STATUS_VERIFICATION_ERROR", "STATUS_LIST_LENGTH_ERROR")
    },
}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a check did not simply pass: a stable word, one the specifications define where they do, and a sentence."""

    code: str
    detail: str

    @property
    def type(self) -> str:
        """The problem type: a specification's URL, or the code, which is relative to this service's problems."""
        return _SPECIFIED.get(self.code, self.code)

    @property
    def title(self) -> str:
        """The code for people to read."""
        return self.code.replace("_", " ").replace("-", " ").capitalize()


@dataclass(frozen=True, slots=True)
class Check:
    """One test of a credential."""

    check: CheckName
    outcome: Outcome
    detail: str
    reason: Reason | None = None


def passed(check: CheckName, detail: str) -> Check:
    """Nothing is wrong."""
    return Check(check, "pass", detail)


def warned(check: CheckName, code: str, detail: str) -> Check:
    """Good, but the reader should know something."""
    return Check(check, "warn", detail, Reason(code, detail))


def failed(check: CheckName, code: str, detail: str) -> Check:
    """Surely wrong."""
    return Check(check, "fail", detail, Reason(code, detail))


def undecided(check: CheckName, code: str, detail: str) -> Check:
    """Cannot be told now, or not by us."""
    return Check(check, "unknown", detail, Reason(code, detail))
