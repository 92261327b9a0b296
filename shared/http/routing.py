"""Routes that read their input strictly: JSON by `strict_json`, no query parameter they do not know, no U+0000.

Only pages for people take parameters they do not know.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request, Response, params
from fastapi.routing import APIRoute

from shared.http.idempotency import key_of
from shared.http.problems import FieldError, InvalidInput, NotFound
from shared.http.strict_json import escape_pointer, parse

_WITH_BODY = {"POST", "PUT", "PATCH", "DELETE"}
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class StrictRequest(Request):
    """A request whose JSON is read by our own rules."""

    async def json(self) -> Any:
        """The body as JSON. Raises BadRequest, InvalidInput."""
        if not hasattr(self, "_strict"):
            self._strict = parse(await self.body())
        return self._strict


class StrictRoute(APIRoute):
    """Reads and judges the input before the framework does.

    A route without a body takes `{}` or nothing, so that no field is ever ignored; one that documents a `requestBody`
    of its own in `openapi_extra` reads the body itself.
    """

    def get_route_handler(self) -> Handler:
        """FastAPI's own handler on a StrictRequest."""
        handle = super().get_route_handler()
        known = {field.alias for field in _query_fields(self.dependant)}
        read = self._reader()

        async def strict(request: Request) -> Response:
            if "\x00" in request.scope["path"]:
                raise NotFound
            self.check_parameters(request, known)
            key_of(request)  # a malformed one is refused even where nothing would be kept under it
            request = StrictRequest(request.scope, request.receive)
            if read is not None:
                await read(request)
            return await handle(request)

        return strict

    def check_parameters(self, request: Request, known: set[str]) -> None:
        """Raises InvalidInput for a query parameter that is not `known`, or holds U+0000."""
        if not request.scope["query_string"]:
            return
        for name, value in request.query_params.multi_items():
            if name not in known:
                detail = f"there is no query parameter {name[:100]!r} here"
                raise _invalid("unknown-parameter", detail, parameter=name[:100])
            if "\x00" in value:
                raise _invalid("invalid-character", "holds U+0000", parameter=name)

    def _reader(self) -> Callable[[StrictRequest], Coroutine[Any, Any, None]] | None:
        if self.body_field is not None:
            if isinstance(self.body_field.field_info, params.Form):
                return None
            return _read_json if self.body_field.field_info.is_required() else _read_optional_json
        if (self.openapi_extra or {}).get("requestBody") or not _WITH_BODY & set(self.methods or ()):
            return None
        return _read_nothing


class PageRoute(StrictRoute):
    """A page for people. Its address reaches them through mail gateways and social networks, which add parameters of
    their own (`utm_source`, `fbclid`): what it does not know is let be, and what it knows is for it to judge."""

    def check_parameters(self, request: Request, known: set[str]) -> None:
        """Refuses none."""


def router(tag: str, prefix: str = "") -> APIRouter:
    """A router whose routes are strict; `tag` groups them in the documentation."""
    return APIRouter(prefix=prefix, tags=[tag], route_class=StrictRoute)


def pages(tag: str, kind: type[PageRoute] = PageRoute) -> APIRouter:
    """A router of pages for people."""
    return APIRouter(tags=[tag], route_class=kind)


async def _read_json(request: StrictRequest) -> None:
    await request.json()


async def _read_optional_json(request: StrictRequest) -> None:
    if await request.body():
        await request.json()


async def _read_nothing(request: StrictRequest) -> None:
    if not await request.body():
        return
    given = await request.json()
    if not isinstance(given, dict):
        raise _invalid("invalid-type", "should be an empty object, or no body at all", pointer="#")
    if given:
        name = next(iter(given))
        raise _invalid("unknown-field", "there are no fields here", pointer=f"#/{escape_pointer(name)}")


def _invalid(code: str, detail: str, *, pointer: str | None = None, parameter: str | None = None) -> InvalidInput:
    return InvalidInput(detail, errors=[FieldError(code, detail, pointer=pointer, parameter=parameter)])


def _query_fields(dependant: Any) -> list[Any]:
    fields = list(dependant.query_params)
    for inner in dependant.dependencies:
        fields += _query_fields(inner)
    return fields
