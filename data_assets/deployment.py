"""Persistent jobs as assets: materializing one deploys it, its check says whether it still is as declared."""

from typing import Any

import dagster as dg

from data_assets.assets import OWNER
from data_assets.lineage import list_grants, list_runtime
from data_assets.persistent_jobs import PERSISTENT_JOBS, TablesJob, describe_job
from lakehouse.names import resource_key
from lakehouse.targets import current_target
from lakehouse.wheels import STEPS as WHEEL

GROUP = "persistent_jobs"


def build_deployments() -> list[dg.AssetsDefinition]:
    """Return the assets of all persistent jobs."""
    return [build_deployment(job) for job in PERSISTENT_JOBS]


def build_checks() -> list[dg.AssetChecksDefinition]:
    """Return the checks of all persistent jobs."""
    return [build_check(job) for job in PERSISTENT_JOBS]


def build_deployment(job: TablesJob) -> dg.AssetsDefinition:
    """Return the asset that is the job in the workspace."""

    @dg.asset(
        key=job_key(job),
        deps=list_resources(job),
        description=f"The persistent job {job.name}: {job.description}",
        group_name=GROUP,
        kinds={"databricks"},
        owners=[OWNER],
        tags={"domain": job.catalog},
        automation_condition=when_steps_are_new(),
    )
    def deploy(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        from lakehouse.serverless import deploy_job
        from lakehouse.workspace import open_workspace

        target = current_target()
        workspace = open_workspace(target, "pipeline")  # whose rights the job's runs then have
        job_id, differences = deploy_job(workspace, describe_job(job, target))
        context.log.info("Job %s: %s", job_id, ", ".join(differences) or "as declared")
        return dg.MaterializeResult(
            metadata={
                "databricks/job_id": job_id,
                "databricks/job_url": dg.MetadataValue.url(f"{workspace.config.host}/#job/{job_id}"),
                "changed": dg.MetadataValue.json(differences),
                "wheel": WHEEL.file_name,
            }
        )

    return deploy


def build_check(job: TablesJob) -> dg.AssetChecksDefinition:
    """Return the check that finds what was changed by hand, or not deployed since it was declared."""

    @dg.asset_check(asset=job_key(job), name="as_declared", description="The job in the workspace is as declared")
    def is_as_declared() -> dg.AssetCheckResult:
        from lakehouse.serverless import find_differences
        from lakehouse.workspace import open_workspace

        target = current_target()
        differences = find_differences(open_workspace(target, "pipeline"), describe_job(job, target))
        return dg.AssetCheckResult(
            passed=not differences,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"differences": dg.MetadataValue.json(differences)},
        )

    return is_as_declared


def when_steps_are_new() -> dg.AutomationCondition[Any]:
    """Return the condition to deploy a job again that was deployed before: there is another wheel."""
    condition = dg.AutomationCondition
    wheel = dg.AssetSelection.assets(resource_key("wheel", WHEEL.package))
    is_new = condition.any_deps_updated().allow(wheel).since_last_handled()
    return is_new & ~condition.missing() & ~condition.in_progress()


def job_key(job: TablesJob) -> dg.AssetKey:
    """Return the job's asset key."""
    return resource_key("job", job.name)


def list_resources(job: TablesJob) -> list[dg.AssetKey]:
    """Return the platform resources without which a run of the job cannot do its work."""
    grants = {key for step in job.steps for table in step.tables for key in list_grants(step, table)}
    return sorted({*grants, *list_runtime()})
