"""What the routes work with, put together by main and found on the app."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request

from services.registry.domain.addresses import Addresses
from services.registry.domain.claim_page import ClaimPage
from services.registry.domain.credential_page import CredentialPage
from services.registry.domain.wording import Wording
from shared.http.auth import Principal, operator
from shared.postgres.database import Database


@dataclass(frozen=True, slots=True)
class Context:
    """One a process."""

    db: Database
    addresses: Addresses
    clock: Callable[[], datetime]
    wording: Wording
    page: ClaimPage
    credential_page: CredentialPage


async def _context(request: Request) -> Context:
    context: Context = request.app.state.context
    return context


Here = Annotated[Context, Depends(_context)]
Operator = Annotated[Principal, Depends(operator())]
