"""The command line `lakehouse`: where everything meets. Each command imports what it needs when it runs.

One module per group of commands; each hangs its own into the application with `add_commands`.
"""

from __future__ import annotations

import atexit
import gc
import os
from importlib import metadata
from typing import Annotated

import typer

from lakehouse.cli import demo, doctor, estate, estate_import, local, permissions, recovery
from lakehouse.cli.expected_errors import ExplainingGroup
from lakehouse.targets import read_settings

app = typer.Typer(
    cls=ExplainingGroup,
    help="A Databricks-on-AWS lakehouse: its local workspace, its estate, its demo.",
    no_args_is_help=True,
    rich_markup_mode=None if read_settings().no_color else "rich",  # rich sends bold text even without colours
    pretty_exceptions_enable=False,
)


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        print(f"lakehouse {metadata.version('lakehouse')}")
        raise typer.Exit


@app.callback()
def _take_options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="print the version and end")
    ] = False,
) -> None:
    os.umask(0o077)  # of this process and of all that it starts: state is its owner's alone


atexit.register(gc.freeze)  # else Python looks through all that Dagster has loaded, for up to 1.4 s, before it ends
for commands in (local, doctor, estate, estate_import, recovery, permissions, demo):
    commands.add_commands(app)
