"""The JAR flow's last asset: the run of the job whose task is the JAR, with a check of what it printed.

Source, upload, volume and job before it are resources of the estate (declarations/artifacts.py).
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from lakehouse.jars import HELLO_SPARK
from lakehouse.serverless import run_job
from lakehouse.targets import current_target
from lakehouse.workspace import open_workspace
from platform_assets.assets import OWNER
from platform_assets.declarations.artifacts import TEST_JAR_JOB
from platform_assets.resource_types.ownership import mark_labels

EXPECTED = "Count is: 99"
CHECK = "prints_the_count"
KEY = dg.AssetKey(["job_run", TEST_JAR_JOB.name])


@dg.asset(
    key=KEY,
    deps=[dg.AssetKey(TEST_JAR_JOB.key.split("/"))],
    check_specs=[dg.AssetCheckSpec(CHECK, asset=KEY, description=f"JAR and notebook both say {EXPECTED!r}.")],
    group_name="platform_jobs",
    kinds={"databricks", "java", "spark"},
    owners=[OWNER],
    tags={"domain": "platform"},
)
def run_test_jar_job(context: dg.AssetExecutionContext) -> Iterator[Any]:
    """A run of the job test-jar-job: HelloSpark from the volume, and a notebook that counts the same."""
    target = current_target()
    run = run_job(open_workspace(target, "pipeline"), context, TEST_JAR_JOB.physical_name(target), mark_labels(target))
    printed = {task: text.strip() for task, text in run.printed.items()}
    expected = dict.fromkeys((HELLO_SPARK.name, *TEST_JAR_JOB.notebooks), EXPECTED)
    yield dg.MaterializeResult(
        metadata={**run.metadata, **{f"{task} printed": text for task, text in printed.items()}},
        check_results=[dg.AssetCheckResult(passed=printed == expected, check_name=CHECK, metadata={**printed})],
    )
