"""What a person reads at the end of a command: tables for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from demo.arrivals import ArrivalRun
from demo.authorization.report import Matrix, say_expected
from demo.backfill import Backfill
from demo.denials import Outcome
from demo.landing import Landing
from demo.report import PATH, Report
from demo.warehouse import Answer


def landing_table(landing: Landing) -> Table:
    """Return what was landed, by data set."""
    said = "nothing to write" if landing.written == 0 else f"{landing.written} objects written"
    table = _table(f"s3://{landing.bucket}, {landing.first} to {landing.last}: {said}", "dataset")
    for name in ("written", "unchanged", "rows", "MB"):
        table.add_column(name, justify="right")
    for name, landed in landing.datasets.items():
        table.add_row(
            name, f"{landed.written:,}", f"{landed.unchanged:,}", f"{landed.rows:,}", f"{landed.bytes / 1e6:.1f}"
        )
    return table


def backfill_table(backfill: Backfill) -> Table:
    """Return rows per table after a backfill, and the days that are empty since nothing of them has landed."""
    table = _rows_table(f"{backfill.first} to {backfill.last} loaded in {backfill.seconds:.1f} s", backfill.rows)
    if days := backfill.not_landed:
        shown = ", ".join(days[:3]) + (" …" if len(days) > 3 else "")
        table.caption = f"[yellow]{len(days)} days have not landed and are empty: {shown}"
    return table


def denials_table(outcomes: Sequence[Outcome]) -> Table:
    """Return what was tried, what the step should say, what it said."""
    good = sum(outcome.as_expected for outcome in outcomes)
    table = _table(f"Denials: {good} of {len(outcomes)} as expected", "tried")
    for name in ("expected", "seen", ""):
        table.add_column(name)
    for outcome in outcomes:
        mark = "[green]✓" if outcome.as_expected else "[red]✗"
        table.add_row(outcome.tried, escape(outcome.expected), escape(outcome.seen), mark, end_section=True)
    return table


def matrix_table(matrix: Matrix) -> Table:
    """Return how many cells of each way in were allowed and denied, and each mismatch."""
    good, found = len(matrix.cells) - len(matrix.wrong), matrix.cells
    table = _table(f"Authorization: {good:,} of {len(found):,} cells as the rules say", "way in")
    for name in ("cells", "allowed", "denied", "mismatches"):
        table.add_column(name, justify="right")
    for way in dict.fromkeys(cell.rule.way for cell in found):
        cells = [cell for cell in found if cell.rule.way == way]
        seen = [sum(cell.seen.outcome == outcome for cell in cells) for outcome in ("allowed", "denied")]
        table.add_row(way, *(f"{number:,}" for number in (len(cells), *seen, sum(not one.is_right for one in cells))))
    for cell in matrix.wrong:
        text = f"{cell.role.name} · {cell.rule.name}: should be {say_expected(cell.expected)}, was {cell.seen.outcome}"
        table.add_row(f"[red]{escape(text)}", end_section=True)
    return table


def print_report(console: Console, report: Report) -> None:
    """Print the answers, then what was done and what it took."""
    for question, answer in report.highlights.items():
        console.print(_answer_table(question, answer), "")
    console.print(_rows_table("Rows", report.rows), "")
    console.print(_checks_table(report), "")
    console.print(report.phases.table(), "")
    for run in report.arrivals.runs:
        console.print(_steps_table(run), "")
    for line in _summarize(report):
        console.print(line, highlight=False, soft_wrap=True)


def _summarize(report: Report) -> list[str]:
    landing, runs = report.landing, report.arrivals.runs
    lines = [
        f"estate: {report.estate}",
        f"landing: {landing.written} objects written, {landing.unchanged} unchanged",
        *(f"run {run.run_id}: {run.days}, {run.tables} tables, {run.seconds:.1f} s" for run in runs),
    ]
    if report.has_changed_nothing:
        lines.append("[bold]Nothing changed: estate, files and tables were as they should be; no run was needed.[/]")
    return [*lines, f"report: {PATH}", "`make dev` shows the same in the Dagster UI (http://127.0.0.1:3000)"]


def _rows_table(title: str, rows: dict[str, int]) -> Table:
    table = _table(title, "table")
    table.add_column("rows", justify="right")
    for name, count in rows.items():
        table.add_row(name, f"{count:,}")
    return table


def _steps_table(run: ArrivalRun) -> Table:
    table = _table(f"Steps of the run over {run.days}: side by side where they can be", "step")
    table.add_column("seconds", justify="right")
    for step, seconds in run.steps.items():
        table.add_row(step.replace("__", "."), f"{seconds:.1f}")
    return table


def _checks_table(report: Report) -> Table:
    passed = sum(check.passed is True for check in report.checks)
    table = _table(f"Checks: {passed} of {len(report.checks)} passed", "asset")
    for name in ("check", "result", ""):
        table.add_column(name)
    for check in report.checks:
        if check.passed is not True:
            said = "not run yet" if check.passed is None else f"[red]failed ({check.severity.lower()})"
            table.add_row(check.asset, check.check, said, check.description)
    return table


def _answer_table(question: str, answer: Answer) -> Table:
    table = Table(title=question, title_justify="left")
    numeric = [
        all(isinstance(row[number], int | float | None) for row in answer.rows) for number in range(len(answer.columns))
    ]
    for column, is_number in zip(answer.columns, numeric, strict=True):
        table.add_column(column, justify="right" if is_number else "left")
    for row in answer.rows:
        table.add_row(*map(_show, row))
    return table


def _show(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _table(title: str, first_column: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column(first_column)
    return table
