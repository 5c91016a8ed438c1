"""What a listing of the bucket finds that no event told of."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import dagster as dg
import pytest
from botocore.stub import Stubber

from data_assets.arrival import lost_events
from data_assets.arrival.lost_events import PATIENCE, LandingNotListed, find_lost, read_loaded, select_missed
from data_assets.arrival.routes import Arrival
from data_assets.arrival.selection import RANGE_TAGS, read_layout
from lakehouse.targets import Target, local_target
from lakehouse.workspace import open_aws

DAYS = dg.DailyPartitionsDefinition("2013-01-01", end_date="2014-01-01")


@dg.asset(key=["flights", "bronze", "flights"], partitions_def=DAYS)
def flights() -> None:
    pass


@dg.asset(key=["flights", "bronze", "weather"])
def weather() -> None:
    pass


GRAPH = dg.Definitions(assets=[flights, weather]).resolve_asset_graph()


@pytest.fixture
def instance(dagster_home: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(dagster_home)) as instance:
        yield instance


@pytest.fixture
def target(warm_target: Target) -> Target:
    own = replace(warm_target, bucket_prefix=f"lakehouse-{uuid.uuid4().hex[:8]}")
    open_aws(own, "deployer").client("s3").create_bucket(
        Bucket=own.bucket("landing"), CreateBucketConfiguration={"LocationConstraint": own.region}
    )
    return own


def put(target: Target, *keys: str) -> None:
    s3 = open_aws(target, "deployer").client("s3")
    for key in keys:
        s3.put_object(Bucket=target.bucket("landing"), Key=key, Body=b"{}")


def load(instance: dg.DagsterInstance, first: str, last: str) -> None:
    tags = dict(zip(RANGE_TAGS, (first, last), strict=True))
    assert dg.materialize([flights, weather], instance=instance, tags=tags).success


def lost(target: Target, instance: dg.DagsterInstance, later: timedelta) -> list[Any]:
    layout = read_layout(GRAPH, target.bucket("landing"))
    found = find_lost(target, GRAPH, layout, instance, datetime.now(UTC) + later)
    return [(run.days, set(run.datasets)) for run in found]


def test_what_was_never_loaded_is_found_as_ranges(target: Target, instance: dg.DagsterInstance) -> None:
    put(target, "weather/date=2013-01-01/w.json", "nowhere/x.json")
    put(target, *(f"flights/date=2013-01-0{day}/f.json" for day in (1, 2, 3, 5)))
    assert lost(target, instance, 2 * PATIENCE) == [
        (("2013-01-01", "2013-01-03"), {"flights", "weather"}),
        (("2013-01-05", "2013-01-05"), {"flights"}),
    ]


def test_an_event_that_may_just_be_late_is_waited_for(target: Target, instance: dg.DagsterInstance) -> None:
    put(target, "weather/date=2013-01-01/w.json")
    assert lost(target, instance, PATIENCE / 2) == []


def test_what_was_loaded_is_not_found(target: Target, instance: dg.DagsterInstance) -> None:
    put(target, *(f"flights/date=2013-01-0{day}/f.json" for day in (1, 2, 3)), "weather/w.json")
    load(instance, "2013-01-01", "2013-01-02")
    layout = read_layout(GRAPH, "landing")
    loaded = read_loaded(instance, GRAPH, layout)
    assert set(loaded) == {("flights", "2013-01-01"), ("flights", "2013-01-02"), ("weather", None)}
    # S3 keeps whole seconds: what was put within the second of the run's start may be found again, which is harmless
    assert (("2013-01-03", "2013-01-03"), {"flights"}) in lost(target, instance, 2 * PATIENCE)


def test_what_came_after_its_run_began_is_missed() -> None:
    before, after, other = (Arrival("flights", day, "k", "i") for day in ("2013-01-01", "2013-01-02", "2013-01-03"))
    loaded = {("flights", "2013-01-01"): 10.0, ("flights", "2013-01-02"): 10.0}
    assert select_missed([(before, 9.0), (after, 11.0), (other, 1.0)], loaded) == [after, other]


def test_the_newest_load_counts(instance: dg.DagsterInstance) -> None:
    load(instance, "2013-01-01", "2013-01-02")
    layout = read_layout(GRAPH, "landing")
    first = read_loaded(instance, GRAPH, layout)
    load(instance, "2013-01-02", "2013-01-02")
    second = read_loaded(instance, GRAPH, layout)
    assert second[("flights", "2013-01-02")] > first[("flights", "2013-01-02")]
    assert second[("flights", "2013-01-01")] == first[("flights", "2013-01-01")]


@pytest.mark.parametrize("code", ["AccessDenied", "NoSuchBucket", "InternalError"])
def test_a_listing_that_failed_is_not_an_empty_bucket(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    client = boto3.client("s3", aws_access_key_id="x", aws_secret_access_key="x", region_name="eu-central-1")
    monkeypatch.setattr(lost_events, "open_aws_client", lambda *_: client)
    with Stubber(client) as stubber, pytest.raises(LandingNotListed, match=f"{code}.*needs s3:ListBucket on arn:aws:"):
        stubber.add_client_error("list_objects_v2", code)
        find_lost(local_target(Path("/state")), GRAPH, read_layout(GRAPH, "b"), instance, datetime.now(UTC))
