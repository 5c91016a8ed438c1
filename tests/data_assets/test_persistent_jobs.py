"""Persistent jobs as they are rendered, their days, and what the sensor makes of a run of one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster_pipes import encode_param
from databricks.sdk.service.jobs import BaseRun, JobParameter, RunTask

from data_assets.assets import DAILY
from data_assets.job_runs import RANGE_TAGS, UnknownDays, UnreadableCursor, find_days, make_request, parse_cursor
from data_assets.persistent_jobs import FLIGHTS, PERSISTENT_JOBS, TablesJob, describe_job
from data_assets.plans import describe_plan
from data_assets.steps._job import JobParamsLoader, parse_days
from data_assets.steps._plan import InvalidPlan, parse_plan
from data_assets.tables import STEPS
from lakehouse.serverless import JOB_RUN_TAG
from lakehouse.targets import local_target

TARGET = local_target(Path("/state"))
STARTED = int(datetime(2013, 2, 1, 0, 30, tzinfo=UTC).timestamp() * 1000)
YESTERDAY = "{{job.start_time.iso_date}}-1d"


def rendered(job: TablesJob = FLIGHTS, **changes: Any) -> dict[str, Any]:
    return describe_job(job, replace(TARGET, **changes)).settings.as_dict()


def run_of(*tasks: str, **parameters: str) -> BaseRun:
    given = [JobParameter(name=name, value=value) for name, value in parameters.items()]
    return BaseRun(run_id=7, start_time=STARTED, tasks=[RunTask(task_key=one) for one in tasks], job_parameters=given)


def test_a_task_waits_for_those_whose_tables_it_reads() -> None:
    tasks = {task["task_key"]: task for task in rendered()["tasks"]}
    before = {key: sorted(one["task_key"] for one in task.get("depends_on", [])) for key, task in tasks.items()}
    assert before["flights-bronze-flights"] == []
    assert before["flights-gold-route_performance"] == ["flights-bronze-airports", "flights-silver-flights"]
    assert len(tasks) == len(FLIGHTS.steps)


def test_who_pays_and_who_is_told_stands_in_the_job() -> None:
    mark = {"deployed_by": "data_assets", "estate": "lakehouse-local"}
    assert rendered()["tags"] == {"domain": "flights", "team": "data-platform", **mark}
    assert rendered()["email_notifications"] == {"on_failure": ["data-platform@example.com"]}
    assert {"webhook_notifications", "budget_policy_id"} & rendered().keys() == set()
    changed = rendered(alert_emails=(), alert_destinations=("d1",), budget_policy_id="p1")
    assert "email_notifications" not in changed
    assert changed["webhook_notifications"] == {"on_failure": [{"id": "d1"}]}
    assert changed["budget_policy_id"] == "p1"


@pytest.mark.parametrize("job", PERSISTENT_JOBS, ids=lambda job: job.name)
def test_a_schedule_is_quartz_in_utc(job: TablesJob) -> None:
    from local_workspace.services.jobs.quartz import parse_schedule

    schedule = rendered(job)["schedule"]
    assert schedule["timezone_id"] == "UTC"
    assert parse_schedule(schedule["quartz_cron_expression"], "UTC").next_after(datetime.now(UTC))
    unpaused = rendered(replace(job, is_paused=False))["schedule"]
    assert (schedule["pause_status"], unpaused["pause_status"]) == ("PAUSED", "UNPAUSED")


@pytest.mark.parametrize("step", FLIGHTS.steps, ids=lambda step: step.name)
def test_a_task_is_told_what_dagster_would_tell_it(step: Any) -> None:
    plan = encode_param(describe_plan(step, TARGET, None, DAILY))
    loader = JobParamsLoader([f"--job-plan={plan}", "--start=2013-01-02", "--end=2013-02-01-1d", "--messages=/m"])
    assert loader.is_dagster_pipes_process() and loader.load_messages_params() == {"path": "/m"}
    told = parse_plan(loader.load_context_params()["data"]["extras"])
    days = ("2013-01-02", "2013-01-31") if step.daily else None
    assert told == parse_plan(describe_plan(step, TARGET, days, DAILY))


def test_what_dagster_started_is_not_a_job() -> None:
    assert not JobParamsLoader(["--dagster-pipes-context", "x"]).is_dagster_pipes_process()


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        ("", "2013-01-01", "start is ''"),
        ("2013-01-01", "2013-02-30", "end is '2013-02-30'"),
        ("2013-01-01", "2013-01-01-99999d", "end is"),
        ("0001-01-01-1d", "2013-01-01", "start is"),
        (YESTERDAY, "2013-01-01", "start is"),
        ("2013-01-02", "2013-01-01", "The parameter start, 2013-01-02, is after end, 2013-01-01"),
    ],
)
def test_days_that_are_none_are_refused(start: str, end: str, message: str) -> None:
    with pytest.raises(InvalidPlan, match=message):
        parse_days(start, end)


def test_a_run_asks_for_the_tables_of_its_tasks_over_its_days() -> None:
    request = make_request(FLIGHTS, run_of("flights-silver-flights", start="2013-01-02", end="2013-01-04"))
    assert [key.path[-1] for key in request.asset_selection or []] == ["flights", "flights_quarantine"]
    assert request.run_key == "databricks-7" and request.tags[JOB_RUN_TAG] == "7"
    assert [request.tags[tag] for tag in RANGE_TAGS] == ["2013-01-02", "2013-01-04"]


def test_a_run_without_daily_tables_has_no_days() -> None:
    request = make_request(FLIGHTS, run_of("flights-bronze-airlines", start="nonsense"))
    assert not set(RANGE_TAGS) & set(request.tags)


def test_days_may_be_told_from_when_the_run_started() -> None:
    assert find_days(FLIGHTS, run_of(start=YESTERDAY, end=YESTERDAY)) == ("2013-01-31", "2013-01-31")
    assert find_days(replace(FLIGHTS, days=(YESTERDAY, YESTERDAY)), run_of()) == ("2013-01-31", "2013-01-31")


def test_days_that_are_no_partitions_are_refused() -> None:
    with pytest.raises(UnknownDays, match="2013-12-31 to 2014-01-01 are not within 2013-01-01 to 2013-12-31"):
        find_days(FLIGHTS, run_of(start="2013-12-31", end="2014-01-01"))


def test_a_lost_worker_is_replaced_and_a_failed_task_is_not_tried_again() -> None:
    tags = make_request(FLIGHTS, run_of("flights-bronze-airlines")).tags
    assert tags["dagster/retry_on_asset_or_op_failure"] == "false" and int(tags["dagster/max_retries"]) > 0


def test_a_cursor_of_somebody_else_is_refused() -> None:
    assert (parse_cursor(None), parse_cursor('{"since": 5}')) == (0, 5)
    for text in ("x", "[]", '{"since": "a"}', "{}"):
        with pytest.raises(UnreadableCursor, match="reset it in the UI"):
            parse_cursor(text)


def test_the_job_builds_every_table_but_those_about_runs() -> None:
    built = {step.name for job in PERSISTENT_JOBS for step in job.steps}
    assert built == {step.name for step in STEPS if step.tables[0].parsed.schema in ("bronze", "silver", "gold")}


def test_it_is_deployed_after_what_it_needs() -> None:
    from data_assets.deployment import build_deployment

    (spec,) = build_deployment(FLIGHTS).specs
    needed = {dep.asset_key.to_user_string() for dep in spec.deps}
    assert {"wheel/lakehouse_steps", "grants/volume/flights/ops/pipes", "grants/schema/flights/gold"} <= needed
    assert dg.AssetKey(["flights", "bronze", "flights"]).to_user_string() not in needed
