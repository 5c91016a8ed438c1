"""The tables' persistent job: deployed, run from the Databricks side, its runs picked up once each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import dagster as dg
import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import PermissionDenied
from databricks.sdk.service.jobs import JobSettings

from data_assets.definitions import defs
from data_assets.persistent_jobs import FLIGHTS, describe_job
from data_assets.sensors import databricks_runs
from demo.dagster_runs import QUIET
from lakehouse.jobs import NotOurJob, find_job
from lakehouse.names import resource_key, table_key
from lakehouse.object_permissions import allow
from lakehouse.serverless import JOB_RUN_TAG, deploy_job, find_differences
from lakehouse.workspace import open_workspace
from tests.flows.conftest import Flow

BRONZE, ROUTES = "flights.bronze.flights", "flights.gold.route_performance"
DAY = "2013-01-02"


@dataclass
class Deployed:
    """The deployed job, and a daemon's view of its runs."""

    flow: Flow
    job_id: int
    cursor: str | None = None

    def client(self, role: str) -> WorkspaceClient:
        return open_workspace(self.flow.target, role)

    def run(self, *tables: str, **parameters: str) -> Any:
        """Run some of the job's tasks from the Databricks side, as a person would."""
        tasks = [table.replace(".", "-") for table in tables]
        waiter = self.client("deployer").jobs.run_now(self.job_id, only=tasks, job_parameters=parameters or None)
        return waiter.result(timeout=timedelta(seconds=60)) if parameters.get("start") != "nonsense" else waiter.bind()

    def tick(self) -> list[dg.RunRequest]:
        """What the sensor asks for now."""
        context = dg.build_sensor_context(self.flow.instance, self.cursor, definitions=defs)
        tick = databricks_runs(context)
        assert isinstance(tick, dg.SensorResult)
        self.cursor = tick.cursor
        self.skipped = tick.skip_reason.skip_message if isinstance(tick.skip_reason, dg.SkipReason) else ""
        return list(tick.run_requests or [])

    def collect(self, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
        """Execute what was asked for, as the daemon's launched run does."""
        return defs.resolve_job_def("collect").execute_in_process(
            run_config=QUIET,
            instance=self.flow.instance,
            tags=dict(request.tags),
            asset_selection=list(request.asset_selection or []),
            raise_on_error=False,
        )


@pytest.fixture(scope="module")
def deployed(flow: Flow) -> Deployed:
    flow.land(date(2013, 1, 2), date(2013, 1, 2))
    result = defs.resolve_job_def("deploy").execute_in_process(run_config=QUIET, instance=flow.instance)
    (made,) = result.get_asset_materialization_events()
    assert made.asset_key == resource_key("job", FLIGHTS.name)
    return Deployed(flow, int(str(made.materialization.metadata["databricks/job_id"].value)))


def materializations(result: dg.ExecuteInProcessResult, table: str) -> list[dg.AssetMaterialization]:
    events = result.get_asset_materialization_events()
    return [event.materialization for event in events if event.asset_key == table_key(table)]


def test_what_was_changed_by_hand_is_found_and_mended(deployed: Deployed) -> None:
    pipeline, target = deployed.client("pipeline"), deployed.flow.target
    declared = describe_job(FLIGHTS, target)
    assert find_differences(pipeline, declared) == []
    tags = {"team": "mine", **FLIGHTS.mark(target)}
    pipeline.jobs.update(deployed.job_id, new_settings=JobSettings(max_concurrent_runs=7, tags=tags))
    assert find_differences(pipeline, declared) == [
        "max_concurrent_runs",
        "tags.domain",
        "tags.team",
    ]
    job_id, mended = deploy_job(pipeline, declared)
    assert (job_id, len(mended)) == (deployed.job_id, 3)
    assert deploy_job(pipeline, declared) == (deployed.job_id, [])


def test_somebody_elses_job_of_the_name_is_neither_reset_nor_followed(deployed: Deployed) -> None:
    pipeline, admin, target = deployed.client("pipeline"), deployed.client("admin"), deployed.flow.target
    declared = describe_job(replace(FLIGHTS, name="theirs"), target)
    manage = [allow(target.principals["pipeline"], "CAN_MANAGE")]
    for name, tags in ((declared.name.upper(), FLIGHTS.mark(target)), (declared.name, {"estate": "lakehouse-else"})):
        job_id = admin.jobs.create(name=name, tags=tags, access_control_list=manage).job_id or 0
        before = admin.jobs.get(job_id).as_dict()
        for act in (find_differences, deploy_job):
            with pytest.raises(NotOurJob, match=rf"{name!r} \(id {job_id}, made by admin@lakehouse.example\)"):
                act(pipeline, declared)
        assert find_job(pipeline, declared.name, declared.mark) is None
        assert admin.jobs.get(job_id).as_dict() == before
        admin.jobs.delete(job_id)


def test_who_may_look_may_not_run_and_others_do_not_see_it(deployed: Deployed) -> None:
    target = deployed.flow.target
    with pytest.raises(PermissionDenied, match="does not have Admin or Manage Run or Owner permissions"):
        deployed.client("analyst").jobs.run_now(deployed.job_id)
    with pytest.raises(PermissionDenied, match="does not have Admin or Owner permissions"):
        deployed.client("deployer").jobs.delete(deployed.job_id)
    assert find_job(deployed.client("outsider"), FLIGHTS.physical_name(target), FLIGHTS.mark(target)) is None


def test_a_run_of_databricks_is_materialized_once(deployed: Deployed, capsys: pytest.CaptureFixture[str]) -> None:
    run = deployed.run(BRONZE, start=DAY, end="2013-01-03-1d")
    (request,) = deployed.tick()
    result = deployed.collect(request)
    assert result.success
    (bronze,) = materializations(result, BRONZE)
    assert bronze.partition == DAY
    assert bronze.metadata["databricks/run_id"].value == run.run_id
    assert bronze.metadata["dagster/row_count"].value == 943
    assert bronze.metadata["databricks/run_url"].value == (run.tasks or [])[0].run_page_url
    assert int(str(bronze.metadata["delta_version"].value)) >= 0
    checks = {check.check_name: check.passed for check in result.get_asset_check_evaluations()}
    assert checks == {"landed_files": True, "day_landed": True, "nothing_unreadable": True}
    assert capsys.readouterr().out.count("wrote 943 rows into flights.bronze.flights") == 1
    assert deployed.tick() == [] and deployed.skipped == "No run that was not asked for"
    deployed.cursor = None
    assert deployed.tick() == [], "also when the cursor was lost"
    again = deployed.collect(request)
    assert not again.success and not materializations(again, BRONZE), "two daemons: the first one's run counts"


def test_a_failed_run_is_a_failed_run(deployed: Deployed) -> None:
    with pytest.raises(Exception, match="failed"):
        deployed.run(ROUTES)
    (request,) = deployed.tick()
    result = deployed.collect(request)
    assert not result.success and not materializations(result, ROUTES)
    failure = result.failure_data_for_node("flights__gold__route_performance")
    assert failure is not None and failure.error is not None
    assert "TABLE_OR_VIEW_NOT_FOUND" in (failure.error.cause or failure.error).message
    assert "up_for_retry" not in str([event.event_type_value for event in result.all_events]).lower()


def test_days_that_are_none_are_told_and_not_materialized(deployed: Deployed) -> None:
    run_id = deployed.run(BRONZE, start="nonsense", end=DAY)["run_id"]
    assert deployed.tick() == []
    assert deployed.skipped == (
        f"Databricks run {run_id} of flights-tables is not collected: The parameter start is 'nonsense', which is no "
        "day: it is like 2013-01-31, or 2013-01-31-1d"
    )
    assert not deployed.flow.instance.get_runs(dg.RunsFilter(tags={JOB_RUN_TAG: str(run_id)}))
