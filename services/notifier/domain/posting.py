"""What follows from handing a letter to a mail server: sent, tried again, bounced, or given up."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from services.notifier.domain.delivery import Schedule
from services.notifier.domain.letter import LetterState

Stage = Literal["connection", "sender", "recipient", "message", "accepted"]
# One more try than that when a server refuses for good what is not the recipient's fault.
REFUSED_TRIES = 3
_JITTER = 0.1
_MAILBOX_FULL = "5.2.2"


@dataclass(frozen=True, slots=True)
class Reply:
    """At which step a letter was when it ended, and what the server said there: its code and enhanced status (RFC
    3463), or, where nothing usable came, a word of ours for it."""

    stage: Stage
    code: int | None = None
    status: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """What becomes of the letter. `next_at` is None unless it stays pending; `dead` means that no mailbox is there."""

    state: LetterState
    reason: str | None = None
    next_at: datetime | None = None
    dead: bool = False


def settle(tries: int, reply: Reply, schedule: Schedule, now: datetime, jitter: float) -> Settled:
    """What follows from try number `tries`. `jitter` is a random number from 0 to 1.

    A recipient refused for good is a bounce, unless the server's policy is what refused (5.7.x): that, like all else
    that is refused for good, may be mended by the operator, and is tried a few times. What is temporary, and trouble
    before there was a recipient to speak of, follows the whole schedule.
    """
    if reply.stage == "accepted":
        return Settled("sent")
    refused = reply.stage != "connection" and reply.code is not None and reply.code >= 500
    if refused and reply.stage == "recipient" and not (reply.status or "").startswith("5.7."):
        return Settled("bounced", "refused", dead=is_dead(reply.status))
    step = schedule.after(tries)
    if step is None or (refused and tries >= REFUSED_TRIES):
        return Settled("exhausted", "refused" if refused else "undelivered")
    return Settled("pending", next_at=now + step * (1 - _JITTER + 2 * _JITTER * jitter))


def is_dead(status: str | None) -> bool:
    """Whether a permanent failure of that status means that later letters would fail too: all but a full mailbox."""
    return status is None or (status.startswith("5.") and status != _MAILBOX_FULL)


def lease_of(timeout: float) -> timedelta:
    """How long a letter is one mailer's: longer than its try can take, so that nobody else sends it meanwhile.

    A try can take twice the time-out, when a connection that was kept is lost late and a new one is opened.
    """
    return timedelta(seconds=2 * timeout + 30)
