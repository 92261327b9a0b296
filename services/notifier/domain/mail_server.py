"""Which mail server letters are handed to, as the operator writes it."""

from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

_PORTS = {"smtp": 587, "smtps": 465}
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class MailServer:
    """`tls` from the first byte on, or `starttls` after the greeting; without either, everything is in the clear."""

    host: str
    port: int
    user: str | None
    password: str | None
    tls: bool
    starttls: bool

    @classmethod
    def parse(cls, url: str) -> "MailServer":
        """From `smtp://[user:password@]host[:port][?starttls=never]` or `smtps://…`; smtp insists on STARTTLS.

        Raises ValueError, which never repeats the URL: a password stands in it.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise ValueError("is no URL") from None
        if parts.scheme not in _PORTS or not parts.hostname or parts.path.strip("/") or parts.fragment:
            raise ValueError("should be smtp://[user:password@]host[:port] or smtps://…")
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        starttls = options.pop("starttls", "always")
        if options or starttls not in ("always", "never") or (parts.scheme == "smtps" and parts.query):
            raise ValueError("the only option is starttls=always or starttls=never, of smtp")
        tls = parts.scheme == "smtps"
        user = unquote(parts.username) if parts.username else None
        if starttls == "never" and user is not None and parts.hostname not in _LOOPBACK:
            raise ValueError("a password is not sent in the clear, except to this machine")
        password = unquote(parts.password) if parts.password else None
        return cls(parts.hostname, port or _PORTS[parts.scheme], user, password, tls, not tls and starttls == "always")
