"""`lakehouse import`: what is there, as declarations in Python whose plan is empty."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from platform_assets.reconcile.importing import Import

NOT_EXPRESSED = 1

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Out = Annotated[Path | None, typer.Option("--out", "-o", help="Write the declarations to this Python file.")]


class FileIsNotOurs(Exception):
    """The file to write to is there, and no import wrote it."""


def add_commands(parent: typer.Typer) -> None:
    """Add the command to the application."""
    parent.command("import")(import_estate)


def import_estate(as_json: AsJson = False, out: Out = None) -> None:
    """Print declarations of what this estate has in the workspace and in AWS. Exit code 1: some of it has none."""
    from lakehouse.targets import current_target
    from platform_assets.reconcile.importing import import_resources
    from platform_assets.reconcile.reading import require_open_door
    from platform_assets.reconcile.rendering import render_declarations
    from platform_assets.resource_types.model import Clients

    if out is not None:
        require_writable(out)
    clients = Clients(current_target())
    require_open_door(clients)
    found = import_resources(clients)
    text = render_declarations(found.resources, clients.target.name)
    if out is not None:
        write_module(out, text)
    if as_json or out is None:
        typer.echo(_as_json(found, text) if as_json else text.rstrip())
    _tell(found)
    if found.refused:
        raise typer.Exit(NOT_EXPRESSED)


def require_writable(path: Path) -> None:
    """Refuse to write over a file that no import wrote.

    Raises:
        FileIsNotOurs: naming it.
    """
    from platform_assets.reconcile.rendering import HEADER

    try:
        may_write = path.read_text().startswith(HEADER)
    except FileNotFoundError:
        may_write = path.parent.is_dir()
    except (OSError, ValueError):
        may_write = False
    if not may_write:
        raise FileIsNotOurs(f"{path} is not a file that `lakehouse import` wrote, or can write: give --out another one")


def write_module(path: Path, text: str) -> None:
    """Write the file; it is there as a whole or not at all."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        file.write(text)
    os.replace(file.name, path)


def _as_json(found: Import, text: str) -> str:
    keys = [one.key for one in found.resources]
    shown = {"resources": keys, "refused": found.refused, "left_out": found.left_out, "python": text}
    return json.dumps(shown, indent=2)


def _tell(found: Import) -> None:
    for key, reason in found.refused.items():
        typer.secho(f"! {key}: {reason}", fg="bright_red", err=True)
    counts = f"{len(found.resources)} declared, {len(found.refused)} that cannot be"
    typer.echo(f"{counts}; not looked at: {', '.join(found.left_out)}", err=True)
