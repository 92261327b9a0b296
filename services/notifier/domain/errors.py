"""What the notifier's rules refuse. The HTTP edge turns each kind into one problem (api/errors.py)."""


class Refused(Exception):
    """A request that a rule forbids. `code` is a stable word; `str()` is for the person who asked; after `retry_after`
    seconds the same may be allowed."""

    code = "refused"

    def __init__(self, detail: str, *, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after = retry_after


class Unknown(Refused):
    """There is no such thing, or it belongs to another institution: the two cannot be told apart."""

    code = "not-found"


class WrongState(Refused):
    """The thing exists, but not in a state that allows the verb."""

    code = "wrong-state"


class Stale(Refused):
    """The endpoint was changed since the version that the request is based on."""

    code = "stale"


class TooManySecrets(Refused):
    """As many old secrets of an endpoint are still valid as may be; the first to end makes room."""

    code = "too-many-secrets"


class TooManyEndpoints(Refused):
    """The institution, or the platform, has as many endpoints as the operator lets one have."""

    code = "too-many-endpoints"


class ChallengedTooOften(Refused):
    """The endpoint was sent a challenge a moment ago."""

    code = "too-many-requests"


class ChallengeFailed(Refused):
    """The endpoint did not answer its challenge as it should."""

    code = "challenge-failed"
