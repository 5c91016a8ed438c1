"""`lakehouse export`, `rebuild` and `drill`: snapshots of the estate, and an equal one in another region."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lakehouse.cli.estate import FAILED, count_progress, show_plan, summarize_report

if TYPE_CHECKING:
    from lakehouse.targets import Settings, Target
    from platform_assets.reconcile.apply import ApplyReport
    from platform_assets.reconcile.plan import Plan
    from platform_assets.recovery.drill import Drill, Export
    from platform_assets.recovery.snapshot import Snapshot

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
ExportTarget = Annotated[str | None, typer.Option("--target", help="Whose estate; LAKEHOUSE_TARGET when left out.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be written, and write nothing.")]
From = Annotated[str, typer.Option("--from", help="latest, a version such as v12, or a snapshot's file.")]
RecoveryTarget = Annotated[
    str, typer.Option("--target", help="Where to; dr is what recovers the target that is chosen.")
]
PlanOnly = Annotated[bool, typer.Option("--plan-only", help="Show what would be done, and do nothing.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")]
CleanUp = Annotated[bool, typer.Option("--clean-up", help="Remove afterwards what the drill has made.")]


def add_commands(parent: typer.Typer) -> None:
    """Add the commands to the application."""
    parent.command("export")(export)
    parent.command("rebuild")(rebuild)
    parent.command("drill")(drill)


def export(target: ExportTarget = None, as_json: AsJson = False, dry_run: DryRun = False) -> None:
    """Write a snapshot of the estate as it is, as a new version unless nothing has changed."""
    from lakehouse.targets import read_settings
    from platform_assets.recovery.drill import export_estate

    settings = read_settings()
    done = export_estate(settings.find_target(target) if target else settings.target, dry_run)
    if as_json:
        _print_json(_describe_export(done, dry_run))
        return
    verb = ("would be" if dry_run else "is") if done.is_new else "is as it was in"
    typer.echo(f"The estate {verb} v{done.number}: {len(done.snapshot.entries)} resources, {done.place}")
    for sign, keys in (("+", done.changes.added), ("~", done.changes.changed), ("-", done.changes.removed)):
        for key in keys:
            typer.echo(f"{sign} {key}")
    _tell_left_out(done.snapshot)


def rebuild(
    snapshot: From,
    target: RecoveryTarget,
    plan_only: PlanOnly = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Make the estate of a snapshot in another workspace and region. Exit code 1: something failed or is blocked."""
    from lakehouse.targets import read_settings
    from platform_assets.estate import carry_out
    from platform_assets.reconcile.plan import Action
    from platform_assets.recovery.drill import plan_rebuild

    settings = read_settings()
    chosen = settings.find_target(target)
    place, found = _fetch(snapshot, settings, chosen)
    plan = plan_rebuild(found, chosen)
    if not as_json:
        _tell_snapshot(place, found, chosen, plan)
    report = None
    if not plan_only:
        _ask(plan, chosen, yes)
        report = carry_out(chosen, plan, count_progress(plan, quiet=as_json))
    _tell_rebuild(place, found, plan, report, as_json)
    if (report and report.failures) or plan.count(Action.BLOCKED):
        raise typer.Exit(FAILED)


def drill(target: RecoveryTarget = "dr", as_json: AsJson = False, clean_up: CleanUp = False) -> None:
    """Export, rebuild elsewhere, prove both estates equal, time each phase. Exit code 1: they differ."""
    from lakehouse.targets import read_settings
    from platform_assets.recovery.drill import remove_created, run_drill

    settings = read_settings()
    chosen = settings.find_target(target)
    source = settings.find_recovered(chosen)
    local = LocalRecovery(settings, chosen)

    def tell_phase(name: str, seconds: float) -> None:
        typer.secho(f"{name:<9} {seconds:7.1f} s", err=True)

    try:
        done = run_drill(source, chosen, local.bring_up, tell_phase)
    except Exception:
        if clean_up:
            local.remove()
        raise
    left: dict[str, str] = {}
    if clean_up and not local.remove():
        left = remove_created(done.report, chosen)
    _tell_drill(done, source, chosen, left, as_json)
    if not done.passed or left:
        raise typer.Exit(FAILED)


class LocalRecovery:
    """The local workspace that recovers another; a workspace on a real account is there already."""

    def __init__(self, settings: Settings, target: Target) -> None:
        self._settings, self._target = settings, target
        self._is_ours = target.profiles_home is not None and not target.profiles_home.exists()

    def bring_up(self, needs_sql: bool) -> None:
        """Bring it up, without Spark where nothing declared needs SQL."""
        if self._target.profiles_home is None:
            return
        from local_workspace import lifecycle

        engines = ("moto", "spark", "pool") if needs_sql else ("moto", "pool")
        settings, name = self._settings, self._target.profiles_home.name
        lifecycle.up(name, settings.home, settings.cache_home, engines, region=self._target.region)

    def remove(self) -> bool:
        """Remove the workspace if it was not there before, and say whether."""
        if self._is_ours and self._target.profiles_home is not None:
            from local_workspace import lifecycle

            name = self._target.profiles_home.name
            lifecycle.down(name, self._settings.home)
            lifecycle.reset(name, self._settings.home)
        return self._is_ours


def _fetch(wanted: str, settings: Settings, target: Target) -> tuple[str, Snapshot]:
    from platform_assets.recovery.store import fetch_snapshot

    return fetch_snapshot(wanted, target, settings.find_recovered(target))


def _ask(plan: Plan, target: Target, yes: bool) -> None:
    if yes or plan.is_empty:
        return
    if not sys.stdin.isatty():
        raise typer.BadParameter("nobody can be asked here: give --yes or --plan-only")
    where = f"target {target.name} ({target.region}, account {target.aws_account})"
    typer.confirm(f"Carry this out in {where}?", abort=True, err=True)


def _tell_snapshot(place: str, snapshot: Snapshot, target: Target, plan: Plan) -> None:
    from dataclasses import replace

    source = snapshot.source
    typer.echo(f"{place}: {source.name} ({source.region}) as it was at {snapshot.made_at} -> {target.name}")
    show_plan(replace(plan, undeclared=()), as_json=False)
    for key in plan.undeclared:
        typer.secho(f"? {key} (there, and not in the snapshot: left as it is)", fg="cyan")


def _tell_rebuild(place: str, snapshot: Snapshot, plan: Plan, report: ApplyReport | None, as_json: bool) -> None:
    from platform_assets.reconcile.explain import describe_plan
    from platform_assets.recovery.restoring import NOT_BROUGHT

    if as_json:
        _print_json(
            {
                "snapshot": place,
                "made_at": snapshot.made_at,
                "plan": describe_plan(plan),
                "results": None if report is None else _describe_results(report),
                "left_out": dict(snapshot.left_out),
                "not_brought": dict(NOT_BROUGHT),
            }
        )
        return
    if report is not None:
        typer.echo(summarize_report(report))
    _tell_left_out(snapshot)
    typer.echo("Not brought by a snapshot:")
    for what, who in NOT_BROUGHT.items():
        typer.echo(f"  {what}: {who}")


def _tell_left_out(snapshot: Snapshot) -> None:
    for key, reason in snapshot.left_out.items():
        typer.secho(f"! {key}: {reason}", fg="bright_red", err=True)


def _tell_drill(done: Drill, source: Target, target: Target, left: dict[str, str], as_json: bool) -> None:
    proof = done.proof
    assert proof is not None and done.export is not None
    if as_json:
        _print_json(
            {
                "passed": done.passed,
                "source": source.name,
                "target": target.name,
                "export": _describe_export(done.export, dry_run=False),
                "seconds": done.seconds,
                "recovery_seconds": round(done.seconds["plan"] + done.seconds["apply"], 2),
                "results": _describe_results(done.report),
                "resources": proof.resources,
                "fields": proof.fields,
                "differences": [one.__dict__ for one in proof.differences],
                "pending": list(proof.pending),
                "left": left,
            }
        )
        return
    for line in [*(one.error for one in done.report.failures), *map(str, proof.differences), *left.values()]:
        typer.secho(f"! {line}", fg="bright_red")
    for line in proof.pending:
        typer.secho(f"~ {line}: has a plan that is not empty", fg="yellow")
    said = "equal" if done.passed else "NOT EQUAL"
    typer.echo(f"{source.name} v{done.export.number} and {target.name}: {said}")
    typer.echo(f"{proof.resources} resources, {proof.fields} fields compared; {summarize_report(done.report)}")


def _describe_export(done: Export, dry_run: bool) -> dict[str, Any]:
    return {
        "version": done.number,
        "place": done.place,
        "is_new": done.is_new,
        "written": done.is_new and not dry_run,
        "made_at": done.snapshot.made_at,
        "code": done.snapshot.code,
        "content": done.snapshot.content,
        "resources": {key: one.digest for key, one in done.snapshot.entries.items()},
        "added": list(done.changes.added),
        "changed": list(done.changes.changed),
        "removed": list(done.changes.removed),
        "left_out": dict(done.snapshot.left_out),
    }


def _describe_results(report: ApplyReport) -> list[dict[str, str]]:
    return [{"key": one.key, "status": one.status.value, "error": one.error} for one in report.results]


def _print_json(document: Any) -> None:
    typer.echo(json.dumps(document, indent=2))
