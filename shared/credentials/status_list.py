"""Bitstring Status List 1.0: the list, its entries, and positions that tell nothing."""

import base64
import gzip
import hashlib
import zlib
from array import array
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal

from shared.credentials.contexts import CREDENTIALS_V2
from shared.credentials.finding import many, texts
from shared.credentials.jwk import decode_base64url
from shared.credentials.times import timestamp

MIN_ENTRIES = 131_072
MAX_BYTES = 1024 * 1024
_ROUNDS = 8
_GZIP = 31  # zlib's word for the largest window, in gzip's wrapping and no other

Purpose = Literal["revocation", "suspension", "message"]
MAX_ENTRY_BITS = 8


class StatusListError(Exception):
    """A list that cannot be used; `code` is the specification's word where it has one."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class StatusList:
    """Bits, the left-most of the first byte is entry 0. `bits` has at least MIN_ENTRIES / 8 bytes when it is ours."""

    __slots__ = ("_bits",)

    def __init__(self, bits: bytes) -> None:
        self._bits = bytearray(bits)

    @classmethod
    def empty(cls, size: int = MIN_ENTRIES) -> "StatusList":
        """All clear, `size` entries (a multiple of 8)."""
        return cls(bytes(size // 8))

    @property
    def size(self) -> int:
        """How many entries there are."""
        return len(self._bits) * 8

    def get(self, index: int) -> bool:
        """The entry's bit. Raises StatusListError RANGE_ERROR."""
        self._check(index)
        return bool(self._bits[index >> 3] >> (7 - (index & 7)) & 1)

    def set(self, index: int, value: bool) -> None:
        """Set or clear the entry's bit. Raises StatusListError RANGE_ERROR."""
        self._check(index)
        mask = 0x80 >> (index & 7)
        self._bits[index >> 3] = self._bits[index >> 3] | mask if value else self._bits[index >> 3] & ~mask

    def value(self, index: int, bits: int) -> int:
        """The number that an entry of several bits holds, its left-most bit the highest (3.2, step 11).

        Raises StatusListError RANGE_ERROR.
        """
        first = index * bits
        return sum(self.get(first + place) << (bits - 1 - place) for place in range(bits))

    def set_value(self, index: int, bits: int, value: int) -> None:
        """Write an entry of several bits. Raises StatusListError RANGE_ERROR."""
        for place in range(bits):
            self.set(index * bits + place, bool(value >> (bits - 1 - place) & 1))

    def __bytes__(self) -> bytes:
        """The uncompressed bits."""
        return bytes(self._bits)

    def encode(self) -> str:
        """`u` and the base64url of the gzipped bits (3.1, `encodedList`); the same bits give the same text."""
        packed = gzip.compress(bytes(self._bits), compresslevel=6, mtime=0)
        return "u" + base64.urlsafe_b64encode(packed).rstrip(b"=").decode()

    @classmethod
    def decode(cls, encoded: str, max_bytes: int = MAX_BYTES) -> "StatusList":
        """Unpack, never to more than `max_bytes`. Raises StatusListError."""
        if not encoded.startswith("u"):
            raise StatusListError("MALFORMED_VALUE_ERROR", "the list is not multibase base64url")
        try:
            packed = decode_base64url(encoded[1:])
            stream = zlib.decompressobj(_GZIP)
            bits = stream.decompress(packed, max_bytes)
        except (ValueError, zlib.error):
            raise StatusListError("MALFORMED_VALUE_ERROR", "the list is not gzipped base64url") from None
        if stream.unconsumed_tail or (not stream.eof and len(bits) == max_bytes):
            raise StatusListError("status-list-too-large", f"the list is larger than {max_bytes} bytes")
        if not stream.eof:
            raise StatusListError("MALFORMED_VALUE_ERROR", "the list is cut off")
        return cls(bits)

    def _check(self, index: int) -> None:
        if not 0 <= index < self.size:
            raise StatusListError("RANGE_ERROR", f"the list has no entry {index}")


def unpack_list(subject: Mapping[str, Any], max_bytes: int = MAX_BYTES) -> StatusList:
    """The list that a BitstringStatusListCredential's subject is (2.2, 3.2). Raises StatusListError."""
    purposes, ttl = many(subject.get("statusPurpose")), subject.get("ttl", 0)
    if "BitstringStatusList" not in texts(subject.get("type")):
        raise StatusListError("MALFORMED_VALUE_ERROR", "the list's subject is of the type BitstringStatusList")
    if not purposes or not all(isinstance(purpose, str) and purpose for purpose in purposes):
        raise StatusListError("MALFORMED_VALUE_ERROR", "the list has a statusPurpose, a text")
    if isinstance(ttl, bool) or not isinstance(ttl, int) or ttl < 0:
        raise StatusListError("MALFORMED_VALUE_ERROR", "a ttl is a number of milliseconds")
    if not isinstance(subject.get("encodedList"), str):
        raise StatusListError("MALFORMED_VALUE_ERROR", "the list has an encodedList")
    found = StatusList.decode(subject["encodedList"], max_bytes)
    if found.size < MIN_ENTRIES:
        raise StatusListError("STATUS_LIST_LENGTH_ERROR", f"the list has fewer than {MIN_ENTRIES} entries")
    return found


def status_list_entry(status_list: str, index: int, purpose: Purpose) -> dict[str, Any]:
    """The `credentialStatus` of one position (2.1)."""
    return {
        "id": f"{status_list}#{index}",
        "type": "BitstringStatusListEntry",
        "statusPurpose": purpose,
        "statusListIndex": str(index),
        "statusListCredential": status_list,
    }


def message_entry(status_list: str, index: int, messages: Sequence[str]) -> dict[str, Any]:
    """The `credentialStatus` of an entry that tells which of some messages holds (2.1, `statusSize`).

    The first holds to begin with. As many bits as the messages need; values beyond them are said to mean nothing.
    """
    bits = max(1, (len(messages) - 1).bit_length())
    meanings = [*messages, *["(not used)"] * (2**bits - len(messages))]
    return {
        **status_list_entry(status_list, index, "message"),
        "statusSize": bits,
        "statusMessage": [{"status": hex(value), "message": text} for value, text in enumerate(meanings)],
    }


def build_status_list_credential(
    *, list_id: str, issuer: str, purpose: Purpose, status_list: StatusList, valid_from: datetime, valid_until: datetime
) -> dict[str, Any]:
    """The unsigned BitstringStatusListCredential (2.2) of a list at its address `list_id`."""
    return {
        "@context": [CREDENTIALS_V2],
        "id": list_id,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": issuer,
        "validFrom": timestamp(valid_from),
        "validUntil": timestamp(valid_until),
        "credentialSubject": {
            "id": f"{list_id}#list",
            "type": "BitstringStatusList",
            "statusPurpose": purpose,
            "encodedList": status_list.encode(),
        },
    }


def position(seed: bytes, counter: int, size: int) -> int:
    """Where the `counter`-th credential of a list stands: a permutation of 0 to `size` - 1 keyed by `seed`.

    A Feistel network over the next even number of bits; values outside the list are walked on until they fall inside.
    Without the seed, positions look random; each counter has one of its own. Raises ValueError outside the list.
    """
    if not 0 <= counter < size:
        raise ValueError(f"a list of {size} has no counter {counter}")
    half = ((size - 1).bit_length() + 1) // 2
    value = counter
    while True:
        value = _permute(seed, value, half)
        if value < size:
            return value


def _permute(seed: bytes, value: int, half: int) -> int:
    left, right = value >> half, value & ((1 << half) - 1)
    for values in _rounds(seed, half):
        left, right = right, left ^ values[right]
    return left << half | right


@lru_cache(maxsize=512)
def _rounds(seed: bytes, half: int) -> tuple[Sequence[int], ...]:
    """What each round does to each of the few values half a position can have: worked out once for a list."""
    mask = (1 << half) - 1
    return tuple(array("L", (_mix(seed, turn, right) & mask for right in range(mask + 1))) for turn in range(_ROUNDS))


def _mix(seed: bytes, turn: int, right: int) -> int:
    return int.from_bytes(hashlib.blake2b(bytes([turn]) + right.to_bytes(8), key=seed[:64], digest_size=8).digest())
