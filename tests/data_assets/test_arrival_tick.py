"""Ticks over a queue that is a list: any messages, any answers of SQS, any number, and slow ones."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import dagster as dg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_assets import sensors
from data_assets.arrival import tick as tick_module
from data_assets.arrival.queue import BATCH_BYTES, Deadline, LandingQueue
from data_assets.arrival.routes import Layout
from data_assets.arrival.tick import MESSAGES_PER_TICK, Tick, describe, evaluate
from data_assets.arrival.wanted import NAME, UnreadableNote, WantedRuns
from data_assets.dead_letters import KEY, no_dead_letters
from data_assets.definitions import defs
from lakehouse.targets import current_target

DAYS = tuple(dg.DailyPartitionsDefinition("2013-01-01", end_date="2014-01-01").get_partition_keys())
LAYOUT = Layout("landing", DAYS, frozenset({"flights"}), frozenset({"weather"}))


@dataclass
class FakeSqs:
    """What a tick asks of SQS; `now` is a clock that each call moves on by `seconds_per_call`."""

    receipt_length: int = 400
    seconds_per_call: float = 0.0
    refused: tuple[str, ...] = ()  # bodies that the dead letters do not take
    waiting: dict[str, str] = field(default_factory=dict)  # body by receipt
    hidden: dict[str, str] = field(default_factory=dict)
    letters: list[dict[str, Any]] = field(default_factory=list)
    now: float = 0.0

    def send(self, body: str) -> None:
        number = len(self.waiting) + len(self.hidden)
        self.waiting[f"{number}-".ljust(self.receipt_length, "r")] = body

    def come_back(self) -> None:
        """What SQS does when the visibility timeout has passed."""
        self.waiting |= self.hidden
        self.hidden = {}

    def receive_message(self, MaxNumberOfMessages: int, **_: Any) -> Any:
        self.now += self.seconds_per_call
        taken = dict(list(self.waiting.items())[:MaxNumberOfMessages])
        self.hidden |= taken
        for receipt in taken:
            del self.waiting[receipt]
        return {"Messages": [{"MessageId": "id", "ReceiptHandle": key, "Body": text} for key, text in taken.items()]}

    def delete_message_batch(self, Entries: list[Any], **_: Any) -> Any:
        self.now += self.seconds_per_call
        for entry in Entries:
            self.hidden.pop(entry["ReceiptHandle"], None)
        return {"Successful": Entries}

    def send_message_batch(self, Entries: list[Any], **_: Any) -> Any:
        self.now += self.seconds_per_call
        sizes = [
            len(text.encode())
            for entry in Entries
            for text in (
                entry["MessageBody"],
                *(part for name, value in entry["MessageAttributes"].items() for part in (name, *value.values())),
            )
        ]
        assert sum(sizes) <= BATCH_BYTES and len(Entries) <= 10
        good = [entry for entry in Entries if entry["MessageBody"] not in self.refused]
        self.letters += good
        return {"Successful": good, "Failed": [entry for entry in Entries if entry not in good]}

    def get_queue_attributes(self, **_: Any) -> Any:
        return {"Attributes": {"ApproximateNumberOfMessages": str(len(self.letters))}}

    @property
    def queue(self) -> LandingQueue:
        return LandingQueue(self, "url", "letters", wait_seconds=0)  # type: ignore[arg-type]


def landed(day: str, file: str = "a.json", bucket: str = "landing") -> str:
    described = {"bucket": {"name": bucket}, "object": {"key": f"flights/date={day}/{file}", "eTag": "e"}}
    return json.dumps({"Records": [{"eventName": "ObjectCreated:Put", "s3": described}]})


def reasons(sqs: FakeSqs) -> list[str]:
    return [letter["MessageAttributes"]["reason"]["StringValue"] for letter in sqs.letters]


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture(autouse=True)
def _nothing_wanted(instance: dg.DagsterInstance) -> None:
    forget(instance)


def forget(instance: dg.DagsterInstance) -> None:
    for key in instance.get_dynamic_partitions(NAME):
        instance.delete_dynamic_partition(NAME, key)


def do(sqs: FakeSqs, instance: dg.DagsterInstance, limit: int = MESSAGES_PER_TICK) -> Tick:
    return evaluate(sqs.queue, LAYOUT, WantedRuns(instance), lambda _key: False, limit)


values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(st.characters()) | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
objects = st.one_of(
    values,
    st.fixed_dictionaries({}, optional={"key": values, "eTag": values, "versionId": values, "sequencer": values}),
    st.builds(lambda key: {"key": f"flights/date=2013-01-05/{key}.json"}, st.text(st.characters())),
)
records = st.one_of(
    values,
    st.fixed_dictionaries(
        {"eventName": st.sampled_from(["ObjectCreated:Put", "ObjectRemoved:Delete", 7]) | values},
        optional={
            "s3": values | st.fixed_dictionaries({"bucket": st.just({"name": "landing"}) | values, "object": objects}),
            "eventTime": values,
        },
    ),
)
bodies = st.one_of(
    st.text(),
    st.binary().map(lambda raw: raw.decode("latin-1")),
    values.map(json.dumps),
    st.lists(records, max_size=3).map(lambda some: json.dumps({"Records": some})),
    st.sampled_from(["[" * 100_000, '{"a":' * 50_000, '"\\ud800"', "1e400", "9" * 5000]),
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(bad=st.lists(bodies, max_size=12), good=st.integers(1, 12))
def test_no_message_takes_another_with_it(instance: dg.DagsterInstance, bad: list[str], good: int) -> None:
    forget(instance)
    sqs = FakeSqs()
    for body in [*bad, *(landed(day) for day in DAYS[100 : 100 + good])]:
        sqs.send(body)
    tick = do(sqs, instance)
    days = [run.days for run in tick.runs if run.days and run.days[0] == DAYS[100]]
    assert days == [(DAYS[100], DAYS[99 + good])]
    assert (sqs.waiting, sqs.hidden, tick.left) == ({}, {}, 0)
    assert all(reasons(sqs)) and len(sqs.letters) == tick.rejected <= len(bad)
    assert describe(tick).isascii()


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(count=st.integers(0, 2500), receipt_length=st.integers(20, 1000), step=st.integers(1, 3))
def test_the_cursor_is_small_whatever_the_queue_holds(
    instance: dg.DagsterInstance, count: int, receipt_length: int, step: int
) -> None:
    forget(instance)
    sqs = FakeSqs(receipt_length)
    for number in range(count):
        sqs.send(landed(DAYS[number * step % 365], f"{number}.json", current_target().bucket("landing")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sensors, "open_queue", lambda _target: sqs.queue)
        context = dg.build_sensor_context(instance, definitions=defs, sensor_name="landing_arrival")
        with context:
            found = defs.resolve_sensor_def("landing_arrival").evaluate_tick(context)
    assert len((found.cursor or "").encode()) <= 16_000
    assert (len(sqs.waiting), sqs.hidden) == (max(0, count - MESSAGES_PER_TICK), {})
    assert bool(found.run_requests) == bool(count)
    assert len(WantedRuns(instance).read()) == len(found.run_requests or ())


def test_a_dead_letter_that_sqs_did_not_take_keeps_its_message(instance: dg.DagsterInstance) -> None:
    sqs = FakeSqs(refused=("bad 3", "bad 14"))
    for number in range(20):
        sqs.send(f"bad {number}")
    tick = do(sqs, instance)
    assert (tick.rejected, tick.left, sorted(sqs.hidden.values())) == (18, 2, ["bad 14", "bad 3"])
    sqs.refused = ()
    sqs.come_back()
    assert (do(sqs, instance).rejected, sqs.hidden) == (2, {})
    assert len(sqs.letters) == 20


def test_large_messages_are_rejected_within_the_limits_of_sqs(instance: dg.DagsterInstance) -> None:
    sqs = FakeSqs()
    for size in (BATCH_BYTES, 200_000, 200_000, 10, BATCH_BYTES - 100):
        sqs.send("ü" * (size // 2))
    assert do(sqs, instance).rejected == 5
    assert [len(letter["MessageBody"].encode()) for letter in sqs.letters][1:4] == [200_000, 200_000, 10]
    cut = sqs.letters[0]["MessageAttributes"]
    assert cut["bytes_before_cut"]["StringValue"] == str(BATCH_BYTES) and cut["reason"]["StringValue"]


@pytest.mark.parametrize("seconds_per_call", [0.1, 1.0, 12.0])
def test_a_tick_ends_in_time_and_what_is_left_comes_back(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, seconds_per_call: float
) -> None:
    sqs = FakeSqs(seconds_per_call=seconds_per_call)
    monkeypatch.setattr(tick_module, "Deadline", partial(Deadline, clock=lambda: sqs.now))
    for number in range(2000):
        sqs.send(f"bad {number}" if number % 2 else landed(DAYS[number % 365]))
    for _ in range(500):
        began = sqs.now
        do(sqs, instance)
        assert sqs.now - began < 50
        sqs.come_back()
        if not sqs.waiting:
            break
    assert sqs.waiting == {}
    assert {letter["MessageBody"] for letter in sqs.letters} == {f"bad {number}" for number in range(1, 2000, 2)}
    noted = {note.run.days for note in WantedRuns(instance).read()}
    assert {day for days in noted if days for day in DAYS[DAYS.index(days[0]) : DAYS.index(days[1]) + 1]} >= set(DAYS)


def test_reasons_are_counted_by_kind_with_an_example(instance: dg.DagsterInstance) -> None:
    sqs = FakeSqs()
    for year in (2011, 2012, 2014):
        sqs.send(landed(f"{year}-01-05"))
    sqs.send("no JSON")
    said = describe(do(sqs, instance))
    assert said.startswith("4 messages, 4 of them to the dead letters; 4 deleted")
    assert "3 x landing/flights/date=2011-01-05/a.json: 2011-01-05 is not among the partitions" in said
    assert "1 x not JSON" in said


def test_the_sensor_says_why_and_the_check_turns_red(monkeypatch: pytest.MonkeyPatch) -> None:
    sqs = FakeSqs()
    sqs.send(landed("2014-01-05", bucket=current_target().bucket("landing")))
    monkeypatch.setattr(sensors, "open_queue", lambda _target: sqs.queue)
    monkeypatch.setattr("data_assets.dead_letters.open_queue", lambda _target: sqs.queue)
    with dg.DagsterInstance.ephemeral() as own:
        context = dg.build_sensor_context(own, definitions=defs, sensor_name="landing_arrival")
        with context:
            found = defs.resolve_sensor_def("landing_arrival").evaluate_tick(context)
        assert "2014-01-05 is not among the partitions" in (found.skip_message or "")
        record = own.event_log_storage.get_latest_asset_check_execution_by_key([KEY])[KEY]
    assert record.event is not None and record.event.dagster_event is not None
    evaluation = record.event.dagster_event.asset_check_evaluation_data
    assert (evaluation.passed, evaluation.metadata["dead_letters"].value) == (False, 1)
    assert "2014-01-05" in str(evaluation.metadata["newest"].value)
    assert no_dead_letters().passed is False  # type: ignore[union-attr]
    sqs.letters.clear()
    assert no_dead_letters().passed is True  # type: ignore[union-attr]


def test_twenty_thousand_events_are_each_asked_for_once(instance: dg.DagsterInstance) -> None:
    sqs = FakeSqs()
    for number in range(20_000):
        sqs.send(landed(DAYS[number % 365], f"{number}.json"))
    asked: Counter[str] = Counter()
    ticks = 0
    while sqs.waiting:
        asked.update(run.run_key for run in do(sqs, instance).runs)
        ticks += 1
    assert (ticks, sqs.hidden, set(asked.values()), len(asked)) == (10, {}, {1}, 10)


@pytest.mark.parametrize("key", ["{", "[1]", "7", '["x","y",[],null]'])
def test_a_foreign_note_is_named(instance: dg.DagsterInstance, key: str) -> None:
    instance.add_dynamic_partitions(NAME, [key])
    with pytest.raises(UnreadableNote, match="lost_events"):
        WantedRuns(instance).read()
