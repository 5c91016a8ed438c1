"""A service that is unwell for as long as the step lasts: every step completes, once, with every message in order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest

from tests.lakehouse.serverless.conftest import SCRIPTS, Remote
from tests.lakehouse.serverless.crashes import CODE, LINES

# the messages only: the run itself reads its script through the same gateway
JOBS, READ = {"path": "/api/2.*/jobs/runs/*"}, {"path": "/api/2.0/fs/*/pipes/*", "method": "GET"}
FOR_EVER = {"times": None}
STORMS = {
    "throttled": [{**where, "every": 3, "status": 429, "retry_after": 1} for where in (JOBS, READ)],
    "unavailable": [{**where, "every": 3, "status": 503} for where in (JOBS, READ)],
    "reset": [{**where, "every": 3, "drop": drop} for where, drop in ((JOBS, "after"), (READ, "before"))],
    "slow": [{**where, "delay_s": 2.0} for where in (JOBS, READ)],
}


@pytest.fixture
def storm(remote: Remote, request: pytest.FixtureRequest) -> Iterator[str]:
    rules = [{**rule, **FOR_EVER} for rule in STORMS[request.param]]
    remote.client.api_client.do("PUT", "/local/faults", body={"rules": rules})
    yield request.param
    remote.client.api_client.do("DELETE", "/local/faults")


@pytest.mark.parametrize("storm", STORMS, indirect=True)
def test_steps_complete_in_a_storm(remote: Remote, storm: str) -> None:
    path = f"{SCRIPTS}/crash.py"
    remote.add_script("crash.py", CODE)
    names, instance = [f"{storm}_storm", f"{storm}_storm_after"], dg.DagsterInstance.ephemeral()
    result = dg.materialize(remote.chain(names, path), instance=instance, raise_on_error=False)
    struck: Any = remote.client.api_client.do("GET", "/local/faults")
    remote.client.api_client.do("DELETE", "/local/faults")
    assert result.success
    assert all(rule["hits"] >= 1 for rule in struck["rules"])
    events = instance.all_logs(result.run_id)
    for name in names:
        said = [event.user_message for event in events if event.step_key == name]
        assert [line for line in said if line in LINES] == LINES
    runs = remote.client.jobs.list_runs(expand_tasks=True)
    assert sum(any(task.task_key == names[0] for task in run.tasks or []) for run in runs) == 1
