"""What the command prints: tables and progress bars on a terminal, plain lines anywhere else."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


class UserError(Exception):
    """Something the person at the keyboard can mend; printed as one line, never as a traceback."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def say(text: str) -> None:
    """One line, at once, with nothing in it read as markup."""
    console.print(text, markup=False)


def complain(text: str) -> None:
    """One line to standard error."""
    errors.print(text, markup=False, style="red")


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], title: str = "") -> None:
    """A table with borders on a terminal; else aligned columns without any drawing."""
    cells = [[str(cell) for cell in row] for row in rows]
    if not console.is_terminal:
        _plain_table(columns, cells, title)
        return
    drawn = Table(title=f"\n{title}" if title else None, title_justify="left")
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in cells:
        drawn.add_row(*row)
    console.print(drawn, markup=False)


def _plain_table(columns: Sequence[str], cells: list[list[str]], title: str) -> None:
    if title:
        say(f"\n{title}")
    lines = [list(columns), *cells]
    widths = [max(len(line[index]) for line in lines) for index in range(len(columns))]
    for line in lines:
        say("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


class Bar:
    """Progress of one long step; `advance` after each unit."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.task_ids[0]

    def advance(self, amount: int = 1) -> None:
        """Count `amount` further units as done."""
        self._progress.advance(self._task, amount)

    def total(self, total: int) -> None:
        """Set how many units there are, once that is known."""
        self._progress.update(self._task, total=total)


@contextmanager
def progress(label: str, total: int | None) -> Iterator[Bar]:
    """A bar for the block's duration; nothing is drawn when the output is not a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        bar.add_task(label, total=total)
        yield Bar(bar)
