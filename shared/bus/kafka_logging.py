"""Keeps the Kafka client's log readable: while a broker is away it would write twenty lines a second."""

import logging
import time

EVERY_SECONDS = 30.0


class Seldom(logging.Filter):
    """Lets each kind of message through once in `EVERY_SECONDS`, whatever it is filled with."""

    def __init__(self) -> None:
        super().__init__()
        self._next: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to log it."""
        now = time.monotonic()
        if now < self._next.get(record.msg, 0.0):
            return False
        self._next[record.msg] = now + EVERY_SECONDS
        return True


def quieten() -> None:
    """Filter every logger the client has; a logger's filters do not count for those below it."""
    for name in list(logging.root.manager.loggerDict):
        logger = logging.getLogger(name)
        if name.startswith("aiokafka") and not any(isinstance(one, Seldom) for one in logger.filters):
            logger.addFilter(Seldom())
