"""What the routes work with, put together by main and found on the app."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from services.verifier.commands.challenges import Challenges
from services.verifier.commands.verify_credential import Verifier
from services.verifier.commands.verify_presentation import PresentationVerifier
from services.verifier.commands.verify_sd_jwt_vc import SdJwtVcVerifier


@dataclass(frozen=True, slots=True)
class Context:
    """One a process. `public_url` is this service's own, where its problem types are named."""

    verifier: Verifier
    presentations: PresentationVerifier
    sd_jwt_vcs: SdJwtVcVerifier
    challenges: Challenges
    public_url: str


async def _context(request: Request) -> Context:
    context: Context = request.app.state.context
    return context


Here = Annotated[Context, Depends(_context)]
