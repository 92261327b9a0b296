"""A learner's right to be forgotten, as far as letters go."""

from typing import Annotated, Any

from pydantic import BaseModel, Field

from services.notifier.api.mail_context import Mail, Operator
from services.notifier.commands.erase_learner import erase_learner
from services.notifier.domain.mailbox import Mailbox, UnusableAddress
from shared.http.app import router
from shared.http.body import Body
from shared.http.problems import FieldError, InvalidInput

routes = router("learners", "/v1/learners")


class EraseBody(Body):
    """Whose address is to be forgotten."""

    email: Annotated[str, Field(min_length=3, max_length=320)]


class EraseAnswer(BaseModel):
    """Of how many credentials the address was erased."""

    credentials: int


@routes.post("/erase", status_code=200, response_model=EraseAnswer)
async def erase(body: EraseBody, _who: Operator, mail: Mail) -> Any:
    """Erase a learner's address here alone, and what was still to be sent to it. Where the institution erases it at the
    issuer, this follows by itself."""
    try:
        mailbox = Mailbox.of(body.email)
    except UnusableAddress as error:
        raise InvalidInput(errors=[FieldError("invalid-email", str(error), pointer="#/email")]) from None
    async with mail.db.worker() as tx:
        return {"credentials": await erase_learner(tx, mailbox, sealer=mail.sealer, now=mail.clock())}
