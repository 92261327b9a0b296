"""Versions over HTTP: a strong ETag for each, and updates that name the one they are based on (RFC 9110, 8.8, 13)."""

import re
from typing import Annotated

from fastapi import Header

from shared.http.problems import PreconditionFailed, PreconditionRequired

IfMatch = Annotated[str | None, Header(alias="If-Match", description="The ETag of the version the update is based on.")]
IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match")]
_VERSION = re.compile(r'"(\d{1,18})"')


def etag(version: int | str) -> str:
    """`"7"` for version 7."""
    return f'"{version}"'


def expected_version(if_match: str | None) -> int:
    """The version an update is based on. Raises PreconditionRequired (428) and PreconditionFailed (412)."""
    if if_match is None:
        raise PreconditionRequired("send If-Match with the ETag of the version you changed")
    match = _VERSION.fullmatch(if_match.strip())
    if match is None:
        raise PreconditionFailed("If-Match names no version of this resource")
    return int(match[1])


def check_version(if_match: str | None, current: int) -> None:
    """Raises PreconditionFailed unless `if_match` names the current version."""
    if expected_version(if_match) != current:
        raise PreconditionFailed("the resource was changed meanwhile; fetch it again")


def not_modified(if_none_match: str | None, current: str) -> bool:
    """Whether a conditional GET may be answered 304 (weak comparison)."""
    if if_none_match is None:
        return False
    given = {part.strip().removeprefix("W/") for part in if_none_match.split(",")}
    return "*" in given or current in given
