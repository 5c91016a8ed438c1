"""`lakehouse demo`: land the demo's files, run the main job, backfill a range of days."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

app = typer.Typer(help="The demo: real flights of 2013, from landing to gold.", no_args_is_help=True)

_DAY = ["%Y-%m-%d"]
From = Annotated[datetime, typer.Option("--from", formats=_DAY, help="first day")]
To = Annotated[datetime, typer.Option("--to", formats=_DAY, help="last day")]
AsJson = Annotated[bool, typer.Option("--json", help="print the result as JSON, progress on stderr")]
_JANUARY = (datetime(2013, 1, 1), datetime(2013, 1, 31))


def add_commands(parent: typer.Typer) -> None:
    """Hang `demo` into the command line."""
    parent.add_typer(app, name="demo")


@app.command("land")
def land_files(
    first: From = _JANUARY[0],
    last: To = _JANUARY[1],
    datasets: Annotated[str | None, typer.Option(help="comma-separated; all when left out")] = None,
    as_json: AsJson = False,
) -> None:
    """Write the files of a range of days to the landing bucket; those already there are left alone."""
    from demo.flights_data import DATASETS
    from demo.landing import land
    from demo.phases import Phases
    from demo.reports import landing_table
    from lakehouse.targets import current_target

    names = tuple(name.strip() for name in datasets.split(",")) if datasets else tuple(DATASETS)
    console = _open_console(as_json)
    with _explained(console), Phases(console).phase("Land files") as say:
        landing = land(current_target(), first.date(), last.date(), say, names)
    if as_json:
        print(json.dumps(landing.as_json()))
    else:
        console.print(landing_table(landing))


def _open_console(as_json: bool) -> Console:
    from rich.console import Console

    return Console(stderr=as_json)


@contextmanager
def _explained(console: Console) -> Iterator[None]:
    """End with code 1 and the message, without a trace, on errors that say what to do."""
    from demo.failures import DemoFailed
    from lakehouse.targets import InvalidTarget, UnknownTarget
    from lakehouse.workspace import WorkspaceUnreachable

    try:
        yield
    except (DemoFailed, InvalidTarget, UnknownTarget, WorkspaceUnreachable) as error:
        console.print(f"[red]✗[/] {type(error).__name__}:", end=" ")
        console.print(str(error), markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None
