"""Errors as RFC 9457 problem details. Each kind is a class with its status and its stable type.

    class AlreadyRevoked(Conflict, type="already-revoked"):
        ...

The edge (`api/`) raises them; rules raise exceptions of their own, which the edge turns into problems. docs/problems.md
lists every type, and a test says so.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar

MEDIA_TYPE = "application/problem+json"
MAX_ECHO = 200


@dataclass(frozen=True, slots=True)
class FieldError:
    """One bad field: a JSON pointer into the body (`#/recipient/email`) or the name of a parameter, and why."""

    code: str
    detail: str
    pointer: str | None = None
    parameter: str | None = None

    def as_json(self) -> dict[str, str]:
        """The member of `errors` in the problem document."""
        where = {"pointer": self.pointer, "parameter": self.parameter}
        found = {name: value for name, value in where.items() if value is not None}
        return {**found, "code": self.code, "detail": shorten(self.detail)}


class Problem(Exception):
    """An answer other than success. Subclass with `status` and `type`; both are inherited where not given.

    `detail` is for the person who asked, never an exception's text; `code` narrows the class's type; `headers` go with
    the answer.
    """

    STATUS: ClassVar[int] = 500
    TYPE: ClassVar[str] = "internal-error"

    def __init_subclass__(cls, *, status: int | None = None, type: str | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.STATUS = status or cls.STATUS
        cls.TYPE = type or cls.TYPE

    def __init__(
        self,
        detail: str = "",
        *,
        code: str | None = None,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail or self.TYPE)
        self.detail = detail
        self.code = code or self.TYPE
        self.errors = tuple(errors)
        self.headers = dict(headers or {})

    def as_json(self, public_url: str, instance: str | None, trace_id: str | None) -> dict[str, Any]:
        """The RFC 9457 document. `instance` is None when the request could not be read so far."""
        document: dict[str, Any] = {
            "type": f"{public_url}/problems/{self.code}",
            "title": self.code.replace("-", " ").capitalize(),
            "status": self.STATUS,
            "code": self.code,
        }
        if instance is not None:
            document["instance"] = shorten(instance)
        if self.detail:
            document["detail"] = shorten(self.detail)
        if trace_id:
            document["trace_id"] = trace_id
        if self.errors:
            document["errors"] = [error.as_json() for error in self.errors]
        return document


class BadRequest(Problem, status=400, type="bad-request"):
    """The request cannot be understood."""


class InvalidJson(BadRequest, type="invalid-json"):
    """The body is not JSON (RFC 8259); the detail names line and column."""


class InvalidCursor(BadRequest, type="invalid-cursor"):
    """The cursor is forged, cut, or of another list or institution."""


class Unauthorized(Problem, status=401, type="invalid-token"):
    """No access token, or one that is malformed, expired, foreign or not meant for us."""

    def __init__(self, detail: str = "", *, error: str | None = "invalid_token") -> None:
        challenge = f'Bearer realm="laurel", error="{error}"' if error else 'Bearer realm="laurel"'
        super().__init__(detail, headers={"WWW-Authenticate": challenge})


class Forbidden(Problem, status=403, type="forbidden"):
    """The caller is known and may not do this."""


class InsufficientScope(Forbidden, type="insufficient-scope"):
    """The access token lacks a scope; of several that are named, one would do."""

    def __init__(self, *scopes: str) -> None:
        challenge = f'Bearer realm="laurel", error="insufficient_scope", scope="{" ".join(scopes)}"'
        detail = f"the access token lacks the scope {' or '.join(scopes)}"
        super().__init__(detail, headers={"WWW-Authenticate": challenge})


class NotFound(Problem, status=404, type="not-found"):
    """There is no such thing, or it belongs to another institution: the two cannot be told apart."""


class MethodNotAllowed(Problem, status=405, type="method-not-allowed"):
    """The resource exists and has no such method; `Allow` lists those it has."""


class NotAcceptable(Problem, status=406, type="not-acceptable"):
    """None of the media types in `Accept` can be given."""


class RequestTimeout(Problem, status=408, type="request-timeout"):
    """The body did not arrive in time."""


class Conflict(Problem, status=409, type="conflict"):
    """The request contradicts the state of things."""


class WrongState(Conflict, type="wrong-state"):
    """The thing exists, but not in a state that allows the verb."""


class RequestInProgress(Conflict, type="request-in-progress"):
    """The first request with the same Idempotency-Key is still running."""


class PreconditionFailed(Problem, status=412, type="stale"):
    """`If-Match` names a version that is not the current one: read again, then try again."""


class BodyTooLarge(Problem, status=413, type="body-too-large"):
    """The body is larger than the limit."""


class UnsupportedMediaType(Problem, status=415, type="unsupported-media-type"):
    """The content type, or its charset, is not one that this route reads."""


class InvalidInput(Problem, status=422, type="invalid-input"):
    """The request can be read, but some fields are wrong: see `errors`.

    The problem's type is the fields' own code where they all have the same one; its detail, where none is given, that
    of a single field or how many there are.
    """

    def __init__(self, detail: str = "", *, code: str | None = None, errors: Sequence[FieldError] = ()) -> None:
        codes = {error.code for error in errors}
        if not detail and errors:
            detail = errors[0].detail if len(errors) == 1 else f"{len(errors)} fields are wrong"
        super().__init__(detail, code=code or (codes.pop() if len(codes) == 1 else None), errors=errors)


class PreconditionRequired(Problem, status=428, type="precondition-required"):
    """Updates need `If-Match` with the `ETag` of the version they change."""


class TooManyRequests(Problem, status=429, type="too-many-requests"):
    """The caller's rate limit is used up; `Retry-After` says when to go on."""


class InternalError(Problem, status=500, type="internal-error"):
    """A fault of ours, logged under `trace_id`."""


class ServiceUnavailable(Problem, status=503, type="unavailable"):
    """Something the service needs is away. Try again after `Retry-After` seconds, with the same Idempotency-Key."""


_BY_STATUS: dict[int, type[Problem]] = {404: NotFound, 405: MethodNotAllowed, 406: NotAcceptable, 413: BodyTooLarge}


def from_status(status: int, detail: str) -> Problem:
    """The problem for a bare status of the framework."""
    if kind := _BY_STATUS.get(status):
        return kind("" if detail == HTTPStatus(status).phrase else detail)
    return InternalError() if status >= HTTPStatus.INTERNAL_SERVER_ERROR else BadRequest(detail)


def every_problem(root: type[Problem] = Problem) -> Iterator[type[Problem]]:
    """All problem classes defined so far, for the documentation's test."""
    for child in root.__subclasses__():
        yield child
        yield from every_problem(child)


def shorten(text: str) -> str:
    """`text`, cut where it would echo more input than is wise."""
    return text if len(text) <= MAX_ECHO else text[: MAX_ECHO - 1] + "…"
