"""What a person reads at the end of a command: tables for the terminal."""

from __future__ import annotations

from rich.table import Table

from demo.landing import Landing


def landing_table(landing: Landing) -> Table:
    """Return what was landed, by data set."""
    said = "nothing to write" if landing.written == 0 else f"{landing.written} objects written"
    title = f"s3://{landing.bucket}, {landing.first} to {landing.last}: {said}"
    table = Table(title=title, title_justify="left")
    table.add_column("dataset")
    for name in ("written", "unchanged", "rows", "MB"):
        table.add_column(name, justify="right")
    for name, landed in landing.datasets.items():
        table.add_row(
            name, f"{landed.written:,}", f"{landed.unchanged:,}", f"{landed.rows:,}", f"{landed.bytes / 1e6:.1f}"
        )
    return table
