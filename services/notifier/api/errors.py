"""The domain's refusals as problems: one table."""

from fastapi import FastAPI, Request, Response

from services.notifier.domain import errors
from shared.http import problems
from shared.http.problems import FieldError, InvalidInput, Problem

_KINDS: dict[type[errors.Refused], type[Problem]] = {
    errors.Unknown: problems.NotFound,
    errors.WrongState: problems.WrongState,
    errors.Stale: problems.PreconditionFailed,
    errors.TooManySecrets: problems.Conflict,
    errors.TooManyEndpoints: problems.Conflict,
    errors.ChallengedTooOften: problems.TooManyRequests,
    errors.ChallengeFailed: problems.Conflict,
}


def install(app: FastAPI) -> None:
    """Let every route raise the domain's own exceptions."""
    app.add_exception_handler(errors.Refused, _refuse)


def unknown_endpoint(detail: str) -> InvalidInput:
    """For an endpoint that the body names: not found is said of the address alone."""
    return InvalidInput(detail, errors=[FieldError("unknown-endpoint", detail, pointer="#/endpoint")])


async def _refuse(_request: Request, error: Exception) -> Response:
    assert isinstance(error, errors.Refused)
    headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    raise _KINDS[type(error)](error.detail, code=error.code, headers=headers) from error
