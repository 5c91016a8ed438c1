"""The tables as persistent jobs of Databricks: a task for each step, from the same declarations as the assets.

A job can be run from the Databricks side, by hand or by its schedule; `job_runs` brings its runs to Dagster.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from data_assets.plans import describe_plan
from data_assets.remote_steps import (
    ENVIRONMENT,
    PIPES_VOLUME,
    TEAM,
    describe_environment,
    find_before,
    task_key,
)
from data_assets.steps._job import END, MESSAGES, PLAN, RUN, START
from data_assets.tables import LAYERS, STEPS, Step
from lakehouse.names import REQUESTED_BY, volume_path
from lakehouse.targets import Target
from lakehouse.wheels import STEPS as WHEEL

if TYPE_CHECKING:
    from databricks.sdk.service.jobs import JobEmailNotifications, Task, WebhookNotifications

    from lakehouse.serverless import DeployedJob


@dataclass(frozen=True)
class TablesJob:
    """A persistent job that builds the tables of a catalog, bronze to gold.

    `days`: what the parameters start and end are when nobody says otherwise; they may hold references such as
    `{{job.start_time.iso_date}}-1d`, the day before the run. `schedule`: a Quartz expression, in UTC.
    `permissions`: the level of a role, such as CAN_MANAGE_RUN.
    """

    name: str
    catalog: str
    description: str
    days: tuple[str, str]
    schedule: str
    is_paused: bool = False
    permissions: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def steps(self) -> list[Step]:
        """The steps that are its tasks."""
        tables = [(step, step.tables[0].parsed) for step in STEPS]
        return [step for step, table in tables if table.catalog == self.catalog and table.schema in LAYERS]

    def physical_name(self, target: Target) -> str:
        """Return what the job is called on the target."""
        return f"{target.bucket_prefix}-{self.name}"

    def mark(self, target: Target) -> dict[str, str]:
        """Return the tags that tell it from somebody else's job of that name."""
        return {"deployed_by": "data_assets", "estate": target.bucket_prefix}


# The data set is of 2013: no day is ever yesterday's, and a run that is not told its days loads all of them again. Its
# schedule waits for those who have no Dagster to sense what arrives; two would load the same twice.
FLIGHTS = TablesJob(
    "flights-tables",
    catalog="flights",
    description="Flights, bronze to gold, over a range of days",
    days=("2013-01-01", "2013-12-31"),
    schedule="0 45 5 * * ?",
    is_paused=True,
    permissions={"deployer": "CAN_MANAGE_RUN", "analysts": "CAN_VIEW"},
)
PERSISTENT_JOBS = (FLIGHTS,)


def describe_job(job: TablesJob, target: Target) -> DeployedJob:
    """Return the job as Databricks is to have it."""
    from databricks.sdk.service.jobs import (
        CronSchedule,
        JobParameterDefinition,
        JobSettings,
        PauseStatus,
        QueueSettings,
    )

    from lakehouse.serverless import DeployedJob

    start, end = job.days
    parameters = {"start": start, "end": end, REQUESTED_BY: "a person"}
    paused = PauseStatus.PAUSED if job.is_paused else PauseStatus.UNPAUSED
    settings = JobSettings(
        name=job.physical_name(target),
        description=f"{job.description} (deployed from {WHEEL.file_name})",
        tasks=[_describe_task(step, job, target) for step in job.steps],
        environments=[describe_environment(target)],
        parameters=[JobParameterDefinition(name, default) for name, default in parameters.items()],
        schedule=CronSchedule(job.schedule, "UTC", paused),
        max_concurrent_runs=1,  # two would write the same gold tables
        queue=QueueSettings(True),
        tags={"domain": job.catalog, "team": TEAM, **job.mark(target)},
        budget_policy_id=target.budget_policy_id,
        email_notifications=_mail(target),
        webhook_notifications=_call(target),
    )
    levels = {target.principals[role]: level for role, level in job.permissions.items()}
    return DeployedJob(settings, job.mark(target), levels)


def _describe_task(step: Step, job: TablesJob, target: Target) -> Task:
    from dagster_pipes import encode_param
    from databricks.sdk.service.jobs import PythonWheelTask, Task, TaskDependency

    from data_assets.assets import DAILY
    from lakehouse.serverless.collection import name_directory, name_folder
    from lakehouse.serverless.parameters import require_size

    key = task_key(step)
    folder = f"{name_directory('{{job.run_id}}')}/{name_folder(key, '{{task.run_id}}')}"
    parameters = [
        f"{PLAN}={encode_param(describe_plan(step, target, None, DAILY))}",
        f"{START}={{{{job.parameters.start}}}}",
        f"{END}={{{{job.parameters.end}}}}",
        f"{MESSAGES}={volume_path(target, PIPES_VOLUME)}/{folder}",
        f"{RUN}={{{{job.run_id}}}}",
    ]
    require_size(key, parameters)
    return Task(
        key,
        description=step.tables[0].comment,
        python_wheel_task=PythonWheelTask(WHEEL.package, "run-step", parameters=parameters),
        environment_key=ENVIRONMENT,
        depends_on=[TaskDependency(task_key(other)) for other in find_before(step, job.steps)] or None,
        timeout_seconds=target.step_timeout_seconds,
    )


def _mail(target: Target) -> JobEmailNotifications | None:
    from databricks.sdk.service.jobs import JobEmailNotifications

    return JobEmailNotifications(on_failure=list(target.alert_emails)) if target.alert_emails else None


def _call(target: Target) -> WebhookNotifications | None:
    from databricks.sdk.service.jobs import Webhook, WebhookNotifications

    destinations = [Webhook(one) for one in target.alert_destinations]
    return WebhookNotifications(on_failure=destinations) if destinations else None
