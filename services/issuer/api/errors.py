"""The domain's refusals as problems: one table."""

from fastapi import FastAPI, Request, Response

from services.issuer.domain import errors
from shared.http import problems
from shared.http.problems import FieldError, InvalidInput, Problem

_KINDS: dict[type[errors.Refused], type[Problem]] = {
    errors.Unknown: problems.NotFound,
    errors.WrongState: problems.WrongState,
    errors.SlugTaken: problems.Conflict,
    errors.TooManySecrets: problems.Conflict,
    errors.InstitutionIsSuspended: problems.Forbidden,
    errors.Stale: problems.PreconditionFailed,
}


def install(app: FastAPI) -> None:
    """Let every route raise the domain's own exceptions."""
    app.add_exception_handler(errors.Refused, _refuse)


def problem_for(refused: errors.Refused) -> Problem:
    """What the client is told."""
    if isinstance(refused, errors.Invalid):
        fields = [FieldError(fault.code, fault.detail, pointer=fault.pointer) for fault in refused.faults]
        return InvalidInput(errors=fields)
    return _KINDS[type(refused)](refused.detail, code=refused.code)


async def _refuse(_request: Request, error: Exception) -> Response:
    assert isinstance(error, errors.Refused)
    raise problem_for(error) from error
