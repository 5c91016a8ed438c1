"""What a step costs that does nothing: from the step's start in Dagster to its end, on the same workspace."""

from __future__ import annotations

from functools import partial

import dagster as dg

from bench.clients import make_ours, make_stock, materialize_one, upload_scripts
from bench.measurement import Measurement, compare
from bench.workspace import bench_workspace


def measure() -> list[Measurement]:
    """Compare both clients."""
    with bench_workspace() as target, dg.DagsterInstance.ephemeral() as instance:
        upload_scripts(target, "pass")
        ours = partial(materialize_one, make_ours(target, "nothing"), instance)
        stock = partial(materialize_one, make_stock(target, "nothing"), instance)
        note = "a step that does nothing, dg.materialize with an ephemeral instance, local workspace"
        return [compare("step_overhead", ours, stock, runs=5, note=note)]
