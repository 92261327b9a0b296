"""Every attempt to deliver anything, searched."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel

from services.notifier.api.context import Here, Reader
from services.notifier.api.messages import AttemptAnswer
from services.notifier.store import attempts
from services.notifier.store.attempts import Found, Outcome, Search
from shared.http.app import router
from shared.http.body import Id, Moment, timestamp
from shared.http.paging import Asked

routes = router("attempts", "/v1/attempts")
MESSAGE_ID = "^msg_[a-z2-7]+$"


class FoundAttempt(AttemptAnswer):
    """One POST, and of which message."""

    message_id: str


class FoundAttempts(BaseModel):
    """One page."""

    items: list[FoundAttempt]
    next: str | None


def _shown(attempt: Found) -> dict[str, Any]:
    return {
        "message_id": attempt.message_id,
        "endpoint_id": str(attempt.endpoint_id),
        "number": attempt.n,
        "trigger": attempt.trigger,
        "at": timestamp(attempt.at),
        "duration_ms": attempt.duration_ms,
        "status": attempt.status,
        "error": attempt.error,
        "answer": attempt.answer,
    }


@routes.get("", response_model=FoundAttempts)
async def search(
    who: Reader,
    here: Here,
    asked: Asked,
    endpoint: Annotated[Id | None, Query(description="Only those to this endpoint.")] = None,
    message: Annotated[str | None, Query(max_length=64, pattern=MESSAGE_ID, description="Only this message's.")] = None,
    status: Annotated[int | None, Query(ge=100, le=999, description="Only those that were answered so.")] = None,
    error: Annotated[
        str | None, Query(max_length=40, pattern="^[a-z-]+$", description="Only those without answer.")
    ] = None,
    outcome: Annotated[Outcome | None, Query(description="Only those that were received, or were not.")] = None,
    since: Annotated[Moment | None, Query(description="Only those made since then.")] = None,
    until: Annotated[Moment | None, Query(description="Only those made before then.")] = None,
) -> Any:
    """The institution's attempts, newest first."""
    after = asked.after(lambda at, delivery, n: (datetime.fromisoformat(at), int(delivery), int(n)))
    wanted = Search(endpoint, message, status, error, outcome, since, until)
    async with here.db.tenant(who.institution) as tx:
        rows = await attempts.search(tx, wanted, after, asked.rows)
    return asked.page(
        rows,
        place=lambda row: [row.at.isoformat(), str(row.delivery_id), str(row.n)],
        item=_shown,
    )
