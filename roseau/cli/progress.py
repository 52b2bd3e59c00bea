"""Progress of long work: a bar on a terminal, nothing anywhere else."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

#: Hears how much is done, of how much.
Report = Callable[[int, int], None]


@contextmanager
def progress_of(what: str) -> Iterator[Report]:
    """Show how far some work has come, in whatever unit it reports."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    console = Console(file=sys.stderr)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        task = shown.add_task(what, total=None)
        yield lambda done, total: shown.update(task, completed=done, total=max(total, 1))


def counted(report: Report, total: int) -> Callable[[int], None]:
    """The same for work that reports each piece as it is done."""
    done = 0

    def add(piece: int) -> None:
        nonlocal done
        done += piece
        report(done, total)

    return add
