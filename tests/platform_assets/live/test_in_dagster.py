"""The estate as Dagster runs it: one step, a materialization and a check per resource, failures kept apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
import pytest
from databricks.sdk.service.catalog import PermissionsChange, Privilege

from demo.dagster_runs import QUIET
from lakehouse.targets import Target
from platform_assets.assets import build_estate_asset
from platform_assets.checks import CHECK
from platform_assets.declarations import RESOURCES
from platform_assets.definitions import defs
from platform_assets.estate import plan_estate
from platform_assets.reconcile.plan import Action
from platform_assets.resource_types.grants import Grants
from platform_assets.resource_types.model import Clients
from platform_assets.resource_types.table import Table
from platform_assets.resource_types.table_columns import Column
from tests.platform_assets.live.conftest import Gateway


def run_estate(selection: list[str] | None = None) -> dg.ExecuteInProcessResult:
    job = defs.resolve_job_def("estate")
    keys = [dg.AssetKey(key.split("/")) for key in selection] if selection else None
    return job.execute_in_process(asset_selection=keys, run_config=QUIET)


def read_actions(result: dg.ExecuteInProcessResult) -> dict[str, object]:
    return {
        event.asset_key.to_user_string(): event.materialization.metadata["action"].value
        for event in result.get_asset_materialization_events()
        if event.asset_key
    }


def test_the_job_reconciles_everything_and_checks_it(estate: Target) -> None:
    result = run_estate()
    assert read_actions(result) == {resource.key: "unchanged" for resource in RESOURCES}
    checks = result.get_asset_check_evaluations()
    assert {check.asset_key.to_user_string() for check in checks} == {resource.key for resource in RESOURCES}
    assert all(check.passed and check.check_name == CHECK for check in checks)
    checked = [check.target_materialization_data for check in checks]
    assert {data.run_id for data in checked if data} == {result.run_id}, "of what was materialized just now"
    assert all(checked)
    assert len([event for event in result.all_events if event.is_step_start]) == 1


def test_a_selection_touches_nothing_else(estate: Target) -> None:
    clients = Clients(estate)
    for schema in ("gold", "silver"):
        change = PermissionsChange(principal="analysts", add=[Privilege.MODIFY])
        clients.workspace.grants.update("schema", f"flights.{schema}", changes=[change])
    result = run_estate(["grants/schema/flights/gold"])
    assert read_actions(result) == {"grants/schema/flights/gold": "updated"}
    (event,) = result.get_asset_materialization_events()
    assert "revoke MODIFY from analysts" in str(event.materialization.metadata["changes"].value)
    take_back_what_is_foreign(clients)


def take_back_what_is_foreign(clients: Clients) -> None:
    """Nobody's declaration revokes it, and the workspace is shared with other tests."""
    change = PermissionsChange(principal="analysts", remove=[Privilege.MODIFY])
    clients.workspace.grants.update("schema", "flights.silver", changes=[change])


@pytest.fixture
def drifted(estate: Target) -> Iterator[None]:
    """Changed by hand: two declared resources, and a grant to somebody who is not declared there."""
    clients = Clients(estate)
    clients.workspace.schemas.update("flights.gold", comment="mine")
    change = PermissionsChange(principal="analysts", add=[Privilege.MODIFY])
    clients.workspace.grants.update("schema", "flights.silver", changes=[change])
    clients.aws("s3").put_bucket_versioning(
        Bucket=estate.bucket("lake"), VersioningConfiguration={"Status": "Suspended"}
    )
    yield
    take_back_what_is_foreign(clients)


DRIFT = {
    "schema/flights/gold": [{"field": "comment", "found": "mine", "declared": "Answers"}],
    "s3_bucket/lake": [{"field": "versioning", "found": "Suspended", "declared": "Enabled"}],
}


def read_drift(metadata: Mapping[str, Any]) -> list[dict[str, Any]]:
    records = metadata["drift"].records if "drift" in metadata else []
    return [{name: record.data[name] for name in ("field", "found", "declared")} for record in records]


@pytest.mark.usefixtures("drifted")
def test_the_drift_job_names_every_change_by_hand_and_changes_nothing(estate: Target, gateway: Gateway) -> None:
    since = gateway.now()
    result = defs.resolve_job_def("drift").execute_in_process(run_config=QUIET)
    assert result.success
    assert gateway.writes_beside_the_audit_query(since) == []
    assert result.get_asset_materialization_events() == []
    checks = {check.asset_key.to_user_string(): check for check in result.get_asset_check_evaluations()}
    assert checks.keys() == {resource.key for resource in RESOURCES}
    failed = {key: read_drift(check.metadata) for key, check in checks.items() if not check.passed}
    assert failed == DRIFT, "grants to principals that are not declared there are others' and only reported"
    assert checks["schema/flights/gold"].description == "schema/flights/gold comment: mine -> Answers"
    assert plan_estate(estate).count(Action.UPDATE) == len(DRIFT)
    assert read_actions(run_estate(sorted(DRIFT))) == dict.fromkeys(DRIFT, "updated")


@pytest.mark.usefixtures("drifted")
def test_a_dry_run_of_the_estate_shows_the_plan_and_changes_nothing(estate: Target, gateway: Gateway) -> None:
    since = gateway.now()
    dry = {**QUIET, "ops": {"reconcile_estate": {"config": {"dry_run": True}}}}
    result = defs.resolve_job_def("estate").execute_in_process(run_config=dry)
    assert result.success
    assert gateway.writes_beside_the_audit_query(since) == []
    assert result.get_asset_materialization_events() == []
    shown = {
        event.event_specific_data.asset_observation.asset_key.to_user_string(): (
            event.event_specific_data.asset_observation.metadata
        )
        for event in result.get_asset_observation_events()
    }
    assert shown.keys() == {resource.key for resource in RESOURCES}
    assert {key: drift for key, metadata in shown.items() if (drift := read_drift(metadata))} == DRIFT
    assert "~ schema/flights/gold" in shown["schema/flights/gold"]["plan"].value
    assert {check.passed for check in result.get_asset_check_evaluations()} == {True, False}
    assert read_actions(run_estate(sorted(DRIFT))) == dict.fromkeys(DRIFT, "updated")


def test_the_schedule_asks_for_the_drift_job_alone() -> None:
    schedule = next(one for one in defs.schedules or () if one.name == "hourly_drift")
    assert isinstance(schedule, dg.ScheduleDefinition)
    assert (schedule.job_name, schedule.default_status) == ("drift", dg.DefaultScheduleStatus.RUNNING)


def test_a_failure_names_its_resource_and_the_rest_is_materialized(estate: Target) -> None:
    name = "flights.ops.broken"
    shell = Table(name, (Column("id", "INT"),), properties={"delta.appendOnly": "perhaps"})
    broken = (shell, Grants(f"table.{name}", {"pipeline": ("SELECT",)}))
    asset = build_estate_asset((*RESOURCES, *broken))
    with pytest.raises(dg.Failure) as caught:
        dg.materialize([asset], run_config=QUIET)
    message = str(caught.value.description)
    assert "table/flights/ops/broken (flights.ops.broken): StatementFailed: " in message
    assert "delta.appendOnly" in message
    assert "grants/table/flights/ops/broken: not tried, since table/flights/ops/broken failed" in message
    result = dg.materialize([asset], run_config=QUIET, raise_on_error=False)
    assert not result.success
    assert read_actions(result).keys() == {resource.key for resource in RESOURCES}
    failed = {check.asset_key.to_user_string() for check in result.get_asset_check_evaluations() if not check.passed}
    assert failed == {"table/flights/ops/broken", "grants/table/flights/ops/broken"}


def test_what_did_not_change_has_the_data_version_it_had(estate: Target) -> None:
    def versions() -> dict[str, str]:
        return {
            event.asset_key.to_user_string(): event.materialization.tags["dagster/data_version"]
            for event in run_estate().get_asset_materialization_events()
            if event.asset_key and event.materialization.tags
        }

    assert versions() == versions()
