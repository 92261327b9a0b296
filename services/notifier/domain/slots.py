"""How many attempts may be in flight over all endpoints, so that those which hang do not hold up the others.

Windows bound what one endpoint holds. When many that had wide windows stop answering at once, what they hold together
would be all there is until it times out. So an attempt that has had no answer for a second moves to slots of its own.
"""

from collections import OrderedDict

PATIENCE_SECONDS = 1.0
SLOW_SLOTS_EACH = 4


class Slots:
    """Of one process: `quick` for attempts that are young, four times as many for those that are slow.

    Times are seconds of a clock that never goes back.
    """

    def __init__(self, quick: int) -> None:
        self._quick, self.most = quick, quick * (1 + SLOW_SLOTS_EACH)
        self._young: OrderedDict[int, float] = OrderedDict()
        self._slow: set[int] = set()
        self._tickets = 0

    def free(self, now: float) -> int:
        """How many attempts may be begun."""
        while self._young and len(self._slow) < self._quick * SLOW_SLOTS_EACH:
            ticket, begun = next(iter(self._young.items()))
            if begun > now - PATIENCE_SECONDS:
                break
            del self._young[ticket]
            self._slow.add(ticket)
        return self._quick - len(self._young)

    def take(self, now: float) -> int:
        """Begin one; the ticket that gives its slot back."""
        self._tickets += 1
        self._young[self._tickets] = now
        return self._tickets

    def give_back(self, ticket: int) -> None:
        """It has ended."""
        if self._young.pop(ticket, None) is None:
            self._slow.discard(ticket)
