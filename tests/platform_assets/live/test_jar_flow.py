"""The JAR flow: source, JAR, S3, volume, job, run, check; what drifted is mended; there is never a second job."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import dagster as dg
import pytest
from databricks.sdk import WorkspaceClient

from demo.dagster_runs import QUIET
from lakehouse.jars import HELLO_SPARK
from lakehouse.jobs import find_job_ids
from lakehouse.targets import Target
from lakehouse.workspace import open_workspace
from platform_assets.declarations import RESOURCES
from platform_assets.declarations.artifacts import TEST_JAR_JOB
from platform_assets.definitions import defs
from platform_assets.estate import apply_estate, plan_estate
from platform_assets.jar_flow import CHECK, EXPECTED, KEY
from platform_assets.resource_types.model import Clients
from platform_assets.resource_types.ownership import mark_labels
from tests.platform_assets.live.conftest import Gateway, NewTarget

(JAR,) = [one for one in RESOURCES if one.type_name == "jar"]


def run_flow(raise_on_error: bool = True) -> dg.ExecuteInProcessResult:
    return defs.resolve_job_def("jar_flow").execute_in_process(run_config=QUIET, raise_on_error=raise_on_error)


def test_from_source_to_the_count(estate: Target, capfd: pytest.CaptureFixture[str]) -> None:
    result = run_flow()
    (check,) = [one for one in result.get_asset_check_evaluations() if one.check_name == CHECK]
    assert check.passed, check.metadata
    (made,) = [one for one in result.get_asset_materialization_events() if one.asset_key == KEY]
    assert made.materialization.metadata["hello-spark printed"].value == EXPECTED
    assert made.materialization.metadata["count_range printed"].value == EXPECTED
    assert EXPECTED in capfd.readouterr().out
    reconciled = {one.asset_key.to_user_string() for one in result.get_asset_materialization_events() if one.asset_key}
    assert {"s3_bucket/artifacts", "storage_credential/lake_storage", "external_location/artifacts"} <= reconciled
    stored = Clients(estate).aws("s3").list_objects_v2(Bucket=estate.bucket("artifacts"), Prefix="libs/")["Contents"]
    assert [one["Key"] for one in stored] == [f"libs/{HELLO_SPARK.file_name}"]


def test_a_person_who_may_only_look_cannot_run_the_job(estate: Target) -> None:
    (job_id,) = find_job_ids(
        Clients(estate, "analyst").workspace, TEST_JAR_JOB.physical_name(estate), mark_labels(estate)
    )
    with pytest.raises(Exception, match=f"does not have Admin or Manage Run or Owner permissions on job {job_id}"):
        open_workspace(estate, "analyst").jobs.run_now(job_id)
    outsider = Clients(estate, "outsider").workspace
    assert find_job_ids(outsider, TEST_JAR_JOB.physical_name(estate), mark_labels(estate)) == []


def test_what_drifted_is_planned_and_mended(applied: Target) -> None:
    clients = Clients(applied)
    clients.workspace.files.delete(JAR.physical_name(applied))
    (job_id,) = find_job_ids(clients.workspace, TEST_JAR_JOB.physical_name(applied), mark_labels(applied))
    by_hand = {"task_key": "by_hand", "notebook_task": {"notebook_path": "/Shared/x"}}
    settings: dict[str, Any] = {"max_concurrent_runs": 7, "tasks": [by_hand]}
    clients.workspace.api_client.do("POST", "/api/2.2/jobs/update", body={"job_id": job_id, "new_settings": settings})
    plan = plan_estate(applied)
    changes = {step.key: {change.field for change in step.changes} for step in plan.changed}
    assert changes == {JAR.key: {"in_volume"}, TEST_JAR_JOB.key: {"tasks", "max_concurrent_runs"}}
    assert apply_estate(applied).failures == ()
    assert plan_estate(applied).is_empty
    assert clients.workspace.files.get_metadata(JAR.physical_name(applied)).content_length


def test_a_copy_that_fails_says_why(applied: Target) -> None:
    clients = Clients(applied)
    clients.workspace.files.delete(JAR.physical_name(applied))
    s3, bucket, key = clients.aws("s3"), applied.bucket("artifacts"), f"libs/{HELLO_SPARK.file_name}"
    plan = plan_estate(applied)
    body = s3.get_object(Bucket=bucket, Key=key)
    s3.delete_object(Bucket=bucket, Key=key)
    from platform_assets.estate import carry_out

    report = carry_out(applied, plan)
    (failed, *skipped) = report.failures
    assert failed.error.startswith(f"jar/hello-spark ({JAR.physical_name(applied)}): NotebookFailed: ")
    assert key in failed.error
    assert [one.key for one in skipped] == [TEST_JAR_JOB.key]
    assert body["ContentLength"] and apply_estate(applied).failures == ()
    assert plan_estate(applied).is_empty


def test_a_lost_answer_makes_no_second_job(new_target: NewTarget, gateway: Gateway) -> None:
    target = new_target()
    deployer = target.principals["deployer"]
    for path in ("/api/2.2/jobs/create", "/api/2.*/jobs/runs/submit", "/api/2.0/workspace/import"):
        gateway.add_fault(method="POST", path=path, principal=deployer, drop="after", times=1)
    assert [failure.error for failure in apply_estate(target).failures] == []
    assert [rule["hits"] for rule in gateway.faults()] == [1, 1, 1]
    assert plan_estate(target).is_empty
    assert len(find_job_ids(Clients(target).workspace, TEST_JAR_JOB.physical_name(target), mark_labels(target))) == 1


def test_of_two_that_create_it_at_once_each_takes_the_first(
    new_target: NewTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both see both jobs, and both delete the second."""
    target, at_once = new_target(), Barrier(2, timeout=30)

    def find_together(workspace: WorkspaceClient, name: str, mark: dict[str, str]) -> list[int]:
        at_once.wait()
        found = find_job_ids(workspace, name, mark)
        at_once.wait()
        return found

    monkeypatch.setattr("platform_assets.resource_types.job.find_job_ids", find_together)
    desired = TEST_JAR_JOB.desired(target)
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda _: TEST_JAR_JOB.create(Clients(target), desired), range(2)))
    assert len(find_job_ids(Clients(target).workspace, TEST_JAR_JOB.physical_name(target), mark_labels(target))) == 1
