"""The base of every request body, and the types its fields are made of.

Numbers and booleans are not converted from text or from each other, unknown fields are refused, and U+0000 cannot occur
(the JSON reader refuses it before). Ids and timestamps are read from text as usual.
"""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, cast
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, GetCoreSchemaHandler, WithJsonSchema
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

_STRICT = {"int", "float", "bool", "str"}
_SLUG = r"^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$"
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ATOM = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_EMAIL = rf"^{_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+[A-Za-z]{{2,}}$"
_HTTP_URL = r"^https?://[^\s/?#@\\]+(?:[/?#][^\s\\]*)?$"
_TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})")


def _integral(value: Any) -> Any:
    """3.0 is an integer in JSON (JSON Schema, 4.2.3)."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _make_strict(node: Any) -> None:
    if isinstance(node, dict):
        for name, child in node.items():
            if name != "metadata":
                _make_strict(child)
        kind = node.get("type")  # a dict where a field has that name
        if isinstance(kind, str) and kind in _STRICT:
            node["strict"] = True
        if kind == "int":
            inner = dict(node)
            node.clear()
            node.update(core_schema.no_info_before_validator_function(_integral, cast(CoreSchema, inner)))
    elif isinstance(node, list | tuple):
        for child in node:
            _make_strict(child)


class Body(BaseModel):
    """A JSON object sent by a client."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_max_length=65536)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Make numbers, booleans and text strict, and leave ids and timestamps readable from text."""
        schema = handler(source)
        _make_strict(schema)
        return schema


def _timestamp(value: Any) -> Any:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise PydanticCustomError("invalid-type", "should be a string holding an RFC 3339 timestamp")
    if _TIMESTAMP.fullmatch(value) is None:
        raise PydanticCustomError("invalid-date", "should be an RFC 3339 timestamp with a zone, 2030-01-31T00:00:00Z")
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise PydanticCustomError("invalid-date", "is not a date of the calendar") from None


def _email(value: str) -> str:
    if re.fullmatch(_EMAIL, value) is None:
        raise PydanticCustomError("invalid-email", "is not an e-mail address")
    return value


def _http_url(value: str) -> str:
    if re.fullmatch(_HTTP_URL, value) is None:
        raise PydanticCustomError("invalid-url", "should be an absolute http or https URL without userinfo")
    return value


def _slug(value: str) -> str:
    if re.fullmatch(_SLUG, value) is None:
        raise PydanticCustomError("invalid-slug", "should be 1 to 63 lower-case letters, digits and inner hyphens")
    return value


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC with Z: `2030-01-31T00:00:00Z`."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def is_id(text: str) -> bool:
    """Whether it is spelled as we spell ids."""
    return _UUID.fullmatch(text) is not None


def _uuid(text: Any) -> UUID:
    if isinstance(text, UUID):
        return text
    if not isinstance(text, str):
        raise PydanticCustomError("string_type", "must be text")
    if not is_id(text):
        raise PydanticCustomError("invalid_id", "is not an id of ours (a UUID in lower case)")
    return UUID(text)


# One spelling, as we write it: or two addresses would show the same thing.
Id = Annotated[UUID, BeforeValidator(_uuid), WithJsonSchema({"type": "string", "format": "uuid"})]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]
LongText = Annotated[str, Field(min_length=1, max_length=10_000, pattern=r"\S")]
Slug = Annotated[str, Field(max_length=63, json_schema_extra={"pattern": _SLUG}), AfterValidator(_slug)]
Email = Annotated[
    str, Field(max_length=254, json_schema_extra={"pattern": _EMAIL, "format": "email"}), AfterValidator(_email)
]
WebUrl = Annotated[
    str, Field(max_length=2048, json_schema_extra={"pattern": _HTTP_URL, "format": "uri"}), AfterValidator(_http_url)
]
Moment = Annotated[datetime, BeforeValidator(_timestamp)]
