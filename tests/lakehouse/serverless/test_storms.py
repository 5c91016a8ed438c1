"""A service that is unwell for as long as the step lasts: every step completes, once, with every message in order."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from lakehouse.targets import Target
from local_workspace.lifecycle.files import read_tokens, write_atomically
from tests.lakehouse.serverless.conftest import SCRIPTS, Remote, open_remote
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
    for name in names:
        assert [line for line in said_by(instance, result, name) if line in LINES] == LINES
    runs = remote.client.jobs.list_runs(expand_tasks=True)
    assert sum(any(task.task_key == names[0] for task in run.tasks or []) for run in runs) == 1


def test_a_token_that_is_renewed_in_the_profile_while_the_step_waits(
    remote: Remote, warm_target: Target, tmp_path: Path
) -> None:
    """It is revoked under way; the step waits, finds the new one where it found the old, and goes on."""
    first, second = (remote.client.tokens.create(comment=name) for name in ("first", "second"))
    assert first.token_info and first.token_value and second.token_info and second.token_value
    home = dataclasses.replace(warm_target, profiles_home=tmp_path)
    profiles = (warm_target.profiles_home or tmp_path) / "databrickscfg"
    old = read_tokens(profiles.parent)["admin"]
    write_atomically(tmp_path / "databrickscfg", profiles.read_text().replace(old, first.token_value))
    own = open_remote(home)
    path = remote.add_script("renewed.py", CODE.replace("time.sleep(0.1)", "time.sleep(1.5)"))

    def renew() -> None:
        while not any(run.state and run.state.life_cycle_state for run in remote.remote_runs("renewed")):
            time.sleep(0.1)
        time.sleep(1)
        remote.client.tokens.delete(first.token_info.token_id or "")
        time.sleep(2)
        write_atomically(tmp_path / "databrickscfg", profiles.read_text().replace(old, second.token_value or ""))

    renewing = threading.Thread(target=renew)
    renewing.start()
    instance = dg.DagsterInstance.ephemeral()
    result = dg.materialize([own.step("renewed", path)], instance=instance, raise_on_error=False)
    renewing.join()
    remote.client.tokens.delete(second.token_info.token_id or "")
    assert result.success
    assert [line for line in said_by(instance, result, "renewed") if line in LINES] == LINES
    assert len(remote.remote_runs("renewed")) == 1


def said_by(instance: dg.DagsterInstance, result: dg.ExecuteInProcessResult, step: str) -> list[str]:
    return [event.user_message for event in instance.all_logs(result.run_id) if event.step_key == step]
