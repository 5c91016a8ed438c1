"""`lakehouse plan` and `lakehouse apply`: the declared estate against the chosen target."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from platform_assets.reconcile.apply import ApplyReport, OnProgress, Result
    from platform_assets.reconcile.plan import Plan
    from platform_assets.reconcile.plan import Prune as Pruning

FAILED = 1
CHANGES = 2  # exit code of a plan that is not empty, as `terraform plan -detailed-exitcode`
_COLOURS = {"+": "green", "~": "yellow", "-": "red", "!": "bright_red", "?": "cyan"}

Select = Annotated[
    list[str] | None,
    typer.Option(
        "--select", "-s", help="A resource's key or the start of keys; +KEY: with all that they need. Repeatable."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Prune = Annotated[bool, typer.Option("--prune", help="Delete what is marked as ours and no longer declared.")]
AllowDataLoss = Annotated[
    list[str] | None,
    typer.Option("--allow-data-loss", help="With --prune: the key of a resource to delete with its data. Repeatable."),
]
Out = Annotated[Path | None, typer.Option("--out", "-o", help="Write the plan to a file that `apply` takes.")]
File = Annotated[Path | None, typer.Argument(help="A plan that `plan --out` wrote: apply just that, or refuse.")]
DetailedExitcode = Annotated[bool, typer.Option("--detailed-exitcode", help="Exit with 2 when there is work to do.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="The same as `plan`.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing, even when something is deleted or revoked.")]


def add_commands(parent: typer.Typer) -> None:
    """Add the commands to the application."""
    parent.command("plan")(plan)
    parent.command("apply")(apply)


def plan(
    select: Select = None,
    as_json: AsJson = False,
    prune: Prune = False,
    allow_data_loss: AllowDataLoss = None,
    detailed_exitcode: DetailedExitcode = False,
    out: Out = None,
) -> None:
    """Show what `apply` would do, changing nothing. Exit code 1: something is blocked."""
    from lakehouse.targets import current_target
    from platform_assets.estate import name_drift_makers, write_plan
    from platform_assets.reconcile.plan import Action

    found = name_drift_makers(current_target(), _make_plan(select, prune, allow_data_loss))
    if out is not None:
        write_plan(current_target(), found, out, select, _prune(prune, allow_data_loss))
    show_plan(found, as_json)
    if found.count(Action.BLOCKED):
        raise typer.Exit(FAILED)
    if detailed_exitcode and not found.is_empty:
        raise typer.Exit(CHANGES)


def apply(
    file: File = None,
    select: Select = None,
    as_json: AsJson = False,
    prune: Prune = False,
    allow_data_loss: AllowDataLoss = None,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Make the world as declared: plan, show the plan, carry out that very plan. Exit code 1: something failed."""
    if file is not None and (select or prune or allow_data_loss or dry_run):
        raise typer.BadParameter("the plan's file says what is selected and pruned; leave out these options")
    if dry_run:
        plan(select, as_json, prune, allow_data_loss)
        return
    from lakehouse.targets import current_target
    from platform_assets.estate import carry_out, renew_plan

    found = renew_plan(current_target(), file) if file else _make_plan(select, prune, allow_data_loss)
    if not as_json:
        show_plan(found, as_json)
    if not yes and _is_person_there() and _takes_away(found):
        typer.confirm("Something is deleted or revoked. Carry this out?", abort=True, err=True)
    report = carry_out(current_target(), found, count_progress(found, quiet=as_json))
    typer.echo(_as_json(report) if as_json else summarize_report(report))
    if report.failures:
        raise typer.Exit(FAILED)


def _make_plan(select: list[str] | None, prune: bool, allow_data_loss: list[str] | None) -> Plan:
    from lakehouse.targets import current_target
    from platform_assets.estate import plan_estate

    if prune and select:
        raise typer.BadParameter("--prune looks at the whole estate; leave out --select")
    if allow_data_loss and not prune:
        raise typer.BadParameter("--allow-data-loss goes with --prune")
    return plan_estate(current_target(), select, _prune(prune, allow_data_loss), find_undeclared=True)


def _prune(enabled: bool, allow_data_loss: list[str] | None) -> Pruning:
    from platform_assets.reconcile.plan import Prune as Pruning

    return Pruning(enabled, frozenset(allow_data_loss or ()))


def show_plan(found: Plan, as_json: bool) -> None:
    """Print a plan, a colour for each kind of change."""
    from platform_assets.reconcile.explain import describe_plan, explain_plan

    if as_json:
        typer.echo(json.dumps(describe_plan(found), indent=2))
        return
    for line in explain_plan(found).splitlines():
        typer.secho(line, fg=_COLOURS.get(line[:1]))


def _takes_away(found: Plan) -> bool:
    from platform_assets.reconcile.explain import takes_away

    return any(takes_away(step) for step in found.steps)


def _is_person_there() -> bool:
    return sys.stdin.isatty()


def count_progress(found: Plan, quiet: bool) -> OnProgress:
    """Return what prints a line for each change as it is done."""
    total, ended = len(found.changed), 0

    def tell(result: Result) -> None:
        nonlocal ended
        if result.step not in found.changed or quiet:
            return
        ended += 1
        text = result.error or f"{result.status.value} {result.key}"
        typer.secho(f"[{ended}/{total}] {text}", fg="red" if result.error else None, err=True)

    return tell


def summarize_report(report: ApplyReport) -> str:
    """Return in a line what became of a plan."""
    from platform_assets.reconcile.apply import Status

    if report.changed_nothing:
        return f"Nothing to do: all {len(report.results)} resources are as declared"
    return ", ".join(f"{report.count(status)} {status.value}" for status in Status if report.count(status))


def _as_json(report: ApplyReport) -> str:
    results = [{"key": one.key, "status": one.status.value, "error": one.error} for one in report.results]
    return json.dumps({"changed_nothing": report.changed_nothing, "results": results}, indent=2)
