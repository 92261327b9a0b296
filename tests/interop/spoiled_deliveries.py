"""What others could make of a delivery: changed, signed by another key, with garbage among its signatures."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import replace

from tests.fixtures.receiver import Delivery

TIMESTAMP, SIGNATURE = "webhook-timestamp", "webhook-signature"


def having(delivery: Delivery, **headers: str | None) -> Delivery:
    """The delivery with another `webhook-id`, `-timestamp` or `-signature`, or without one that is None."""
    given = {**delivery.headers, **{f"webhook-{name}": value for name, value in headers.items()}}
    return replace(delivery, headers={name: value for name, value in given.items() if value is not None})


def entries(delivery: Delivery) -> list[str]:
    """Its signatures, each with its version."""
    return delivery.headers[SIGNATURE].split()


def signed_by(delivery: Delivery, secret: bytes) -> Delivery:
    """The delivery with one signature, a `v1` by that key."""
    signed = f"{delivery.message_id}.{delivery.headers[TIMESTAMP]}.{delivery.body}".encode()
    return having(delivery, signature=f"v1,{_base64(hmac.digest(secret, signed, hashlib.sha256))}")


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _with_entries(change: Callable[[str, str], str]) -> Callable[[Delivery], Delivery]:
    """Each entry as `change` makes it of its version and its signature."""

    def spoil(delivery: Delivery) -> Delivery:
        changed = [change(*entry.split(",")) for entry in entries(delivery)]
        return having(delivery, signature=" ".join(changed))

    return spoil


def _at(text: str | None) -> Callable[[Delivery], Delivery]:
    return lambda delivery: having(delivery, timestamp=text)


SPOILED: dict[str, Callable[[Delivery], Delivery]] = {
    "another body": lambda delivery: replace(delivery, body=delivery.body.replace("revoked", "expired")),
    "the same body written otherwise": lambda delivery: replace(delivery, body=delivery.body.replace(",", ", ")),
    "a longer body": lambda delivery: replace(delivery, body=delivery.body + "\n"),
    "no body": lambda delivery: replace(delivery, body=""),
    "another id": lambda delivery: having(delivery, id=f"msg_{'a' * 26}"),
    "no id": lambda delivery: having(delivery, id=None),
    "an empty id": lambda delivery: having(delivery, id=""),
    "another time": lambda delivery: having(delivery, timestamp=str(int(delivery.headers[TIMESTAMP]) + 1)),
    "no time": _at(None),
    "an empty time": _at(""),
    "a word as time": _at("soon"),
    "no number as time": _at("NaN"),
    "a negative time": _at("-1"),
    "a time in the notation of floats": _at("1e9"),
    "a time beyond 63 bits": _at("9" * 19),
    "a time beyond all floats": _at("9" * 400),
    "a time of too many digits for Python": _at("9" * 5000),
    "no signature": lambda delivery: having(delivery, signature=None),
    "signatures each called the other kind": _with_entries(
        lambda version, text: f"{'v1' if version == 'v1a' else 'v1a'},{text}"
    ),
    "signatures of another version": _with_entries(lambda _, text: f"v2,{text}"),
    "signatures without a version": _with_entries(lambda _, text: text),
    "halves of signatures": _with_entries(lambda version, text: f"{version},{text[: len(text) // 8 * 4]}"),
}

MALFORMED = {
    "a version alone": "v1",
    "the other version alone": "v1a",
    "a comma": ",",
    "nothing behind the comma": "v1,",
    "nothing behind the other comma": "v1a,",
    "a second comma": "v1,v1a,AAAA",
    "no base64": "v1,!!!",
    "no base64 for the key": "v1a,!!!",
    "half a digit of base64": "v1a,A",
    "too short": "v1,AAAA",
    "too short for the key": "v1a,AAAA",
    "too long for the key": f"v1a,{_base64(bytes(65))}",
    "zeros": f"v1,{_base64(bytes(32))}",
    "zeros for the key": f"v1a,{_base64(bytes(64))}",
    "ones for the key": f"v1a,{_base64(bytes([255]) * 64)}",
    "a version of the future": "v2,AAAA",
    "no ASCII": "v1,ü",
    "no ASCII for the key": "v1a,ü",
}
