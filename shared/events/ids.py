"""Identifiers that sort by the time they were made."""

from datetime import UTC, date, datetime
from uuid import UUID

import uuid_utils


def new_id() -> UUID:
    """A UUID of version 7 (RFC 9562, 5.7)."""
    return UUID(int=uuid_utils.uuid7().int)


def day_of(identifier: UUID) -> date:
    """The UTC day a UUIDv7 was made on; for any other version the epoch, which is as stable."""
    if identifier.version != 7:
        return date(1970, 1, 1)
    return datetime.fromtimestamp((identifier.int >> 80) / 1000, UTC).date()
