"""How fast one process sends letters."""

from dataclasses import dataclass


@dataclass(slots=True)
class Pace:
    """`per_minute` letters, evenly spread; 0 is as fast as it goes. Times are seconds of any clock."""

    per_minute: float
    _free_at: float = 0.0

    def wait(self, now: float) -> float:
        """How long until the next letter may go; 0 for now."""
        return max(0.0, self._free_at - now) if self.per_minute else 0.0

    def sent(self, now: float) -> None:
        """One went."""
        if self.per_minute:
            self._free_at = max(self._free_at, now) + 60 / self.per_minute
