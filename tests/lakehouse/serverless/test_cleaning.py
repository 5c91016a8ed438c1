"""Messages go when nobody can ask for them any more, and not before."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from lakehouse.serverless import clean_messages
from tests.lakehouse.serverless.conftest import VOLUME, Remote

ROOT = f"{VOLUME}/old_messages"
LATER = datetime.now(UTC) + timedelta(days=8)


@pytest.fixture
def instance() -> dg.DagsterInstance:
    return dg.DagsterInstance.ephemeral()


def put_messages(remote: Remote, run_id: str) -> None:
    for name in ("token/1.json", "token/2.json", "token.news"):
        remote.client.files.upload(f"{ROOT}/{run_id}/{name}", io.BytesIO(b"x"), overwrite=True)


def left(remote: Remote) -> set[str]:
    return {str(entry.name) for entry in remote.client.files.list_directory_contents(ROOT)}


def add_run(instance: dg.DagsterInstance, status: dg.DagsterRunStatus, tags: dict[str, str] | None = None) -> str:
    @dg.op
    def nothing() -> None: ...

    @dg.job
    def job() -> None:
        nothing()

    if status is dg.DagsterRunStatus.SUCCESS:
        return job.execute_in_process(instance=instance, tags=tags or {}).run_id
    return instance.create_run_for_job(job, tags=tags or {}).run_id


def test_only_what_ended_long_ago_is_removed(remote: Remote, instance: dg.DagsterInstance) -> None:
    ended = add_run(instance, dg.DagsterRunStatus.SUCCESS)
    active = add_run(instance, dg.DagsterRunStatus.NOT_STARTED)
    retried = add_run(instance, dg.DagsterRunStatus.SUCCESS)
    add_run(instance, dg.DagsterRunStatus.NOT_STARTED, tags={"dagster/root_run_id": retried})
    for run_id in (ended, active, retried, "unknown"):
        put_messages(remote, run_id)
    assert list(clean_messages(remote.client, ROOT, instance)) == []
    removed = set(clean_messages(remote.client, ROOT, instance, now=LATER))
    assert removed == {ended, "unknown"}
    assert left(remote) == {active, retried}
    assert list(clean_messages(remote.client, ROOT, instance, now=LATER)) == []
