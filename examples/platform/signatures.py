"""Whether a request is what Laurel signed, by the Standard Webhooks specification and nothing else."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

TOLERANCE_SECONDS = 300


class Refused(Exception):
    """The request is not from Laurel, or is an old one played again. `str()` says why."""


def check(secret: str, headers: Mapping[str, str], body: bytes, now: float) -> str:
    """The message's id, once the signature of the bytes as they came is found good. Raises Refused.

    Names of headers are in lower case.
    """
    message, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not message or not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise Refused("there is no webhook-id, or no webhook-timestamp")
    if abs(now - int(timestamp)) > TOLERANCE_SECONDS:
        raise Refused("the message is too old, or from the future")
    signed = b".".join((message.encode(), timestamp.encode(), body))
    wanted = hmac.digest(base64.b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256)
    # Several signatures while a secret is rotated; those of other versions are not for us.
    for entry in headers.get("webhook-signature", "").split():
        version, _, text = entry.partition(",")
        if version == "v1" and hmac.compare_digest(wanted, _decoded(text)):
            return message
    raise Refused("the signature does not match")


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
