"""The OpenAPI document says what the service really takes and answers, problems included."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from shared.http.idempotency import KEY_PATTERN, MAX_KEY
from shared.http.problems import MEDIA_TYPE
from shared.http.strict_json import MAX_INTEGER

_TEXT = {"type": "string"}
_NAMED = {"code": _TEXT, "detail": _TEXT}
_PROBLEM = {
    "type": "object",
    "description": "Problem details (RFC 9457).",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT,
        "instance": _TEXT,
        "code": _TEXT,
        "trace_id": _TEXT,
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["code", "detail"],
                "properties": {"pointer": _TEXT, "parameter": _TEXT, **_NAMED},
            },
        },
    },
}
_ALWAYS = {
    400: "Unreadable",
    404: "Not found",
    406: "Not acceptable",
    422: "Invalid input",
    429: "Too many requests",
    503: "Database away",
}
_SECURED = {401: "No or bad token", 403: "Not allowed"}
_WRITING = {
    408: "Body too slow",
    409: "Conflict",
    412: "Stale If-Match",
    413: "Body too large",
    415: "Unsupported media type",
    428: "If-Match needed",
}
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The client's name for this request: repeated within a day, it is answered again without effect.",
    "schema": {"type": "string", "maxLength": MAX_KEY, "pattern": KEY_PATTERN},
}
_NO_NUL = "^[^\\u0000]*$"


def describe(app: FastAPI) -> None:
    """Give `app` an OpenAPI document with its problems added to every operation."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
                tags=app.openapi_tags,
            )
            _complete(schema)
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _complete(schema: dict[str, Any]) -> None:
    _tell_limits(schema)
    components = schema.setdefault("components", {}).setdefault("schemas", {})
    components["Problem"] = _PROBLEM
    for unused in ("HTTPValidationError", "ValidationError"):
        components.pop(unused, None)
    for operations in schema.get("paths", {}).values():
        for method, operation in operations.items():
            _add_problems(operation, method)
            if method == "post" and any("bearer" in scheme for scheme in operation.get("security", ())):
                operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)


def _add_problems(operation: dict[str, Any], method: str) -> None:
    responses = operation.setdefault("responses", {})
    if MEDIA_TYPE not in responses.get("422", {}).get("content", {}):
        responses.pop("422", None)
    possible = dict(_ALWAYS)
    if operation.get("security"):
        possible |= _SECURED
    if method in ("post", "put", "patch", "delete"):
        possible |= _WRITING
    for status, text in possible.items():
        answer = responses.setdefault(str(status), {"description": text})
        answer.setdefault("content", {}).setdefault(MEDIA_TYPE, {"schema": {"$ref": "#/components/schemas/Problem"}})


def _tell_limits(node: Any) -> None:
    """Say what the JSON reader refuses whatever the field: U+0000 in text, integers that readers would round."""
    if isinstance(node, dict):
        if node.get("type") == "string" and not {"pattern", "format", "enum", "const"} & node.keys():
            node["pattern"] = _NO_NUL
        if node.get("type") == "integer":
            if not {"maximum", "exclusiveMaximum"} & node.keys():
                node["maximum"] = MAX_INTEGER
            if not {"minimum", "exclusiveMinimum"} & node.keys():
                node["minimum"] = -MAX_INTEGER
        for child in list(node.values()):
            _tell_limits(child)
    elif isinstance(node, list):
        for child in node:
            _tell_limits(child)
