"""How long each part of something took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from services.cli.output import say, table


class Stopwatch:
    """Times the parts it is told of, in order."""

    def __init__(self) -> None:
        self.parts: list[tuple[str, float]] = []

    @contextmanager
    def part(self, label: str) -> Iterator[None]:
        """Time the block, and say when it is done."""
        began = time.monotonic()
        yield
        self.parts.append((label, time.monotonic() - began))
        say(f"{label}: {self.parts[-1][1]:.1f} s")

    def show(self) -> None:
        """A table of the parts and their sum."""
        rows = [(label, f"{seconds:.1f}") for label, seconds in self.parts]
        table(("part", "seconds"), [*rows, ("together", f"{sum(seconds for _, seconds in self.parts):.1f}")])
