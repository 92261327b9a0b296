"""What the routes work with, put together by main and found on the app."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Path, Request

from services.notifier.commands.await_messages import Arrivals
from services.notifier.domain.content import Addresses
from shared.credentials.sealing import Sealer
from shared.http.addresses import AddressPolicy
from shared.http.auth import Principal, require
from shared.http.body import Id
from shared.http.outbound import OutboundClient
from shared.http.streams import Places
from shared.postgres.database import Database


@dataclass(frozen=True, slots=True)
class Context:
    """One a process. `platforms` sends to what `policy` permits, for `timeout` seconds; `wake` tells the dispatcher
    that there is something to send; endpoints that `must_verify` get nothing before they answered a challenge, and a
    tenant has `endpoints_each` at most. Pullers wait at `arrivals`, each in one of `places`."""

    db: Database
    sealer: Sealer
    policy: AddressPolicy
    platforms: OutboundClient
    timeout: float
    addresses: Addresses
    must_verify: bool
    endpoints_each: int
    wake: Callable[[], None]
    clock: Callable[[], datetime]
    arrivals: Arrivals
    places: Places


async def _context(request: Request) -> Context:
    context: Context = request.app.state.context
    return context


Here = Annotated[Context, Depends(_context)]
Reader = Annotated[Principal, Depends(require("endpoints:read"))]
Writer = Annotated[Principal, Depends(require("endpoints:write"))]
EndpointId = Annotated[Id, Path(description="The endpoint.")]
MessageId = Annotated[str, Path(max_length=64, pattern="^msg_[a-z2-7]+$", description="The message's webhook-id.")]
