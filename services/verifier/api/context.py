"""What the routes work with, put together by main and found on the app."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from services.verifier.commands.verify_credential import Verifier


@dataclass(frozen=True, slots=True)
class Context:
    """One a process. `public_url` is this service's own, where its problem types are named."""

    verifier: Verifier
    public_url: str


async def _context(request: Request) -> Context:
    context: Context = request.app.state.context
    return context


Here = Annotated[Context, Depends(_context)]
