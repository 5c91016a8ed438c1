"""`lakehouse demo`: land files, run the main job, backfill a range of days, show denials and who may do what."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated

import typer

from lakehouse.cli.consoles import keep_stdout, open_console

app = typer.Typer(help="The demo: real flights of 2013, from landing to gold.", no_args_is_help=True)

_DAY = ["%Y-%m-%d"]
From = Annotated[datetime, typer.Option("--from", formats=_DAY, help="first day")]
To = Annotated[datetime, typer.Option("--to", formats=_DAY, help="last day")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON on stdout, everything else on stderr")]
_JANUARY = (datetime(2013, 1, 1), datetime(2013, 1, 31))
_YEAR = (datetime(2013, 1, 1), datetime(2013, 12, 31))


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
    from demo.tables import landing_table
    from lakehouse.targets import current_target

    names = tuple(name.strip() for name in datasets.split(",")) if datasets else tuple(DATASETS)
    console = open_console(as_json)
    with Phases(console).phase("Land files") as say:
        landing = land(current_target(), first.date(), last.date(), say, names)
    if as_json:
        print(json.dumps(landing.as_json()))
    else:
        console.print(landing_table(landing))


@app.command("run")
def run_main_job(first: From = _JANUARY[0], last: To = _JANUARY[1], as_json: AsJson = False) -> None:
    """The main job: workspace up, estate reconciled, files landed, sensed, run from bronze to gold, answers shown."""
    from demo.main_job import run
    from demo.tables import print_report
    from lakehouse.targets import read_settings

    console = open_console(as_json)
    with keep_stdout(as_json):
        report = run(read_settings(), first.date(), last.date(), console)
    if as_json:
        print(json.dumps(report.as_json()))
    else:
        print_report(console, report)
    if report.failed_checks:
        raise typer.Exit(1)


@app.command("backfill")
def backfill_days(first: From = _YEAR[0], last: To = _YEAR[1], as_json: AsJson = False) -> None:
    """Load a range of landed days again, bronze to gold: one serverless run per table."""
    from demo.backfill import backfill
    from demo.tables import backfill_table
    from lakehouse.targets import read_settings

    console = open_console(as_json)
    with keep_stdout(as_json):
        result = backfill(read_settings(), first.date(), last.date(), console)
    if as_json:
        print(json.dumps(result.as_json()))
    else:
        console.print(backfill_table(result))


@app.command("denials")
def show_denials(as_json: AsJson = False) -> None:
    """Run a JAR with one thing wrong each time, and show what the Dagster step says. Exit code 1: not as expected."""
    from demo import denials
    from demo.main_job import prepare
    from demo.phases import Phases
    from demo.tables import denials_table
    from lakehouse.targets import read_settings

    console, settings = open_console(as_json), read_settings()
    phases = Phases(console)
    with keep_stdout(as_json):
        prepare(settings, phases)
        with phases.phase("Try what must be refused") as say:
            outcomes = denials.try_all(settings, say)
    if as_json:
        print(denials.as_json(outcomes))
    else:
        console.print(denials_table(outcomes))
    if not all(outcome.as_expected for outcome in outcomes):
        raise typer.Exit(1)


@app.command("matrix")
def try_matrix(
    sample: Annotated[int | None, typer.Option(help="only so many cells, by chance", min=1)] = None,
    seed: Annotated[int, typer.Option(help="which chance")] = 1,
    as_json: AsJson = False,
) -> None:
    """Let every role try every verb through every way in, and compare with the rules. Exit code 1: a mismatch."""
    from demo.authorization import report, trial
    from demo.authorization.stage import open_stage
    from demo.main_job import bring_up
    from demo.phases import Phases
    from demo.tables import matrix_table
    from lakehouse.targets import read_settings

    console, settings = open_console(as_json), read_settings()
    cells = trial.sample_cells(sample, seed) if sample else trial.list_cells()
    phases = Phases(console)
    with keep_stdout(as_json):
        with phases.phase("Start the workspace"):
            bring_up(settings)
        with phases.phase("Make the estate, try, remove it") as say, open_stage(settings.target) as stage:
            matrix = report.try_matrix(stage, cells, say)
    matrix.write_html(report.HTML)
    if as_json:
        print(json.dumps(matrix.as_json()))
    else:
        console.print(matrix_table(matrix))
        console.print(f"Each cell with its message: {report.HTML}", highlight=False, soft_wrap=True)
    if matrix.wrong:
        raise typer.Exit(1)
