"""A learner's right to be forgotten."""

from typing import Any

import structlog
from pydantic import BaseModel

from services.issuer.api.context import CredentialWriter, Here
from services.issuer.commands.erase_learner import erase_learner
from services.issuer.domain.recipient import Recipient
from shared.http.app import router
from shared.http.body import Body, Email

log = structlog.get_logger()

routes = router("learners", "/v1/learners")
_AT_ONCE = 500  # in one transaction: an address of a test may have any number of credentials


class EraseBody(Body):
    """Whose address is to be forgotten."""

    email: Email


class EraseAnswer(BaseModel):
    """From how many credentials the address was erased; none are left."""

    credentials: int


@routes.post("/erase", response_model=EraseAnswer, summary="Erase a learner's address and name everywhere")
async def erase(body: EraseBody, who: CredentialWriter, here: Here) -> Any:
    """Forget whom the institution's credentials to this address were issued to, here and, by `learner.erased`, at every
    other service; claim links that were sent end. The credentials stay. A repetition finds nothing more."""
    learner, total = Recipient.of(email=body.email, did=None), 0
    while True:
        async with here.db.tenant(who.institution) as tx:
            erased = await erase_learner(
                tx, who.institution, learner, _AT_ONCE, sealer=here.recipients, now=here.clock()
            )
        total += erased
        if erased < _AT_ONCE:
            break
    log.info("learner.erased", institution_id=str(who.institution), credentials=total)
    return {"credentials": total}
