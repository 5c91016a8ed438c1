"""The estate as Dagster runs it: one step, a materialization and a check per resource, failures kept apart."""

from __future__ import annotations

import dagster as dg
import pytest
from databricks.sdk.service.catalog import PermissionsChange, Privilege

from lakehouse.targets import Target
from platform_assets.assets import build_estate_asset
from platform_assets.checks import CHECK
from platform_assets.declarations import RESOURCES
from platform_assets.definitions import defs
from platform_assets.resource_types.grants import Grants
from platform_assets.resource_types.model import Clients
from platform_assets.resource_types.volume import Volume

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


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
    clients.workspace.grants.update(
        "schema",
        "flights.silver",
        changes=[PermissionsChange(principal="analysts", remove=[Privilege.MODIFY])],
    )


def test_a_check_alone_finds_drift_and_repairs_nothing(estate: Target) -> None:
    clients = Clients(estate)
    clients.workspace.schemas.update("flights.gold", comment="mine")
    key = dg.AssetKey(["schema", "flights", "gold"])
    only_checks = dg.AssetSelection.checks(dg.AssetCheckKey(key, CHECK))
    job = dg.define_asset_job("only_checks", only_checks)
    definitions = dg.Definitions.merge(defs, dg.Definitions(jobs=[job]))
    result = definitions.resolve_job_def("only_checks").execute_in_process(run_config=QUIET)
    (check,) = result.get_asset_check_evaluations()
    assert not check.passed
    assert "comment: mine -> Answers" in str(check.metadata["plan"].value)
    assert clients.workspace.schemas.get("flights.gold").comment == "mine"
    assert read_actions(run_estate([key.to_user_string()])) == {"schema/flights/gold": "updated"}


def test_a_failure_names_its_resource_and_the_rest_is_materialized(estate: Target) -> None:
    name = "flights.ops.broken"
    broken = (Volume(name, bucket="lake"), Grants(f"volume.{name}", {"pipeline": ("READ_VOLUME",)}))
    asset = build_estate_asset((*RESOURCES, *broken))
    with pytest.raises(dg.Failure) as caught:
        dg.materialize([asset], run_config=QUIET)
    message = str(caught.value.description)
    assert "volume/flights/ops/broken (flights.ops.broken): BadRequest: " in message
    assert "overlaps" in message
    assert "grants/volume/flights/ops/broken: not tried, since volume/flights/ops/broken failed" in message
    result = dg.materialize([asset], run_config=QUIET, raise_on_error=False)
    assert not result.success
    assert read_actions(result).keys() == {resource.key for resource in RESOURCES}
    failed = {check.asset_key.to_user_string() for check in result.get_asset_check_evaluations() if not check.passed}
    assert failed == {"volume/flights/ops/broken", "grants/volume/flights/ops/broken"}


def test_what_did_not_change_has_the_data_version_it_had(estate: Target) -> None:
    def versions() -> dict[str, str]:
        return {
            event.asset_key.to_user_string(): event.materialization.tags["dagster/data_version"]
            for event in run_estate().get_asset_materialization_events()
            if event.asset_key and event.materialization.tags
        }

    assert versions() == versions()
