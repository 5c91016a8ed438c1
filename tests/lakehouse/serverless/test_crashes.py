"""A run worker killed at any line: no second remote run, no lost result, every message once and in order.

`make crashes` tries 300 lines and prints them; here a few, spread over the way from the first line to the last.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import dagster as dg
import pytest

from lakehouse.targets import Target
from tests.lakehouse.serverless.conftest import SCRIPTS, Remote
from tests.lakehouse.serverless.crashes import CODE, LINES, OWN_CODE, count_lines, crash_at


@pytest.mark.parametrize("steps", [1, 2, 0])
def test_a_killed_worker_leaves_one_run_and_its_whole_result(
    warm_target: Target, remote: Remote, tmp_path: Path, request: pytest.FixtureRequest, steps: int
) -> None:
    """One step alone, two that are fused and have our own writer, a SQL statement: a third of the crashes each."""
    remote.add_script("crash.py", OWN_CODE if steps == 2 else CODE)
    lines = count_lines(warm_target, tmp_path, steps)
    wanted = min(lines, request.config.getoption("--crashes") // 3)
    points = [1 + (lines - 1) * number // wanted for number in range(wanted)]
    crashes = [crash_at(warm_target, tmp_path, remote, point, steps) for point in points]
    places = Counter(crash.where or "(had ended)" for crash in crashes)
    print(f"\n{len(crashes)} workers killed at {len(places)} places, of {lines} lines executed in all")
    print("\n".join(f"{times:5}  {place}" for place, times in sorted(places.items())))
    assert [crash for crash in crashes if not crash.is_right] == []
    assert len(places) > wanted // 20


SUBMIT, STATUS, MESSAGES = "/api/2.*/jobs/runs/submit", "/api/2.*/jobs/runs/get", "/api/2.0/fs/files/*/pipes/*"


@pytest.mark.parametrize("drop", ["before", "after"])
@pytest.mark.parametrize(
    ("name", "method", "path", "skip"),
    [("submit", "POST", SUBMIT, 0), ("status", "GET", STATUS, 1), ("messages", "GET", MESSAGES, 1)],
)
def test_a_connection_lost_before_or_after_the_work_changes_nothing(
    remote: Remote, name: str, method: str, path: str, skip: int, drop: str
) -> None:
    remote.add_script("crash.py", CODE)
    rule = {"method": method, "path": path, "drop": drop, "times": 2, "skip": skip}
    remote.client.api_client.do("POST", "/local/faults", body=rule)
    instance, name = dg.DagsterInstance.ephemeral(), f"lost_{drop}_{name}"
    result = dg.materialize([remote.step(name, f"{SCRIPTS}/crash.py")], instance=instance, raise_on_error=False)
    remote.client.api_client.do("DELETE", "/local/faults")
    assert result.success
    said = [event.user_message for event in instance.all_logs(result.run_id) if event.user_message in LINES]
    assert said == LINES
    assert len(remote.remote_runs(name)) == 1
