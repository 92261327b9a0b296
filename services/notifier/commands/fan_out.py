"""Turn events into messages, and each message into a delivery for every endpoint that asked for it."""

from collections.abc import Callable
from functools import partial
from weakref import WeakKeyDictionary

from services.notifier.store import messages
from services.notifier.store.messages import NewMessage
from shared.postgres.database import Transaction


class FanOut:
    """One a process. `told` are called after the commit: there is something to send, and to pull."""

    def __init__(self, *told: Callable[[], None]) -> None:
        self._told = told
        self._waiting: WeakKeyDictionary[Transaction, list[NewMessage]] = WeakKeyDictionary()

    def add(self, tx: Transaction, message: NewMessage) -> None:
        """Write `message` with all others of `tx`, in one statement just before it commits.

        A statement an event would cost ten times as much, and would hold the locks of endpoints for the whole batch.
        """
        waiting = self._waiting.get(tx)
        if waiting is None:
            waiting = self._waiting[tx] = []
            tx.before_commit(partial(messages.fan_out, tx, waiting))
            for call in self._told:
                tx.after_commit(call)
        waiting.append(message)
