"""What the VC-API (W3C VCALM 1.0) asks of every service that speaks it."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Request
from pydantic import BaseModel

from shared.http.problems import BadRequest, FieldError, InvalidInput, Problem
from shared.http.strict_json import escape_pointer

TAG = "vc-api"
_TYPE = "https://www.w3.org/TR/vcalm#UNKNOWN_OPTION_PROVIDED"


class MalformedInput(BadRequest, type="invalid-input"):
    """What is 422 elsewhere: the specification knows 400 alone for input that cannot be used."""


def refusal(problem: Problem, route: Any) -> Problem:
    """The problem as a route answers it: those of the VC-API have no 422."""
    if isinstance(problem, InvalidInput) and TAG in getattr(route, "tags", ()):
        return MalformedInput(problem.detail, code=problem.code, errors=problem.errors)
    return problem


class UnknownOption(BadRequest, type="unknown-option"):
    """An option that this service does not have: to ignore it could mean less than the client asked for."""

    def as_json(self, public_url: str, instance: str | None, trace_id: str | None) -> dict[str, Any]:
        """As of every problem, with the type that the specification gives it."""
        return {**super().as_json(public_url, instance, trace_id), "type": _TYPE}


def known_options(model: type[BaseModel]) -> Callable[[Request], Awaitable[None]]:
    """A dependency that refuses a body whose `options` has members that `model` does not. Raises UnknownOption."""
    names = {field.alias or name for name, field in model.model_fields.items()}

    async def check(request: Request) -> None:
        body = await request.json()
        options = body.get("options") if isinstance(body, dict) else None
        unknown = [name for name in options if name not in names] if isinstance(options, dict) else []
        if unknown:
            errors = [
                FieldError("unknown-field", "there is no such option here", f"#/options/{escape_pointer(name)}")
                for name in unknown[:10]
            ]
            raise UnknownOption(f"there is no option {unknown[0][:100]!r} here", errors=errors)

    return check
