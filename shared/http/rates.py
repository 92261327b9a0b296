"""How fast one client may ask: a generic cell rate, kept in memory a process, decided before any work is done."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable

_CLIENTS = 10_000
_ROUNDING = 1e-9


class RateLimiter:
    """`rate` requests a second on average, `burst` at once; a rate of 0 limits nobody."""

    def __init__(self, rate: float, burst: int | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self.burst = burst or max(1, math.ceil(rate * 2))
        self._clock = clock
        self._due: OrderedDict[str, float] = OrderedDict()

    def take(self, client: str) -> tuple[bool, int, float]:
        """Count one request: (allowed, how many more may follow at once, seconds until the next is allowed)."""
        if self.rate <= 0:
            return True, 0, 0.0
        now, step = self._clock(), 1 / self.rate
        due = max(self._due.pop(client, now), now)
        room = self.burst * step - (due - now)
        allowed = room >= step - _ROUNDING
        if allowed:
            due += step
        self._due[client] = due
        if len(self._due) > _CLIENTS:
            self._due.popitem(last=False)
        left = max(0, int((self.burst * step - (due - now)) / step + _ROUNDING))
        return allowed, left, 0.0 if allowed else max(step - room, _ROUNDING)

    def headers(self, left: int, wait: float) -> dict[str, str]:
        """`RateLimit` and `RateLimit-Policy` (IETF draft), with `Retry-After` when refused."""
        window = max(1, math.ceil(self.burst / self.rate))
        named = {
            "RateLimit-Policy": f'"default";q={self.burst};w={window}',
            "RateLimit": f'"default";r={left};t={window}',
        }
        if wait:
            named["Retry-After"] = str(math.ceil(wait))
        return named
