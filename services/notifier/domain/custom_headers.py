"""Which headers of its own an endpoint may have."""

import re
from collections.abc import Mapping

MOST = 20
MAX_VALUE = 500
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")  # a token (RFC 9110, 5.6.2)
_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
# What belongs to the connection, to the message, or to us.
_FORBIDDEN = {
    "accept-encoding", "connection", "cookie", "date", "expect", "forwarded", "host", "keep-alive", "te", "trailer",
    "traceparent", "tracestate", "transfer-encoding", "upgrade", "user-agent", "via",
}  # fmt: skip
_FORBIDDEN_PREFIXES = ("ce-", "content-", "proxy-", "sec-", "webhook-", "x-forwarded-")


class ForbiddenHeader(Exception):
    """A header that no endpoint may have; `name` is as it was given."""

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(detail)
        self.name = name


def check_headers(headers: Mapping[str, str]) -> None:
    """Raises ForbiddenHeader for a name that is taken or no token, and for a value that is not plain ASCII."""
    seen = set()
    for name, value in headers.items():
        lower = name.lower()
        if _NAME.fullmatch(name) is None:
            raise ForbiddenHeader(name, "is not a header's name of at most 100 characters")
        if lower in _FORBIDDEN or lower.startswith(_FORBIDDEN_PREFIXES):
            raise ForbiddenHeader(name, "is set by us, or belongs to the connection")
        if lower in seen:
            raise ForbiddenHeader(name, "is there twice")
        if _VALUE.fullmatch(value) is None:
            raise ForbiddenHeader(name, "needs a value of visible ASCII characters, with spaces inside only")
        seen.add(lower)
