"""`lakehouse plan` and `lakehouse apply`: the estate. Nothing is declared yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import typer


def add_commands(parent: typer.Typer) -> None:
    """Hang the estate's commands into the command line."""
