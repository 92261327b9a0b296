"""Which addresses this product may talk to: not its own network, whatever a URL, a name or a redirect says.

`ipaddress.is_global` is not enough: it calls several tunnelled and reserved ranges global. Of IPv6 only 2000::/3 has
been handed out (IANA), so all else is refused.
"""

import ipaddress
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from urllib.parse import SplitResult, urlsplit

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

_REFUSED_TEXT = """
0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.88.99.0/24
192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4
::/3 2001::/32 2001:db8::/32 2002::/16 3fff::/20 4000::/2 8000::/1
"""
_REFUSED: tuple[Network, ...] = tuple(ipaddress.ip_network(text) for text in _REFUSED_TEXT.split())
_PORTS = frozenset({443, 8443})
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")  # no name ends so (URL Standard, "ends in a number")


class UrlRefused(Exception):
    """A URL this product does not send to. `code` is `invalid-url` or `forbidden-address`."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


@dataclass(frozen=True)
class AddressPolicy:
    """What the operator allows beyond public addresses: networks, to which also http and any port are open."""

    allowed: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, networks: str) -> "AddressPolicy":
        """From a list of CIDRs separated by commas or spaces. Raises ValueError."""
        return cls(tuple(ipaddress.ip_network(text) for text in networks.replace(",", " ").split()))

    def permits(self, address: str) -> bool:
        """Whether a connection to this literal address may be made."""
        return self._explicitly(_unwrap(address)) or not _is_refused(_unwrap(address))

    def check_connection(self, host: str, port: int, scheme: str) -> None:
        """Refuse the address a name resolved to. Raises UrlRefused. Called for every connection, so no name rebinds."""
        address = _unwrap(host)
        if self._explicitly(address):
            return
        if _is_refused(address):
            raise UrlRefused("forbidden-address", "the address is private, local or reserved")
        if scheme != "https" or port not in _PORTS:
            raise UrlRefused("forbidden-address", "only https on port 443 or 8443 is allowed")

    def check_url(self, url: str) -> SplitResult:
        """Refuse what is wrong on its face: scheme, userinfo, port, literal addresses in any notation.

        A name is judged when it is resolved. Raises UrlRefused.
        """
        parts, port = _split(url)
        # What a resolver would make of it: full-width digits and dots, and the dot of the root at the end.
        host = unicodedata.normalize("NFKC", parts.hostname or "").replace("。", ".").rstrip(".")
        literal = _literal(host)
        if literal is not None:
            self.check_connection(str(literal), port, parts.scheme)
        elif _NUMBER.fullmatch(host.rpartition(".")[2]):
            raise UrlRefused("invalid-url", "has a host that is neither a name nor an address")
        elif host == "localhost" or host.endswith(".localhost"):
            self.check_connection("127.0.0.1", port, parts.scheme)
        elif not self.allowed and (parts.scheme != "https" or port not in _PORTS):
            raise UrlRefused("invalid-url", "only https on port 443 or 8443 is allowed")
        return parts

    def _explicitly(self, address: Address) -> bool:
        return any(address.version == network.version and address in network for network in self.allowed)


def _split(url: str) -> tuple[SplitResult, int]:
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
    except ValueError:
        raise UrlRefused("invalid-url", "is not a URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UrlRefused("invalid-url", "is not an http or https URL")
    if parts.username is not None or parts.password is not None:
        raise UrlRefused("invalid-url", "must not carry a user name or password")
    if "%" in parts.hostname and ":" not in parts.hostname:
        raise UrlRefused("invalid-url", "has a host that is written in escapes")
    if any(character <= " " or character in "\\\x7f" for character in url):
        raise UrlRefused("invalid-url", "holds a character that no URL has")
    return parts, port


def _literal(host: str) -> Address | None:
    """The address a host is a notation of: dotted, IPv6, or the short, decimal, octal and hex forms of inet_aton."""
    try:
        return _unwrap(host)
    except ValueError:
        pass
    pieces: Sequence[str] = host.rstrip(".").split(".")
    try:
        numbers = [int(piece, 16 if piece[:2].lower() == "0x" else 8 if piece[:1] == "0" else 10) for piece in pieces]
    except ValueError:
        return None
    if len(numbers) > 4 or any(number < 0 for number in numbers):
        return None
    value = sum(number << (24 - 8 * place) for place, number in enumerate(numbers[:-1])) + numbers[-1]
    return IPv4Address(value) if value < 2**32 else None


def _unwrap(host: str) -> Address:
    address = ipaddress.ip_address(host.partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _is_refused(address: Address) -> bool:
    return any(address.version == network.version and address in network for network in _REFUSED)
