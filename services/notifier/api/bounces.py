"""What mail servers report about letters after accepting them: told by whoever runs the mailbox they report to."""

from typing import Annotated, Any

from fastapi import Request
from pydantic import Field

from services.notifier.api.letters import LetterAnswer, shown
from services.notifier.api.mail_context import Mail, MailContext, Operator
from services.notifier.commands.record_bounce import record_bounce
from services.notifier.domain.bounce import NoReport, Report, read_report
from services.notifier.domain.mail import letter_named
from shared.http.app import router
from shared.http.body import Body
from shared.http.problems import InvalidInput, NotFound

REPORT, REPORT_PATH = "message/rfc822", "/v1/bounces/report"
routes = router("bounces", "/v1/bounces")
_RAW = {"requestBody": {"required": True, "content": {REPORT: {"schema": {"type": "string", "format": "binary"}}}}}


class NoDeliveryReport(InvalidInput, type="no-delivery-report"):
    """The message holds no message/delivery-status part with an action and a status (RFC 3464)."""


class BounceBody(Body):
    """A report in short: the letter's Message-ID and an enhanced status code (RFC 3463)."""

    message_id: Annotated[str, Field(min_length=1, max_length=1000)]
    status: Annotated[str, Field(max_length=11, pattern=r"^[245]\.\d{1,3}\.\d{1,3}$")]


@routes.post("", status_code=200, response_model=LetterAnswer)
async def report(body: BounceBody, _who: Operator, mail: Mail) -> Any:
    """Note that a letter bounced (4.x.x or 5.x.x), or that it arrived (2.x.x), which changes nothing."""
    return await _record(Report(letter_named(body.message_id), body.status, body.status[0] != "2"), mail)


@routes.post("/report", status_code=200, response_model=LetterAnswer, openapi_extra=_RAW)
async def notification(request: Request, _who: Operator, mail: Mail) -> Any:
    """The same from a delivery status notification (RFC 3464), whole as it arrived. A delay changes nothing."""
    try:
        found = read_report(await request.body())
    except NoReport as error:
        raise NoDeliveryReport(str(error)) from None
    return await _record(found, mail)


async def _record(found: Report, mail: MailContext) -> dict[str, Any]:
    """Told twice, a report is one bounce."""
    async with mail.db.worker() as tx:
        letter = found.letter_id and await record_bounce(
            tx, found.letter_id, found.status, failed=found.failed, now=mail.clock()
        )
    if not letter:
        raise NotFound("there is no such letter")
    return shown(letter)
