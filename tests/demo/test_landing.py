"""The landing feeder: what it writes is the data set, a second time writes nothing, errors say what to do."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from typer.testing import CliRunner

from demo.flights_data import DATASETS, UnusableInput, make_files, read_dataset
from demo.landing import LandingFailed, land
from lakehouse.cli import app
from lakehouse.targets import Target
from lakehouse.workspace import open_aws

JANUARY = (date(2013, 1, 1), date(2013, 1, 31))


def parse(body: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in body.decode().splitlines()]


def quiet(_: str) -> None:
    pass


@pytest.fixture
def target(warm_target: Target) -> Iterator[Target]:
    """A target whose landing bucket is this test's own."""
    own = replace(warm_target, bucket_prefix=f"lakehouse-{uuid.uuid4().hex[:8]}")
    open_aws(own, "deployer").client("s3").create_bucket(
        Bucket=own.bucket("landing"), CreateBucketConfiguration={"LocationConstraint": own.region}
    )
    yield own


def read_landed(target: Target) -> dict[str, bytes]:
    s3, bucket = open_aws(target, "deployer").client("s3"), target.bucket("landing")
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
    return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def test_january_is_27004_flights_in_31_files() -> None:
    files = list(make_files(*JANUARY, ["flights"]))
    assert [file.key for file in files] == [f"flights/date=2013-01-{day:02}/flights.json" for day in range(1, 32)]
    assert sum(file.rows for file in files) == sum(len(parse(file.body)) for file in files) == 27_004


def test_values_are_typed() -> None:
    first = parse(next(make_files(*JANUARY, ["flights"])).body)
    assert first[0]["dep_time"] == 517 and isinstance(first[0]["dep_time"], int)
    assert first[0]["time_hour"] == "2013-01-01T10:00:00Z"
    cancelled = [flight for flight in first if flight["dep_time"] is None]
    assert len(cancelled) == 4
    (airports,) = make_files(*JANUARY, ["airports"])
    assert b"America/New_York" in airports.body and isinstance(parse(airports.body)[0]["lat"], float)


@pytest.mark.parametrize("name", ["weather", "planes", "airlines", "airports"])
def test_nothing_is_lost_or_rounded(name: str) -> None:
    files = make_files(date(2013, 1, 1), date(2013, 12, 31), [name])
    landed = [row for file in files for row in parse(file.body)]
    frame = read_dataset(name)
    expected = frame.astype(object).where(frame.notna(), None).to_dict("records")
    assert Counter(map(repr, landed)) == Counter(map(repr, expected))


def test_every_day_is_in_its_own_file() -> None:
    files = make_files(date(2013, 3, 30), date(2013, 4, 2), ["flights", "weather"])
    for file in files:
        days = {date(row["year"], row["month"], row["day"]) for row in parse(file.body)}
        assert file.key == f"{file.dataset}/date={days.pop()}/{file.dataset}.json" and not days


def test_a_second_landing_writes_nothing(target: Target) -> None:
    landing = land(target, date(2013, 1, 1), date(2013, 1, 2), quiet)
    assert (landing.written, landing.unchanged) == (7, 0)
    files = {file.key: file.body for file in make_files(date(2013, 1, 1), date(2013, 1, 2), list(DATASETS))}
    assert read_landed(target) == files
    again = land(target, date(2013, 1, 1), date(2013, 1, 2), quiet)
    assert (again.written, again.unchanged) == (0, 7)


def test_what_was_changed_in_the_bucket_is_written_again(target: Target) -> None:
    land(target, date(2013, 1, 1), date(2013, 1, 2), quiet, ["airlines", "flights"])
    s3 = open_aws(target, "deployer").client("s3")
    body = read_landed(target)["airlines/airlines.json"]
    s3.put_object(Bucket=target.bucket("landing"), Key="airlines/airlines.json", Body=b"x" * len(body))
    landing = land(target, date(2013, 1, 1), date(2013, 1, 2), quiet, ["airlines", "flights"])
    assert landing.datasets["airlines"].written == 1 and landing.datasets["flights"].unchanged == 2
    assert read_landed(target)["airlines/airlines.json"] == body


@pytest.mark.parametrize(
    ("first", "last", "names", "message"),
    [
        (date(2013, 2, 1), date(2013, 1, 1), ["flights"], "--to 2013-01-01 is before --from 2013-02-01"),
        (date(2012, 12, 31), date(2013, 1, 1), ["flights"], "the flights are of 2013-01-01 to 2013-12-31"),
        (date(2013, 12, 31), date(2014, 1, 1), ["flights"], "the flights are of 2013-01-01 to 2013-12-31"),
        (date(2013, 1, 1), date(2013, 1, 1), ["hotels"], "No dataset hotels; there are airlines, airports, flights"),
    ],
)
def test_unusable_input_is_named(warm_target: Target, first: date, last: date, names: list[str], message: str) -> None:
    with pytest.raises(UnusableInput, match=message):
        land(warm_target, first, last, quiet, names)


def test_a_missing_bucket_is_named(warm_target: Target) -> None:
    nowhere = replace(warm_target, bucket_prefix="lakehouse-nowhere")
    with pytest.raises(LandingFailed, match="Bucket lakehouse-nowhere-landing does not exist: run `lakehouse apply`"):
        land(nowhere, *JANUARY, quiet)


def test_the_command_ends_with_the_message_and_code_1() -> None:
    result = CliRunner().invoke(app, ["demo", "land", "--from", "2014-01-01", "--to", "2014-01-02"])
    assert result.exit_code == 1
    assert "the flights are of 2013-01-01 to 2013-12-31" in result.output.replace("\n", "")


def test_the_command_refuses_a_day_it_cannot_read() -> None:
    result = CliRunner().invoke(app, ["demo", "land", "--from", "January"])
    assert result.exit_code == 2 and "January" in result.output and "%Y-%m-%d" in result.output
