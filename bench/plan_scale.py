"""Plans of large estates: seconds, REST calls and memory for 200, 1,000 and 5,000 schemas and volumes that are there.

The peer refreshes as the Terraform provider does: one Get for each resource, ten at a time, with the stock client.
Also with 50 ms added to every answer, as over a network.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

from databricks.sdk import WorkspaceClient

from bench.measurement import Measurement, Work, compare_pairs, time_seconds
from bench.workspace import bench_workspace, count_calls
from lakehouse.targets import Target
from lakehouse.workspace import open_workspace
from platform_assets.declarations import RESOURCES
from platform_assets.estate import apply_estate, plan_estate
from platform_assets.resource_types.model import Resource
from platform_assets.resource_types.schema import Schema
from platform_assets.resource_types.volume import Volume

NAME = "plan_scale"
COMMAND = f"python -m bench {NAME}"
SIZES = (200, 1000, 5000)
PER_SCHEMA = 49
PEER_AT_ONCE = 10  # terraform's -parallelism
RUNS = 3
LATENCY_S = 0.05


def measure() -> list[Measurement]:
    """Let the estate grow and plan it at each size."""
    measurements: list[Measurement] = []
    with bench_workspace() as target:
        for size in SIZES:
            more = declare(size)
            report = apply_estate(target, resources=(*RESOURCES, *more))
            assert not report.failures, report.failures
            measurements += _measure_size(target, size, more)
    return measurements


def declare(size: int) -> tuple[Resource, ...]:
    """Return so many securables: of every fifty one is a schema, and the others are its volumes."""
    schemas = [f"flights.scale_{number}" for number in range(size // (PER_SCHEMA + 1))]
    volumes = [Volume(f"{schema}.volume_{number}") for schema in schemas for number in range(PER_SCHEMA)]
    return (*map(Schema, schemas), *volumes)


def _measure_size(target: Target, size: int, more: tuple[Resource, ...]) -> Iterator[Measurement]:
    ours, peer = partial(_plan, target, more), partial(_refresh, target, more)
    admin = open_workspace(target, "admin")
    with count_calls(admin) as calls:  # warms up as well
        ours()
    peer()
    words = f"the whole estate and {size:,} securables, nothing to change; the peer reads the {size:,} only"
    yield compare_pairs(f"plan_{size}_calls", "calls", [(calls.count, size)], NAME, words)
    memory = _peak_mb(ours)
    yield Measurement(f"plan_{size}_memory", memory, None, None, "MB", 1, 0.0, COMMAND, "peak of Python's objects")
    yield compare_pairs(f"plan_{size}", "s", _time_in_turn(ours, peer), NAME, words)
    with _latency(admin):
        yield compare_pairs(f"plan_{size}_over_50_ms", "s", _time_in_turn(ours, peer), NAME, words)


def _time_in_turn(ours: Work, peer: Work) -> list[tuple[float, float]]:
    return [(time_seconds(ours), time_seconds(peer)) for _ in range(RUNS)]


def _plan(target: Target, more: tuple[Resource, ...]) -> None:
    assert plan_estate(target, resources=(*RESOURCES, *more)).is_empty


def _refresh(target: Target, resources: tuple[Resource, ...]) -> None:
    profiles = open_workspace(target, "deployer").config.config_file
    client = WorkspaceClient(profile=target.profile("deployer"), config_file=profiles)
    with ThreadPoolExecutor(PEER_AT_ONCE) as threads:
        assert all(threads.map(partial(_get, client, target), resources))


def _get(client: WorkspaceClient, target: Target, resource: Resource) -> object:
    name = resource.physical_name(target)
    return client.schemas.get(name) if isinstance(resource, Schema) else client.volumes.read(name)


def _peak_mb(work: Work) -> float:
    tracemalloc.start()
    try:
        work()
        return round(tracemalloc.get_traced_memory()[1] / 1e6, 1)
    finally:
        tracemalloc.stop()


@contextmanager
def _latency(admin: WorkspaceClient) -> Iterator[None]:
    rule = {"path": "/api/*", "delay_s": LATENCY_S, "times": None}
    admin.api_client.do("POST", "/local/faults", body=rule)
    try:
        yield
    finally:
        admin.api_client.do("DELETE", "/local/faults")
