"""`lakehouse plan` and `lakehouse apply`: the declared estate against the chosen target."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from platform_assets.reconcile.apply import ApplyReport, Result

CHANGES = 2  # exit code of a plan that is not empty, as `terraform plan -detailed-exitcode`

Select = Annotated[
    list[str] | None,
    typer.Option("--select", "-s", help="A resource's key, or the start of keys: volume/flights. Repeatable."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def add_commands(parent: typer.Typer) -> None:
    """Add the commands to the application."""
    parent.command("plan")(plan)
    parent.command("apply")(apply)


def plan(
    select: Select = None,
    as_json: Json = False,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit with 2 when there is something to do.")
    ] = False,
) -> None:
    """Show what `apply` would do. Changes nothing."""
    from lakehouse.targets import current_target
    from platform_assets.estate import plan_estate
    from platform_assets.reconcile.explain import describe_plan, explain_plan

    found = plan_estate(current_target(), select)
    typer.echo(json.dumps(describe_plan(found), indent=2) if as_json else explain_plan(found))
    if detailed_exitcode and not found.is_empty:
        raise typer.Exit(CHANGES)


def apply(
    select: Select = None,
    as_json: Json = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="The same as `plan`.")] = False,
) -> None:
    """Make the world as declared. Creates and changes; never deletes."""
    if dry_run:
        plan(select, as_json)
        return
    from lakehouse.targets import current_target
    from platform_assets.estate import apply_estate

    report = apply_estate(current_target(), select, lambda result: None if as_json else _tell(result))
    typer.echo(_as_json(report) if as_json else _summarize(report))
    if report.failures:
        raise typer.Exit(1)


def _tell(result: Result) -> None:
    if result.error:
        typer.echo(f"! {result.error}", err=True)
    elif result.status.value != "unchanged":
        typer.echo(f"  {result.status.value} {result.key}")


def _summarize(report: ApplyReport) -> str:
    from platform_assets.reconcile.apply import Status

    if report.changed_nothing:
        return f"Nothing to do: all {len(report.results)} resources are as declared"
    return ", ".join(f"{report.count(status)} {status.value}" for status in Status if report.count(status))


def _as_json(report: ApplyReport) -> str:
    results = [{"key": one.key, "status": one.status.value, "error": one.error} for one in report.results]
    return json.dumps({"changed_nothing": report.changed_nothing, "results": results}, indent=2)
