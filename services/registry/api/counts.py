"""Counts as answers show them."""

from pydantic import BaseModel

from services.registry.domain.counts import Counts


class CountsAnswer(BaseModel):
    """Credentials by status; `verified` is the number of verifications."""

    issued: int
    active: int
    revoked: int
    suspended: int
    verified: int

    @classmethod
    def of(cls, counts: Counts | None) -> "CountsAnswer":
        """From the store's record; None is all zero."""
        counts = counts or Counts()
        return cls(
            issued=counts.issued,
            active=counts.active,
            revoked=counts.revoked,
            suspended=counts.suspended,
            verified=counts.verified,
        )
