"""How a credential stands at a moment, as people ask: does it hold?"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from services.registry.domain.record import Status

StandingName = Literal["active", "pending", "suspended", "expired", "revoked"]


@dataclass(frozen=True, slots=True)
class Standing:
    """`at` is when it began or, for one that is pending, when that ends; None for one that is active."""

    name: StandingName
    at: datetime | None = None


def standing(
    status: Status, changed_at: datetime, valid_from: datetime, valid_until: datetime | None, now: datetime
) -> Standing:
    """What counts most: revoked, else expired, else suspended, else not valid yet."""
    if status == "revoked":
        return Standing("revoked", changed_at)
    if valid_until is not None and valid_until <= now:
        return Standing("expired", valid_until)
    if status == "suspended":
        return Standing("suspended", changed_at)
    return Standing("pending", valid_from) if valid_from > now else Standing("active")
