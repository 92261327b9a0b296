"""Secrets at rest: AES-256-GCM under key-encryption keys that come from the settings, never from the database."""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12
_KEY_BYTES = 32


class UnusableKek(Exception):
    """The key-encryption keys are missing or malformed; says how they should look, never what they are."""


class CannotUnseal(Exception):
    """The value was sealed under a key that is not configured, was moved to another row, or was changed."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """An encrypted value and the name of the key that it was encrypted with."""

    ciphertext: bytes
    kek_id: str


class Sealer:
    """Seals with the first key, unseals with any. A sealed value is bound to its table and row (the AAD)."""

    def __init__(self, keks: Sequence[tuple[str, bytes]]) -> None:
        if not keks:
            raise UnusableKek("no key-encryption key is given")
        self._first = keks[0][0]
        self._ciphers = {name: AESGCM(key) for name, key in keks}
        self._index_keys = tuple(hmac.digest(key, b"laurel blind index", hashlib.sha256) for _, key in keks)

    @classmethod
    def from_text(cls, text: str) -> "Sealer":
        """Read `id:base64[,id:base64…]`, each 32 bytes. Raises UnusableKek."""
        keks = [_read_kek(part.strip()) for part in text.split(",") if part.strip()]
        if len({name for name, _ in keks}) != len(keks):
            raise UnusableKek("two key-encryption keys have the same id")
        return cls(keks)

    def seal(self, plain: bytes, table: str, row: object) -> Sealed:
        """Encrypt `plain` for one row of one table, with a fresh nonce."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        ciphertext = self._ciphers[self._first].encrypt(nonce, plain, _bound(table, row, self._first))
        return Sealed(nonce + ciphertext, self._first)

    def unseal(self, sealed: Sealed, table: str, row: object) -> bytes:
        """Decrypt a value of that row. Raises CannotUnseal."""
        cipher = self._ciphers.get(sealed.kek_id)
        if cipher is None:
            raise CannotUnseal(f"the key-encryption key {sealed.kek_id!r} is not configured")
        nonce, ciphertext = sealed.ciphertext[:_NONCE_BYTES], sealed.ciphertext[_NONCE_BYTES:]
        try:
            return cipher.decrypt(nonce, ciphertext, _bound(table, row, sealed.kek_id))
        except (InvalidTag, ValueError):
            raise CannotUnseal(f"a value of {table} does not fit its key and row") from None

    def blind_indexes(self, value: str) -> list[bytes]:
        """Keyed hashes of `value`, by which equal values can be found without storing them.

        The first is the one to store; a search compares with all, so that rows from before a new key are found.
        """
        return [hmac.digest(key, value.encode(), hashlib.sha256) for key in self._index_keys]


def _bound(table: str, row: object, kek_id: str) -> bytes:
    return f"{table}|{row}|{kek_id}".encode()


def _read_kek(part: str) -> tuple[str, bytes]:
    name, separator, encoded = part.partition(":")
    if not separator or not name:
        raise UnusableKek("a key-encryption key is written id:base64")
    try:
        key = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise UnusableKek(f"the key-encryption key {name!r} is not base64") from None
    if len(key) != _KEY_BYTES:
        raise UnusableKek(f"the key-encryption key {name!r} is {len(key)} bytes, not {_KEY_BYTES}")
    return name, key
