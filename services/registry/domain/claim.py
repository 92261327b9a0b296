"""How a learner comes to act for a credential: a one-time code from a letter, traded for a token."""

import hashlib
import secrets
from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

CODE_LIFETIME = timedelta(days=30)
TOKEN_LIFETIME = timedelta(days=30)
TOKEN_PREFIX = "lrt_"  # noqa: S105 (by which scanners find leaked ones)
# How often somebody who asks can have a letter sent: the address is a stranger's, for all we know.
PAUSE = timedelta(minutes=5)
LINKS_A_DAY = 5
# Topics keep events for so long: an older one was told again, and its learner has had a letter.
NEWS = timedelta(days=14)
_BYTES = 32

Occasion = Literal["issued", "asked"]


class UnusableCode(Exception):
    """A code that yields no token."""


class UnknownCode(UnusableCode):
    """Nobody was sent it, or so long ago that it was forgotten."""


class UsedCode(UnusableCode):
    """It has yielded its token."""


class ExpiredCode(UnusableCode):
    """It was not used in time."""


@dataclass(frozen=True, slots=True)
class Request:
    """Somebody, or a new credential, wants a link to be sent; the credential may not exist."""

    id: int
    credential_id: UUID
    occasion: Occasion


def new_code() -> str:
    """A code nobody had before: 256 random bits that can stand in an address."""
    return secrets.token_urlsafe(_BYTES)


def new_token() -> str:
    """A learner's token nobody had before."""
    return TOKEN_PREFIX + secrets.token_urlsafe(_BYTES)


def digest(secret: str) -> bytes:
    """What is stored. A plain SHA-256: 256 random bits cannot be guessed, so a slow hash would add nothing."""
    return hashlib.sha256(secret.encode()).digest()


def is_news(at: datetime, now: datetime) -> bool:
    """Whether an event of that time is heard of for the first time, and not told again to rebuild what was lost."""
    return now - at <= NEWS


def occasions_of(requests: Sequence[Request]) -> dict[UUID, Occasion]:
    """Why a link is wanted for each credential: one that is new and asked for at once is new."""
    occasions: dict[UUID, Occasion] = {}
    for request in requests:
        if occasions.get(request.credential_id) != "issued":
            occasions[request.credential_id] = request.occasion
    return occasions


def done(requests: Sequence[Request], known: Set[UUID], held: Set[UUID]) -> list[int]:
    """The requests that need no further look: of those whose credential is `known`, only the ones we `held`."""
    return [request.id for request in requests if request.credential_id in held or request.credential_id not in known]
