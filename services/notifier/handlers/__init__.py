"""What the notifier reacts to: every event that platforms can hear of, and what learners are written to about."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from services.notifier.commands.fan_out import FanOut
from services.notifier.domain.content import SAID, SHARED, Addresses
from services.notifier.handlers.events import announce_with
from services.notifier.handlers.learners import Learners
from shared.events.envelope import Envelope, Event
from shared.inbox.dispatch import Handler, Handlers
from shared.postgres.database import Transaction


def handlers(
    addresses: Addresses, fan_out: FanOut, learners: Learners, is_news: Callable[[datetime], bool]
) -> Handlers:
    """The table: each type of `SAID` and `SHARED` becomes messages while it is news; some lead to letters, too."""
    announce = announce_with(addresses, fan_out, is_news)
    table: dict[type[Event], Handler] = dict.fromkeys((*SAID, *SHARED), announce)
    for kind, handler in learners.handlers().items():
        table[kind] = _both(table[kind], handler) if kind in table else handler
    return table


def _both(first: Handler, second: Handler) -> Handler:
    async def handle(tx: Transaction, envelope: Envelope, event: Any) -> None:
        await first(tx, envelope, event)
        await second(tx, envelope, event)

    return handle
