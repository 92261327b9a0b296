"""What mail servers report about a letter afterwards (delivery status notifications, RFC 3464)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from uuid import UUID

from services.notifier.domain.mail import letter_named

_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_ORIGINALS = ("message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers")
_RETURNED_TO = ("to", "delivered-to", "x-original-to", "envelope-to")


class NoReport(Exception):
    """The message reports no delivery."""


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a letter: `failed` for good, with its enhanced status."""

    letter_id: UUID | None
    status: str
    failed: bool


def read_report(raw: bytes) -> Report:
    """Read a notification as it arrived, headers and all. Raises NoReport.

    The letter is named by the Message-ID of the returned message, or by the address the notification went to.
    """
    message = message_from_bytes(raw)  # under the old policy, which never fails over a header
    action, status = "", ""
    for part in message.walk():
        if part.get_content_type() in ("message/delivery-status", "message/global-delivery-status"):
            action, status = _recipient_fields(part)
            break
    if not action or _STATUS.fullmatch(status) is None:
        raise NoReport("there is no message/delivery-status with an Action and a Status")
    return Report(_letter_of(message), status, action == "failed")


def _recipient_fields(part: Message) -> tuple[str, str]:
    """Action and Status of the first recipient: each of our letters has one."""
    blocks = part.get_payload()
    for block in blocks if isinstance(blocks, list) else []:
        if isinstance(block, Message) and block["action"]:
            status = re.sub(r"\(.*?\)", "", str(block["status"] or ""))
            return str(block["action"]).strip().lower(), status.strip()
    return "", ""


def _letter_of(message: Message) -> UUID | None:
    return next((letter for text in _names(message) if (letter := letter_named(text)) is not None), None)


def _names(message: Message) -> Iterator[str]:
    for part in message.walk():
        if part.get_content_type() in _ORIGINALS:
            yield from _message_ids(part)
    for header in _RETURNED_TO:
        yield from (str(value) for value in message.get_all(header, []))


def _message_ids(part: Message) -> Iterator[str]:
    """The Message-ID of a returned message, whole or headers alone."""
    payload = part.get_payload()
    if isinstance(payload, list):
        yield from (str(inner["message-id"] or "") for inner in payload if isinstance(inner, Message))
    else:
        content = part.get_payload(decode=True)
        text = content.decode("utf-8", "replace") if isinstance(content, bytes) else ""
        yield from re.findall(r"(?im)^message-id:\s*(\S+)", text)
