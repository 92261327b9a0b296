"""Client secrets: `lrs_`, 43 random base62 characters (256 bits), 6 of checksum: scanners can find leaked ones."""

import hashlib
import hmac
import secrets
import zlib
from collections.abc import Iterable

PREFIX = "lrs_"
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM, _CHECK = 43, 6
_NOBODY = hashlib.sha256(secrets.token_bytes(32)).digest()
MAX_LIVE = 2


def new_secret() -> str:
    """A secret nobody had before. Shown once; what is kept is its `digest`."""
    body = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))
    return PREFIX + body + _checksum(body)


def well_formed(secret: str) -> bool:
    """Whether `secret` can have come from `new_secret`: a typing error is told from a wrong secret offline."""
    body, check = secret[len(PREFIX) : -_CHECK], secret[-_CHECK:]
    return secret.startswith(PREFIX) and len(body) == _RANDOM and hmac.compare_digest(_checksum(body), check)


def digest(secret: str) -> bytes:
    """What is stored. A plain SHA-256: 256 random bits cannot be guessed, so a slow hash would add nothing."""
    return hashlib.sha256(secret.encode()).digest()


def matches(secret: str, digests: Iterable[bytes]) -> bool:
    """Whether `secret` is one of `digests`, in a time that tells neither which nor whether there are any."""
    given = digest(secret)
    known = [*digests][:MAX_LIVE]
    known += [_NOBODY] * (MAX_LIVE - len(known))
    results = [hmac.compare_digest(given, one) for one in known]  # all of them, whichever matches
    return any(results)


def _checksum(body: str) -> str:
    number = zlib.crc32(body.encode())
    digits = ""
    for _ in range(_CHECK):
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
