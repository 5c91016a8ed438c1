"""`python -m bench [NAME ...]`: runs the comparisons (all when none is named) and writes build/bench/NAME.json."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.measurement import Measurement

COMPARISONS = (
    *("executors", "step_overhead", "log_lines", "parallel_steps", "chain", "arrival", "plan_scale", "reconcile_step"),
    "year",
)
OUTPUT = Path(__file__).parent.parent / "build" / "bench"


def main() -> None:
    """Run what is asked for and print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*COMPARISONS, []], metavar=f"{{{','.join(COMPARISONS)}}}")
    names = parser.parse_args().names or COMPARISONS
    console = Console()
    measurements: list[Measurement] = []
    for name in names:
        console.print(f"[dim]measuring {name} ...[/]")
        found = importlib.import_module(f"bench.{name}").measure()
        for measurement in found:
            measurement.write(OUTPUT)
        measurements += found
    console.print(_table(measurements))


def _table(measurements: list[Measurement]) -> Table:
    table = Table(title=f"Written to {OUTPUT}", title_justify="left")
    for column in ("name", "ours", "peer", "ratio", "unit", "runs", "noise"):
        table.add_column(column, justify="left" if column == "name" else "right")
    for one in measurements:
        cells = (one.ours, one.peer, one.ratio, one.unit, one.runs, one.noise)
        table.add_row(one.name, *("-" if cell is None else str(cell) for cell in cells))
    return table


if __name__ == "__main__":
    main()
