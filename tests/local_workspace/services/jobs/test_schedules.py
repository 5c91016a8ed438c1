"""Schedules of jobs: they fire once for each time, paused ones never, and what is no schedule is refused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import InvalidParameterValue
from databricks.sdk.service.jobs import (
    CronSchedule,
    JobEmailNotifications,
    JobSettings,
    PauseStatus,
    SparkPythonTask,
    Task,
    TriggerType,
    Webhook,
    WebhookNotifications,
)

from local_workspace.services.jobs.clock import ScheduleClock
from tests.local_workspace.services.jobs.harness import JobsServer, environment, wait_for_run

NOW = datetime(2026, 1, 30, 12, tzinfo=UTC)
EVERY_MINUTE = CronSchedule("0 * * * * ?", "UTC", PauseStatus.UNPAUSED)


@pytest.fixture
def task(jobs_server: JobsServer) -> Task:
    path = jobs_server.add_script("scheduled.py", "print('on time')")
    return Task("main", spark_python_task=SparkPythonTask(path), environment_key="default")


@pytest.fixture
def job_id(client: WorkspaceClient, task: Task) -> Iterator[int]:
    made = client.jobs.create(name="timed", tasks=[task], environments=[environment()], schedule=EVERY_MINUTE)
    assert made.job_id is not None
    yield made.job_id
    client.jobs.delete(made.job_id)


def test_a_schedule_fires_once_for_each_time(jobs_server: JobsServer, client: WorkspaceClient, job_id: int) -> None:
    clock, another = ScheduleClock(jobs_server.workspace), ScheduleClock(jobs_server.workspace)
    assert clock.tick(NOW) == another.tick(NOW) == []
    minute = NOW + timedelta(minutes=1)
    (run_id,) = clock.tick(minute)
    assert another.tick(minute) == [run_id], "two clocks start one run"
    assert clock.tick(minute + timedelta(seconds=1)) == []
    ended = wait_for_run(client, run_id)
    assert (ended.result, ended.run.trigger) == ("SUCCESS", TriggerType.PERIODIC)
    assert ended.run.schedule == EVERY_MINUTE and ended.run.creator_user_name == "pipeline"
    assert len(clock.tick(minute + timedelta(minutes=5))) == 1, "what was missed is not made up for"


def test_a_paused_schedule_does_not_fire(jobs_server: JobsServer, client: WorkspaceClient, job_id: int) -> None:
    clock = ScheduleClock(jobs_server.workspace)
    clock.tick(NOW)
    paused = CronSchedule("0 * * * * ?", "UTC", PauseStatus.PAUSED)
    client.jobs.update(job_id, new_settings=JobSettings(schedule=paused))
    assert clock.tick(NOW + timedelta(minutes=1)) == []
    client.jobs.update(job_id, new_settings=JobSettings(schedule=EVERY_MINUTE))
    assert clock.tick(NOW + timedelta(minutes=2)) == [], "it counts from when it is resumed"


def test_runs_of_a_schedule_are_at_least_ten_seconds_apart(
    jobs_server: JobsServer, client: WorkspaceClient, job_id: int
) -> None:
    each_second = CronSchedule("* * * * * ?", "UTC", PauseStatus.UNPAUSED)
    client.jobs.update(job_id, new_settings=JobSettings(schedule=each_second, max_concurrent_runs=10))
    clock = ScheduleClock(jobs_server.workspace)
    fired = [second for second in range(25) if clock.tick(NOW + timedelta(seconds=second))]
    assert fired == [1, 11, 21]


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        (CronSchedule("0 5 * * *", "UTC"), "Invalid quartz_cron_expression '0 5 \\* \\* \\*': 5 fields"),
        (CronSchedule("0 0 5 * * ?", "Mars"), "time zone: 'Mars'"),
        (CronSchedule("0 0 5 * * ?", ""), "Missing required field: schedule.timezone_id"),
    ],
)
def test_a_wrong_schedule_is_refused(client: WorkspaceClient, task: Task, schedule: CronSchedule, message: str) -> None:
    with pytest.raises(InvalidParameterValue, match=message):
        client.jobs.create(name="wrong", tasks=[task], environments=[environment()], schedule=schedule)


def test_addresses_are_kept_and_what_is_not_there_is_refused(client: WorkspaceClient, task: Task, job_id: int) -> None:
    mail = JobEmailNotifications(on_failure=["team@example.com"])
    client.jobs.update(job_id, new_settings=JobSettings(email_notifications=mail, tags={"team": "data"}))
    settings = client.jobs.get(job_id).settings
    assert settings is not None and settings.email_notifications == mail and settings.tags == {"team": "data"}
    refused = {
        "Invalid e-mail address 'team'": JobSettings(email_notifications=JobEmailNotifications(on_failure=["team"])),
        "destination 'd1' does not exist": JobSettings(
            webhook_notifications=WebhookNotifications(on_failure=[Webhook("d1")])
        ),
        "at most 25 tags": JobSettings(tags={f"t{number}": "" for number in range(26)}),
        "Budget policy 'p1' does not exist": JobSettings(budget_policy_id="p1"),
    }
    for message, change in refused.items():
        with pytest.raises(InvalidParameterValue, match=message):
            client.jobs.update(job_id, new_settings=change)
