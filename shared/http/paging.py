"""Lists by cursor: keyset paging with a signed cursor, `Link: rel="next"`, never an offset."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

import orjson
from fastapi import Depends, Query, Request, Response

from shared.http.problems import InvalidCursor

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
_MAC_BYTES = 8
T = TypeVar("T")

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Items a page.")]
CursorText = Annotated[str | None, Query(max_length=1000, description="Where to go on: `next` of the page before.")]


class Cursors:
    """Signs cursors with the service's secret and binds each to one list and one principal, so none can be forged."""

    def __init__(self, secret: str) -> None:
        self._key = hashlib.sha256(b"laurel cursor\n" + secret.encode()).digest()

    def encode(self, place: Sequence[str], scope: str) -> str:
        """The cursor that goes on after `place`, the sort key of a page's last row."""
        payload = orjson.dumps(list(place))
        return _text(self._mac(payload, scope) + payload)

    def decode(self, cursor: str, scope: str) -> list[str]:
        """The place a cursor of the same scope stands for. Raises InvalidCursor."""
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise InvalidCursor("the cursor is not one of ours") from None
        mac, payload = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if cursor != _text(raw) or not hmac.compare_digest(mac, self._mac(payload, scope)):
            raise InvalidCursor("the cursor is not one of ours, or belongs to another list")
        return [str(part) for part in orjson.loads(payload)]

    def _mac(self, payload: bytes, scope: str) -> bytes:
        return hmac.digest(self._key, scope.encode() + b"\n" + payload, "sha256")[:_MAC_BYTES]


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def scope_of(request: Request) -> str:
    """What a cursor is bound to: the list, its filters, and who asks."""
    principal = getattr(request.state, "principal", None)
    filters = sorted((k, v) for k, v in request.query_params.multi_items() if k not in ("cursor", "limit"))
    return orjson.dumps([request.url.path, principal.name if principal else "", filters]).decode()


def place_of(request: Request, cursor: str | None) -> list[str] | None:
    """The place to go on after, or None for the first page. Raises InvalidCursor."""
    cursors: Cursors = request.app.state.cursors
    return None if cursor is None else cursors.decode(cursor, scope_of(request))


def cursor_after(request: Request, place: Sequence[str]) -> str:
    """The cursor with which the same client goes on after `place` in the same list."""
    cursors: Cursors = request.app.state.cursors
    return cursors.encode(place, scope_of(request))


def link_next(request: Request, response: Response, **place: str) -> None:
    """Say in the answer's `Link` where it goes on: at the same address, with these parameters."""
    url = request.url.include_query_params(**place)
    response.headers["Link"] = f'<{request.app.state.public_url}{url.path}?{url.query}>; rel="next"'


def _by_id(row: Any) -> Sequence[str]:
    return [str(row.id)]


class Paging:
    """The page that a client asked for."""

    def __init__(
        self, request: Request, response: Response, limit: Limit = DEFAULT_LIMIT, cursor: CursorText = None
    ) -> None:
        self._request, self._response, self._limit, self._cursor = request, response, limit, cursor

    @property
    def rows(self) -> int:
        """How many to read: one more than is shown, which only tells of a next page."""
        return self._limit + 1

    def after(self, read: Callable[..., T]) -> T | None:
        """The place to go on after, `read` from its text parts, or None for the first page. Raises InvalidCursor."""
        place = place_of(self._request, self._cursor)
        return None if place is None else read(*place)

    def page(
        self,
        rows: Sequence[Any],
        *,
        item: Callable[[Any], Any],
        place: Callable[[Any], Sequence[str]] = _by_id,
    ) -> dict[str, Any]:
        """The answer `{"items", "next"}` from the rows that were read.

        `item` gives a row's JSON, `place` its sort key as text parts.
        """
        shown = rows[: self._limit]
        following = None
        if len(rows) > self._limit:
            following = cursor_after(self._request, place(shown[-1]))
            link_next(self._request, self._response, cursor=following)
        return {"items": [item(row) for row in shown], "next": following}


Asked = Annotated[Paging, Depends()]
