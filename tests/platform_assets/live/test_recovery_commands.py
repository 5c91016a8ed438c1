"""`lakehouse export`, `rebuild`, `drill` and the asset, on two workspaces: text, JSON, exit codes, remedies."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import dagster as dg
import pytest
from typer.testing import CliRunner, Result

from demo.dagster_runs import QUIET
from lakehouse.cli import app
from lakehouse.cli.recovery import LocalRecovery
from lakehouse.targets import Target, read_settings
from platform_assets.declarations import RESOURCES
from platform_assets.definitions import defs
from platform_assets.estate import apply_estate
from platform_assets.estate_snapshot import KEY
from platform_assets.recovery.drill import export_estate
from platform_assets.recovery.store import NoRecoveryBucket
from platform_assets.resource_types.model import Clients
from tests.platform_assets.live.conftest import NewTarget


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_the_commands(estate: Target, recovery_target: Target) -> None:
    assert apply_estate(estate).failures == ()
    first = json.loads(run("export", "--json").stdout)
    assert first["resources"].keys() == {one.key for one in RESOURCES}
    assert "is as it was in" in run("export", "--dry-run").stdout
    shown = run("rebuild", "--from", "latest", "--target", "dr", "--plan-only")
    assert shown.exit_code == 0 and "Not brought by a snapshot:" in shown.stdout
    assert "values of secrets:" in shown.stdout
    unasked = run("rebuild", "--from", "latest", "--target", "dr")
    assert unasked.exit_code == 2 and "--yes" in unasked.stderr
    assert "flights" not in {one.name for one in Clients(recovery_target).workspace.catalogs.list()}
    drilled = run("drill", "--json")
    assert drilled.exit_code == 0, drilled.stderr
    told = json.loads(drilled.stdout)
    assert told["passed"] and told["resources"] == len(RESOURCES) and told["differences"] == []
    assert set(told["seconds"]) == {"export", "bring_up", "plan", "apply", "prove"}
    rebuilt = run("rebuild", "--from", f"v{first['version']}", "--target", "dr", "--yes", "--json")
    assert {one["status"] for one in json.loads(rebuilt.stdout)["results"]} == {"unchanged"}
    Clients(recovery_target).workspace.schemas.update("flights.gold", comment="Altered")
    planned = run("rebuild", "--from", "latest", "--target", "dr", "--plan-only")
    assert "~ schema/flights/gold\n      comment: Altered -> Answers" in planned.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("rebuild", "--from", "v999", "--target", "dr"), "There is no snapshot v999 of target local; found: v"),
        (("rebuild", "--from", "latest", "--target", "local"), "Target local recovers nothing"),
        (("rebuild", "--from", "latest", "--target", "prod"), "Target prod is not configured"),
        (("rebuild", "--from", "latest", "--target", "moon"), "There is no target 'moon'"),
        (("rebuild", "--from", "nowhere.json", "--target", "dr"), "nowhere.json cannot be read"),
        (("export", "--target", "moon"), "There is no target 'moon'"),
        (("drill", "--target", "local"), "Target local recovers nothing"),
    ],
)
def test_what_cannot_be_meant_ends_with_a_remedy(
    estate: Target, recovery_target: Target, arguments: tuple[str, ...], said: str
) -> None:
    ended = run(*arguments)
    assert ended.exit_code == 1
    assert ended.stderr.startswith(f"lakehouse: {said}")
    assert ended.stdout == ""


def test_two_exports_at_once_write_one_version(new_target: NewTarget) -> None:
    target = new_target()
    assert apply_estate(target, ["+s3_bucket/recovery"]).failures == ()
    with ThreadPoolExecutor(4) as threads:
        done = list(threads.map(lambda _: export_estate(target), range(4)))
    assert [one.number for one in done] == [1] * 4
    assert [one.is_new for one in done].count(True) == 1


def test_without_a_bucket_the_remedy_is_said(new_target: NewTarget) -> None:
    with pytest.raises(NoRecoveryBucket, match=r"lakehouse apply -s \+s3_bucket/recovery"):
        export_estate(new_target())


def test_a_workspace_that_a_drill_has_made_is_removed_and_no_other(recovery_target: Target) -> None:
    settings = replace(read_settings(), workspace="drilled")
    made, found = (LocalRecovery(settings, one) for one in (settings.find_target("dr"), recovery_target))
    assert not found.remove() and recovery_target.profiles_home is not None and recovery_target.profiles_home.exists()
    made.bring_up(needs_sql=False)
    home = settings.home / "local" / "drilled-dr"
    assert home.exists()
    assert made.remove() and not home.exists()


def test_one_that_is_down_says_how_it_comes_up(estate: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEHOUSE_WORKSPACE", "nowhere")
    ended = run("export", "--target", "dr")
    assert ended.exit_code == 1 and "run `lakehouse local up --name nowhere-dr`" in ended.stderr


def test_in_dagster_it_is_an_asset_after_the_whole_estate(estate: Target) -> None:
    job = defs.resolve_job_def("snapshot")
    seen: list[dict[str, Any]] = []
    for _ in range(2):
        (event,) = job.execute_in_process(run_config=QUIET).get_asset_materialization_events()
        assert event.asset_key == KEY
        seen.append({name: value.value for name, value in event.materialization.metadata.items()})
    assert seen[1]["is_new"] is False and seen[0]["version"] == seen[1]["version"]
    assert seen[1]["resources"] == len(RESOURCES) and seen[1]["since_the_last"] == "nothing changed"
    assert seen[0]["place"].startswith("s3://lakehouse-local-recovery/snapshots/lakehouse-local/v0")
    specs = {spec.key: spec for spec in defs.resolve_all_asset_specs()}
    before, wanted = set[str](), [KEY]
    while wanted:
        new = {dep.asset_key for dep in specs[wanted.pop()].deps if dep.asset_key.to_user_string() not in before}
        before |= {key.to_user_string() for key in new}
        wanted += [key for key in new if key in specs]
    assert before >= {one.key for one in RESOURCES}
    schedule = next(one for one in defs.schedules or () if one.name == "hourly_snapshot")
    assert isinstance(schedule, dg.ScheduleDefinition) and schedule.cron_schedule == "47 * * * *"
