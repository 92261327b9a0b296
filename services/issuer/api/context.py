"""What the routes work with, put together by main and found on the app."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Request

from services.issuer.commands.grant_token import TokenGranter
from services.issuer.commands.issue_credential import Issuer
from services.issuer.commands.reserve_positions import PositionPool
from services.issuer.commands.seal_recipient import RecipientSealer
from services.issuer.commands.secure_credential import Securer
from services.issuer.commands.secure_sd_jwt_vc import SdJwtVcSecurer
from services.issuer.commands.sign_status_list import StatusLists
from services.issuer.commands.token_keys import TokenKeys
from services.issuer.domain.addresses import Addresses
from shared.credentials.sealing import Sealer
from shared.http.auth import Authenticated, Principal, operator, operator_or, require
from shared.postgres.database import Database


@dataclass(frozen=True, slots=True)
class Context:
    """One a process."""

    db: Database
    sealer: Sealer
    recipients: RecipientSealer
    addresses: Addresses
    positions: PositionPool
    issuer: Issuer
    securer: Securer
    sd_jwt_vcs: SdJwtVcSecurer
    token_keys: TokenKeys
    tokens: TokenGranter
    status_lists: StatusLists
    clock: Callable[[], datetime]


def utc_now() -> datetime:
    """The time, to the millisecond: what documents, events and rows all can say alike."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


async def _context(request: Request) -> Context:
    context: Context = request.app.state.context
    return context


Here = Annotated[Context, Depends(_context)]
Operator = Annotated[Principal, Depends(operator())]
InstitutionWriter = Annotated[Principal, Depends(require("institution:write"))]
OperatorOrInstitutionWriter = Annotated[Principal, Depends(operator_or("institution:write"))]
AchievementWriter = Annotated[Principal, Depends(require("achievements:write"))]
CredentialWriter = Annotated[Principal, Depends(require("credentials:write"))]
Member = Authenticated
CredentialReader = Annotated[Principal, Depends(require("credentials:read"))]
