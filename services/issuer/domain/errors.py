"""What the issuer's rules refuse. The HTTP edge turns each kind into one problem (api/errors.py)."""

from collections.abc import Sequence
from dataclasses import dataclass


class Refused(Exception):
    """A request that a rule forbids. `code` is a stable word; `str()` is for the person who asked."""

    code = "refused"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class Unknown(Refused):
    """There is no such thing, or it belongs to another institution: the two cannot be told apart."""

    code = "not-found"


class WrongState(Refused):
    """The thing exists, but not in a state that allows the verb."""

    code = "wrong-state"


class SlugTaken(Refused):
    """Another institution has the slug already."""

    code = "slug-taken"


class TooManySecrets(Refused):
    """A client has as many live secrets as it may; one must be revoked first."""

    code = "too-many-secrets"


class InstitutionIsSuspended(Refused):
    """The operator stopped the institution: it may read and revoke, not issue or publish."""

    code = "institution-suspended"


class Stale(Refused):
    """The thing changed since the version that the request names."""

    code = "stale"


@dataclass(frozen=True, slots=True)
class Fault:
    """One bad field: a JSON pointer into the request's body, a stable code, and a sentence."""

    pointer: str
    code: str
    detail: str


class Invalid(Refused):
    """Fields that break a rule which only the domain knows, all of them at once."""

    code = "invalid"

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(f"{fault.pointer}: {fault.detail}" for fault in faults))
        self.faults = tuple(faults)
