"""Letters to an institution's learners, and to itself or a platform: what became of each, never whom it went to.

Letters about endpoints are for whoever may see or change endpoints, as a platform may; letters about credentials are
for whoever may see or issue credentials.
"""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query, Request, Response
from pydantic import BaseModel

from services.notifier.api.mail_context import READ_ALL, SEND_ALL, LetterId, Mail, Reader, Writer
from services.notifier.commands.resend_letter import LinkExpired, resend_letter
from services.notifier.domain.letter import KINDS, LetterState
from services.notifier.store import letters
from services.notifier.store.letters import Filters, Letter
from shared.http.app import router
from shared.http.auth import Principal
from shared.http.body import Id, timestamp
from shared.http.idempotency import Result, once
from shared.http.paging import Asked
from shared.http.problems import Conflict, InsufficientScope, NotFound
from shared.postgres.database import Transaction

routes = router("letters", "/v1/letters")
KindName = Literal[KINDS]  # type: ignore[valid-type]
_ATTEMPTS_SHOWN = 50


class ClaimLinkExpired(Conflict, type="claim-link-expired"):
    """The letter's claim link leads nowhere any more. The learner can ask the registry for a new one."""


class LetterAnswer(BaseModel):
    """A letter. `reason` says why it was not sent, or not delivered; `next_at` when it is tried next."""

    id: UUID
    kind: KindName
    credential_id: UUID | None
    endpoint_id: UUID | None
    language: str | None
    state: LetterState
    reason: str | None
    attempts: int
    edition: int
    next_at: str | None
    created_at: str
    settled_at: str | None


class TryAnswer(BaseModel):
    """One try. `code` and `status` are the mail server's (RFC 5321, RFC 3463), `error` says why there were none."""

    number: int
    at: str
    duration_ms: int
    code: int | None
    status: str | None
    error: str | None


class WholeLetterAnswer(LetterAnswer):
    """A letter with its last fifty tries."""

    tries: list[TryAnswer]


class LetterList(BaseModel):
    """One page."""

    items: list[LetterAnswer]
    next: str | None


async def _found(tx: Transaction, letter_id: UUID, who: Principal, scope: str) -> Letter:
    """The letter. Raises NotFound, and InsufficientScope for one about a credential, which takes `scope`."""
    found = await letters.get(tx, letter_id)
    if found is None:
        raise NotFound("there is no such letter")
    if found.endpoint_id is None and scope not in who.scopes:
        raise InsufficientScope(scope)
    return found


def shown(letter: Letter) -> dict[str, Any]:
    """A letter as institutions and operators see it."""
    waits = letter.state == "pending" and letter.next_at is not None
    return {
        "id": str(letter.id),
        "kind": letter.kind,
        "credential_id": str(letter.credential_id) if letter.credential_id else None,
        "endpoint_id": str(letter.endpoint_id) if letter.endpoint_id else None,
        "language": letter.language,
        "state": letter.state,
        "reason": letter.reason,
        "attempts": letter.attempt,
        "edition": letter.edition,
        "next_at": _moment(letter.next_at) if waits else None,
        "created_at": timestamp(letter.created_at),
        "settled_at": _moment(letter.settled_at),
    }


def _moment(moment: datetime | None) -> str | None:
    return timestamp(moment) if moment else None


@routes.get("", response_model=LetterList)
async def listing(
    who: Reader,
    mail: Mail,
    asked: Asked,
    kind: Annotated[KindName | None, Query(description="Only this kind.")] = None,
    state: Annotated[LetterState | None, Query(description="Only those in this state.")] = None,
    credential: Annotated[Id | None, Query(description="Only those about this credential.")] = None,
) -> Any:
    """The letters of an institution or a platform, newest first; those about endpoints alone without the scope
    `credentials:read`."""
    after = asked.after(lambda at, letter: (datetime.fromisoformat(at), UUID(letter)))
    filters = Filters(kind, state, credential, about_endpoints=READ_ALL not in who.scopes)
    async with mail.db.tenant(who.institution) as tx:
        rows = await letters.listing(tx, filters, after, asked.rows)
    return asked.page(rows, place=lambda row: [row.created_at.isoformat(), str(row.id)], item=shown)


@routes.get("/{letter_id}", response_model=WholeLetterAnswer)
async def one(letter_id: LetterId, who: Reader, mail: Mail) -> Any:
    """One letter and how its tries went."""
    async with mail.db.tenant(who.institution) as tx:
        found = await _found(tx, letter_id, who, READ_ALL)
        tries = await letters.attempts(tx, letter_id, _ATTEMPTS_SHOWN)
    listed = [{**each, "number": each["n"], "at": timestamp(each["at"])} for each in tries]
    return {**shown(found), "tries": listed}


@routes.post("/{letter_id}/resend", status_code=202, response_model=LetterAnswer)
async def resend(letter_id: LetterId, request: Request, who: Writer, mail: Mail) -> Response:
    """Send a letter again at once, under a new Message-ID, even to an address that bounced; never to a learner who
    wants no letters."""
    async with mail.db.tenant(who.institution) as tx:

        async def command() -> Result:
            await _found(tx, letter_id, who, SEND_ALL)
            try:
                await resend_letter(tx, letter_id, now=mail.clock())
            except LinkExpired:
                raise ClaimLinkExpired("the claim link in the letter has expired") from None
            return Result(202, shown(await _found(tx, letter_id, who, SEND_ALL)))

        answer = await once(tx, request, who, command)
        tx.after_commit(mail.wake)
    return answer
