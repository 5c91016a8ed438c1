"""The command line `lakehouse`: where everything meets. Each command imports what it needs when it runs.

One module per group of commands; each hangs its own into the application with `add_commands`.
"""

from __future__ import annotations

import atexit
import gc

import typer

from lakehouse.cli import demo, estate, estate_import, local, permissions, recovery
from lakehouse.cli.expected_errors import ExplainingGroup

app = typer.Typer(
    cls=ExplainingGroup,
    help="A Databricks-on-AWS lakehouse: its local workspace, its estate, its demo.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
atexit.register(gc.freeze)  # else Python looks through all that Dagster has loaded, for up to 1.4 s, before it ends
for commands in (local, estate, estate_import, recovery, permissions, demo):
    commands.add_commands(app)
