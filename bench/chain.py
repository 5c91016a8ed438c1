"""Five steps, one after the other, that do nothing, on serverless compute that takes 20 s to start: fused and not."""

from __future__ import annotations

from functools import partial

import dagster as dg

from bench.clients import make_fused, upload_scripts
from bench.measurement import Measurement, compare
from bench.workspace import bench_workspace
from demo.dagster_runs import QUIET
from lakehouse.serverless import FUSION_TAG
from lakehouse.workspace import open_workspace

CHAIN = {f"table_{number}": f"table_{number - 1}" if number > 1 else None for number in range(1, 6)}
COLD_START_S = 20
RUNS = 3


def measure() -> list[Measurement]:
    """Compare the same chain as one remote run and as five."""
    with bench_workspace() as target, dg.DagsterInstance.ephemeral() as instance:
        upload_scripts(target, "pass")
        admin = open_workspace(target, "admin").api_client
        admin.do("PUT", "/local/serverless", body={"cold_start_seconds": COLD_START_S})
        assets = [make_fused(target, name, CHAIN) for name in CHAIN]
        note = f"5 steps in a row that do nothing, a cold start of {COLD_START_S} s per remote run; the peer: unfused"
        fused, apart = (partial(_materialize, assets, instance, fusion) for fusion in ("on", "off"))
        return [compare("chain", fused, apart, runs=RUNS, note=note)]


def _materialize(assets: list[dg.AssetsDefinition], instance: dg.DagsterInstance, fusion: str) -> None:
    assert dg.materialize(assets, instance=instance, run_config=QUIET, tags={FUSION_TAG: fusion}).success
