"""What the routes about letters work with, put together by main and found on the app."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Path, Request

from services.notifier.domain.wording import Wording
from shared.credentials.sealing import Sealer
from shared.http.auth import Principal, operator, require_any
from shared.http.body import Id
from shared.postgres.database import Database

# Whoever may see or change endpoints may see letters about them, or send them again; for all letters it takes these.
READ_ALL, SEND_ALL = "credentials:read", "credentials:write"


@dataclass(frozen=True, slots=True)
class MailContext:
    """One a process. `wake` tells the mailer that there is something to send."""

    db: Database
    sealer: Sealer
    wording: Wording
    wake: Callable[[], None]
    clock: Callable[[], datetime]


async def _context(request: Request) -> MailContext:
    context: MailContext = request.app.state.mail
    return context


Mail = Annotated[MailContext, Depends(_context)]
Reader = Annotated[Principal, Depends(require_any(READ_ALL, "endpoints:read"))]
Writer = Annotated[Principal, Depends(require_any(SEND_ALL, "endpoints:write"))]
Operator = Annotated[Principal, Depends(operator())]
LetterId = Annotated[Id, Path(description="The letter.")]
