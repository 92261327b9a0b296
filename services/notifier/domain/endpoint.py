"""An endpoint: where a platform listens, what it wants to hear, and how."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from services.notifier.domain.errors import TooManySecrets
from services.notifier.domain.signature import Kind

EndpointState = Literal["unverified", "active", "paused", "disabled"]
PayloadKind = Literal["thin", "full"]
Format = Literal["standard", "cloudevents-structured", "cloudevents-binary"]
EVERYTHING = "*"
MAX_OLD_SECRETS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """`version` is the ETag's; `fail_streak` counts failed attempts since the last success; `concurrency` is how many
    requests it may get at once; None for `achievements`, `institutions`, `filter` and `rate_per_second` is no limit."""

    id: UUID
    institution_id: UUID
    url: str
    events: Sequence[str]
    created_at: datetime
    description: str | None = None
    payload: PayloadKind = "thin"
    format: Format = "standard"
    signatures: Sequence[Kind] = ("v1",)
    public_key: str | None = None
    achievements: Sequence[UUID] | None = None
    institutions: Sequence[UUID] | None = None
    filter: str | None = None
    ordered: bool = False
    rate_per_second: float | None = None
    concurrency: int = 8
    header_names: Sequence[str] = ()
    state: EndpointState = "active"
    disabled_reason: str | None = None
    fail_streak: int = 0
    failing_since: datetime | None = None
    verified_at: datetime | None = None
    version: int = 1


def moved_away(endpoint: Endpoint, *, must_verify: bool) -> Endpoint:
    """An endpoint that has a new address: nobody there has shown yet that they want to hear us."""
    unproven = must_verify and endpoint.state == "active"
    return replace(endpoint, verified_at=None, state="unverified" if unproven else endpoint.state)


@dataclass(frozen=True, slots=True)
class Secret:
    """A live secret of an endpoint, without what it holds. The current one of its kind has no end."""

    n: int
    kind: Kind
    expires_at: datetime | None


def check_rotation(live: Sequence[Secret], grace: timedelta, now: datetime) -> None:
    """Raises TooManySecrets when one more secret may not become an old one; without a grace none is left to be one."""
    if not grace:
        return
    ends = sorted(secret.expires_at for secret in live if secret.kind == "v1" and secret.expires_at is not None)
    if len(ends) >= MAX_OLD_SECRETS:
        raise TooManySecrets(
            f"{len(ends)} old secrets are still valid; the next one ends at {ends[0].isoformat()},"
            " and a rotation without a grace ends them all",
            retry_after=math.ceil((ends[0] - now).total_seconds()),
        )
