"""The link in every letter that ends them, and brings them back: one click (RFC 8058), or a page with a button; without
signing in, and by this link alone."""

import base64
import hashlib
from typing import Annotated
from urllib.parse import parse_qs
from uuid import UUID

from fastapi import Path, Request
from fastapi.responses import HTMLResponse

from services.notifier.api.mail_context import Mail, MailContext
from services.notifier.commands.read_standing import Standing, read_standing
from services.notifier.commands.resubscribe import resubscribe
from services.notifier.commands.unsubscribe import unsubscribe
from services.notifier.domain.unsubscribing import credential_of
from services.notifier.domain.wording import Step
from shared.http.app import pages
from shared.http.limits import FORM, MULTIPART
from shared.http.problems import FieldError, InvalidInput, NotFound

PATH = "/unsubscribe/"
routes = pages("unsubscribe")
_RESUME = "resume"
_FIELD, _VALUE = "List-Unsubscribe", "One-Click"
_SCHEMA = {"type": "object", "required": [_FIELD], "properties": {_FIELD: {"type": "string", "enum": [_VALUE]}}}
_FORMS = {"requestBody": {"required": True, "content": {kind: {"schema": _SCHEMA} for kind in (FORM, MULTIPART)}}}
# A form without fields, as the page's button sends it, or nothing at all.
_BUTTON = {"requestBody": {"content": {kind: {"schema": {"type": "object"}} for kind in (FORM, MULTIPART)}}}
Token = Annotated[str, Path(max_length=100, description="The last part of the link in the letter.")]


@routes.get(PATH + "{token}", response_class=HTMLResponse)
async def ask(token: Token, mail: Mail) -> HTMLResponse:
    """The page that asks, or that offers letters again. Opening it, as mail scanners do with every link, changes
    nothing."""
    credential_id = _credential(token, mail)
    async with mail.db.worker_connection() as connection:
        standing = await read_standing(connection, credential_id, sealer=mail.sealer)
    return _ended(mail, standing, token) if standing.unsubscribed else _page(mail, standing, "asking")


@routes.post(PATH + "{token}", response_class=HTMLResponse, openapi_extra=_FORMS)
async def act(token: Token, request: Request, mail: Mail) -> HTMLResponse:
    """No more letters to this learner, but those they ask for."""
    credential_id = _credential(token, mail)
    if await _value(request) != _VALUE:
        detail = f"the form should say {_FIELD}={_VALUE}"
        raise InvalidInput(detail, errors=[FieldError("invalid-value", detail, pointer=f"#/{_FIELD}")])
    async with mail.db.worker() as tx:
        await unsubscribe(tx, credential_id)
        standing = await read_standing(tx, credential_id, sealer=mail.sealer)
    return _ended(mail, standing, token)


@routes.post(PATH + "{token}/" + _RESUME, response_class=HTMLResponse, openapi_extra=_BUTTON)
async def resume(token: Token, mail: Mail) -> HTMLResponse:
    """Letters to this learner again, if it was they who ended them. Where the address was erased, or never was, there
    is nobody to write to."""
    credential_id = _credential(token, mail)
    async with mail.db.worker() as tx:
        standing = await resubscribe(tx, credential_id, sealer=mail.sealer)
    return _page(mail, standing, "resumed" if standing.indexes else "ended")


def _credential(token: str, mail: MailContext) -> UUID:
    found = credential_of(token, mail.sealer)
    if found is None:
        raise NotFound("this is no link of ours")
    return found


async def _value(request: Request) -> str | None:
    """The one field, from either kind of form; None without it, for a mail program always sends it (RFC 8058, 3.2). A
    POST without a body needs no type."""
    if request.headers.get("content-type", "").lower().startswith(MULTIPART):
        async with request.form(max_files=0, max_fields=4) as form:
            found = form.get(_FIELD)
            return found if isinstance(found, str) else None
    text = (await request.body()).decode("utf-8", "replace")
    return next(iter(parse_qs(text).get(_FIELD, [])), None)


def _ended(mail: MailContext, standing: Standing, token: str) -> HTMLResponse:
    """The way back is relative, so that it is right behind whatever path the service is reached by."""
    return _page(mail, standing, "ended", again=f"{token}/{_RESUME}" if standing.unsubscribed else None)


def _page(mail: MailContext, standing: Standing, step: Step, *, again: str | None = None) -> HTMLResponse:
    style = base64.b64encode(hashlib.sha256(mail.wording.page_style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{style}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return HTMLResponse(mail.wording.page(standing.language, step, again=again), headers=headers)
