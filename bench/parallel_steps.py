"""How gentle many steps at once are: REST calls a minute while 50 steps run side by side and print every second.

Counted by the local workspace's request log, by the orchestrator's user agent; what the remote code calls is not in it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import dagster as dg
from databricks.sdk import WorkspaceClient

from bench.clients import make_ours, make_stock, materialize
from bench.measurement import Measurement, compare_values
from bench.workspace import bench_workspace
from lakehouse.workspace import open_workspace

STEPS, RUNS = 50, 3
BODY = "import time; [(pipes.log.info(str(second)), time.sleep(1)) for second in range(5)]"


def measure() -> list[Measurement]:
    """Compare both clients."""
    with bench_workspace() as target:
        admin = open_workspace(target, "admin")
        ours = partial(_count_calls, admin, [make_ours(target, f"step_{number}", BODY) for number in range(STEPS)])
        stock = partial(_count_calls, admin, [make_stock(target, f"step_{number}", BODY) for number in range(STEPS)])
        note = f"{STEPS} steps of five seconds with a log line a second, eight of them running at a time"
        return [compare_values("parallel_steps", "calls/min", ours, stock, RUNS, note)]


def _count_calls(admin: WorkspaceClient, assets: Sequence[dg.AssetsDefinition]) -> float:
    """Return the calls a minute while all steps run."""
    admin.api_client.do("DELETE", "/local/requests")
    started = time.monotonic()
    with ThreadPoolExecutor(len(assets)) as threads:
        list(threads.map(lambda asset: materialize(asset, dg.DagsterInstance.ephemeral()), assets))
    minutes = (time.monotonic() - started) / 60
    answer = admin.api_client.do("GET", "/local/requests")
    assert isinstance(answer, dict)
    calls = [one for one in answer["requests"] if one["user_agent"].startswith("lakehouse/")]
    return len(calls) / minutes
