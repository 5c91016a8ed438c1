"""Serverless Databricks runs as Dagster steps: submit once, follow, collect messages, cancel, fail honestly.

What runs remotely is the caller's; how a step is written is in data_assets/steps.
"""

from lakehouse.serverless.cleaning import clean_messages
from lakehouse.serverless.collection import JOB_RUN_TAG
from lakehouse.serverless.deployed_jobs import DeployedJob, deploy_job, find_differences
from lakehouse.serverless.fusion import FUSION_TAG, FusedStep, contexts_of_run
from lakehouse.serverless.job_runs import run_job
from lakehouse.serverless.runs import ServerlessRuns
from lakehouse.serverless.statements import run_statement

__all__ = [
    "FUSION_TAG",
    "JOB_RUN_TAG",
    "DeployedJob",
    "FusedStep",
    "ServerlessRuns",
    "clean_messages",
    "contexts_of_run",
    "deploy_job",
    "find_differences",
    "run_job",
    "run_statement",
]
