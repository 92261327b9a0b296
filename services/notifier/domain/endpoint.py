"""An endpoint: where a platform listens, and what it wants to hear."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

EndpointState = Literal["active", "paused", "disabled"]
EVERYTHING = "*"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`version` is the ETag's; `fail_streak` counts failed attempts since the last success."""

    id: UUID
    institution_id: UUID
    url: str
    description: str | None
    events: list[str]
    state: EndpointState
    disabled_reason: str | None
    fail_streak: int
    failing_since: datetime | None
    version: int
    created_at: datetime
