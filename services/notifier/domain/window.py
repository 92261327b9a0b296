"""How many requests an endpoint may have in flight: slow start, as TCP does it."""

from dataclasses import dataclass, field
from uuid import UUID

START = 2


@dataclass(slots=True)
class _Window:
    size: int = START
    flying: int = 0


@dataclass(slots=True)
class Windows:
    """Of one process. An endpoint starts at 2, gains one with each success up to its cap, and halves with a failure."""

    _known: dict[UUID, _Window] = field(default_factory=dict)

    def rooms(self) -> tuple[list[UUID], list[int], list[int]]:
        """The endpoints known here, how many more each may take now, and how many it has in flight.

        Others may take START.
        """
        windows = self._known.values()
        return (
            list(self._known),
            [max(0, window.size - window.flying) for window in windows],
            [window.flying for window in windows],
        )

    def sent(self, endpoint: UUID) -> None:
        """One more in flight."""
        self._known.setdefault(endpoint, _Window()).flying += 1

    def landed(self, endpoint: UUID, *, ok: bool, cap: int) -> None:
        """One less, and the window learns from it."""
        window = self._known[endpoint]
        window.flying -= 1
        window.size = min(window.size + 1, cap) if ok else max(1, window.size // 2)

    def forget_idle(self, most: int = 1000) -> None:
        """Keep the table small: endpoints with nothing in flight start anew."""
        if len(self._known) > most:
            self._known = {endpoint: window for endpoint, window in self._known.items() if window.flying}
