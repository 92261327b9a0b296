"""What outsiders are told on `<consumer>.dead-letter` when an event was set aside. No event: no service reads it."""

from typing import ClassVar
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict, Field


class ParkedNotice(BaseModel):
    """A consumer could not handle an event, and waits for a person. Says which one, never what is in it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    TYPE: ClassVar[str] = "org.laurel.event.parked.v1"

    topic: str
    partition: int = Field(ge=0)
    offset: int = Field(ge=0)
    event_id: UUID | None = Field(default=None, description="Absent where the event's headers cannot be read.")
    type: str | None = Field(default=None, description="The event's type; absent where it cannot be read.")
    reason: str = Field(description="A stable word, as GET /v1/parked-events has it.")

    def to_value(self) -> bytes:
        """The JSON bytes put on the bus."""
        return orjson.dumps(self.model_dump(mode="json", exclude_none=True))
