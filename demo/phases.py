"""Phases of a long job: shows what is going on, remembers how long each took.

One spinner line while a phase runs, one line with its seconds when it is done; plain lines when not a terminal.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

Say = Callable[[str], None]


@dataclass
class Phases:
    """Collects (name, seconds) of finished phases in order."""

    console: Console
    finished: list[tuple[str, float]] = field(default_factory=list)

    @contextmanager
    def phase(self, name: str) -> Iterator[Say]:
        """Run the block as a phase; the yielded function shows what it is doing right now."""
        started = time.monotonic()
        with self.console.status(name) as status:
            yield self._speaker(name, status.update)
        seconds = time.monotonic() - started
        self.finished.append((name, seconds))
        self.console.print(f"[green]✓[/] {name} [dim]{seconds:.1f} s[/]")

    def _speaker(self, name: str, update: Callable[[str], None]) -> Say:
        if self.console.is_terminal:
            return lambda text: update(f"{name} · {text}")
        return lambda text: self.console.print(f"  {text}", highlight=False)

    def table(self) -> Table:
        """Return where the time went."""
        table = Table(title="Where the time went", title_justify="left")
        table.add_column("phase")
        table.add_column("seconds", justify="right")
        for name, seconds in self.finished:
            table.add_row(name, f"{seconds:.1f}")
        table.add_row("[bold]all", f"[bold]{sum(seconds for _, seconds in self.finished):.1f}")
        return table
