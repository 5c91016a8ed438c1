"""Ticks against a real queue fed by a real bucket: nothing is lost, nothing deleted before its run exists."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
import pytest

from data_assets.arrival.queue import Deadline, LandingQueue, QueueMissing, open_queue
from data_assets.arrival.routes import Layout
from data_assets.arrival.tick import Tick, evaluate
from data_assets.arrival.wanted import PATIENCE_SECONDS, WantedRuns
from lakehouse.targets import Target
from lakehouse.workspace import open_aws

DAYS = tuple(f"2013-01-{day:02}" for day in range(1, 32))


@dataclass
class Feed:
    """A bucket whose events go to a queue with dead letters, and what a daemon would keep."""

    bucket: str
    s3: Any
    sqs: Any
    url: str
    dead_letters: str
    queue: LandingQueue
    instance: dg.DagsterInstance
    now: float = 1_000_000.0
    runs: set[str] = field(default_factory=set)

    @property
    def layout(self) -> Layout:
        return Layout(self.bucket, DAYS, frozenset({"flights"}), frozenset({"weather", "airlines"}))

    @property
    def wanted(self) -> WantedRuns:
        return WantedRuns(self.instance, lambda: self.now)

    def put(self, key: str, text: str = "{}") -> None:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=text.encode())

    def send(self, text: str) -> None:
        self.sqs.send_message(QueueUrl=self.url, MessageBody=text)

    def tick(self, limit: int = 2000) -> Tick:
        """A tick whose runs are made."""
        tick = self.tick_before_runs(limit)
        self.runs |= {run.run_key for run in tick.runs}
        return tick

    def tick_before_runs(self, limit: int = 2000, patience: int = 0) -> Tick:
        """A tick that ends before any of its runs is made, as when the daemon dies then."""
        return evaluate(self.queue, self.layout, self.wanted, self.runs.__contains__, limit, patience)

    def tick_before_deletion(self) -> list[str]:
        """A tick that dies when it has noted its runs; SQS delivers its messages once more."""
        kept: list[str] = []
        queue = LandingQueue(self.queue._client, self.url, self.dead_letters, wait_seconds=0)
        queue.delete = lambda receipts, deadline=None: kept.extend(receipts) or 0  # type: ignore[method-assign, func-returns-value]
        tick = evaluate(queue, self.layout, self.wanted, self.runs.__contains__)
        for receipt in kept:
            self.sqs.change_message_visibility(QueueUrl=self.url, ReceiptHandle=receipt, VisibilityTimeout=0)
        return [run.run_key for run in tick.runs]

    def left(self, url: str | None = None) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self.sqs.get_queue_attributes(QueueUrl=url or self.url, AttributeNames=names)["Attributes"]
        return sum(int(answer[name]) for name in names)

    def rejected(self) -> list[tuple[str, str]]:
        answer = self.sqs.receive_message(
            QueueUrl=self.dead_letters, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        )
        found = answer.get("Messages", [])
        return [(entry["Body"], entry["MessageAttributes"]["reason"]["StringValue"]) for entry in found]


@pytest.fixture
def feed(warm_target: Target) -> Iterator[Feed]:
    mark = uuid.uuid4().hex[:8]
    deployer = open_aws(warm_target, "deployer")
    s3, sqs, bucket = deployer.client("s3"), deployer.client("sqs"), f"lakehouse-{mark}-landing"
    urls = [
        sqs.create_queue(QueueName=f"lakehouse-{mark}-{purpose}")["QueueUrl"] for purpose in ("events", "dead-letters")
    ]
    attributes = sqs.get_queue_attributes(QueueUrl=urls[0], AttributeNames=["QueueArn"])["Attributes"]
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": warm_target.region})
    s3.put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration={
            "QueueConfigurations": [
                {"QueueArn": attributes["QueueArn"], "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]}
            ]
        },
    )
    queue = LandingQueue(open_aws(warm_target, "pipeline").client("sqs"), *urls, wait_seconds=0)
    with dg.DagsterInstance.ephemeral() as instance:
        feed = Feed(bucket, s3, sqs, urls[0], urls[1], queue, instance)
        assert feed.left() == 1, "S3 announces itself with a test event"
        tick = feed.tick()
        assert (tick.received, tick.deleted, tick.rejected, tick.runs) == (1, 1, 0, ())
        yield feed
    for url in urls:
        sqs.delete_queue(QueueUrl=url)


def test_a_month_is_one_run(feed: Feed) -> None:
    for day in reversed(DAYS):
        feed.put(f"flights/date={day}/flights.json")
    feed.put("weather/date=2013-01-01/weather.json")
    (run,) = feed.tick().runs
    assert (run.days, run.datasets) == ((DAYS[0], DAYS[-1]), {"flights", "weather"})
    assert [note.run for note in feed.wanted.read()] == [run]
    assert (feed.tick().runs, feed.left(), feed.wanted.read()) == ((), 0, [])


def test_a_patient_tick_has_an_object_that_comes_while_it_waits(feed: Feed) -> None:
    assert feed.tick_before_runs().received == 0
    later = threading.Timer(1.5, feed.put, ["airlines/airlines.json"])
    later.start()
    tick = feed.tick_before_runs(patience=15)
    later.join()
    assert [run.datasets for run in tick.runs] == [{"airlines"}]


def test_removals_are_deleted_at_once(feed: Feed) -> None:
    feed.put("airlines/airlines.json")
    feed.tick()
    feed.tick()
    feed.s3.delete_object(Bucket=feed.bucket, Key="airlines/airlines.json")
    assert feed.left() == 1
    assert (feed.tick().runs, feed.left(), feed.rejected()) == ((), 0, [])


def test_duplicates_collapse(feed: Feed) -> None:
    feed.put("flights/date=2013-01-02/flights.json")
    ((received,),) = feed.queue.receive(1, Deadline(5))
    feed.send(received.body)
    feed.sqs.change_message_visibility(QueueUrl=feed.url, ReceiptHandle=received.receipt, VisibilityTimeout=0)
    tick = feed.tick()
    assert (tick.received, len(tick.runs)) == (2, 1)
    feed.tick()
    assert feed.left() == 0
    feed.send(received.body)  # S3 repeats itself long after
    (late,) = feed.tick().runs
    assert late.run_key == tick.runs[0].run_key, "the daemon would start a second run"


def test_an_overwritten_file_is_another_run(feed: Feed) -> None:
    keys = []
    for text in ("1", "2", "1"):
        feed.put("flights/date=2013-01-02/flights.json", text)
        keys += [run.run_key for run in feed.tick().runs]
    assert len(set(keys)) == 3


def test_a_tick_that_died_before_deleting_is_repeated_with_the_same_run_key(feed: Feed) -> None:
    feed.put("flights/date=2013-01-02/flights.json")
    died = feed.tick_before_deletion()
    assert feed.left() == 1
    assert [run.run_key for run in feed.tick().runs] == died
    feed.tick()
    assert (feed.left(), feed.wanted.read()) == (0, [])


def test_a_run_that_was_never_made_is_asked_for_again(feed: Feed) -> None:
    feed.put("flights/date=2013-01-02/flights.json")
    lost = feed.tick_before_runs().runs  # the daemon died between the tick and its runs
    assert feed.left() == 0
    assert feed.tick().runs == (), "another process may be about to make it"
    feed.now += PATIENCE_SECONDS
    assert feed.tick().runs == lost
    assert (feed.tick().runs, feed.wanted.read()) == ((), [])


def test_a_clock_that_was_set_back_loses_no_run(feed: Feed) -> None:
    feed.put("flights/date=2013-01-02/flights.json")
    lost = feed.tick_before_runs().runs
    feed.now -= 3600
    assert feed.tick().runs == lost


def test_two_ticks_at_once_lose_and_repeat_nothing(feed: Feed) -> None:
    for day in DAYS:
        feed.put(f"flights/date={day}/flights.json")
    ticks: list[Tick] = []
    both = [threading.Thread(target=lambda: ticks.append(feed.tick())) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    days = [day for tick in ticks for run in tick.runs for day in days_of(run.days)]
    assert sorted(days) == list(DAYS)
    feed.tick()
    assert (feed.left(), feed.wanted.read()) == (0, [])


def days_of(days: tuple[str, str] | None) -> tuple[str, ...]:
    assert days is not None
    return DAYS[DAYS.index(days[0]) : DAYS.index(days[1]) + 1]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("not json", "not JSON"),
        ("{}", "it has no Records"),
        ('{"Records": [{"eventName": "ObjectCreated:Put"}]}', "a record without 's3'"),
        ("[" * 100_000, ""),
        ('{"Records": [{"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "b"}, "object": "text"}}]}', ""),
        ('{"Records": [{"eventName": "ObjectCreated:Put", "s3": 7}]}', ""),
    ],
)
def test_malformed_messages_go_to_the_dead_letters(feed: Feed, text: str, reason: str) -> None:
    feed.put("airlines/airlines.json")
    feed.send(text)
    tick = feed.tick()
    ((body, said),) = feed.rejected()
    assert body == text and said and reason in said
    assert (tick.rejected, len(tick.runs), feed.left()) == (1, 1, 0), "the good message goes its way"


@pytest.mark.parametrize("key", ["hotels/hotels.json", "flights/date=2014-01-01/flights.json", "airlines/a\x7fü.csv"])
def test_objects_that_belong_nowhere_go_to_the_dead_letters(feed: Feed, key: str) -> None:
    feed.put(key)
    feed.put("airlines/airlines.json")
    tick = feed.tick()
    assert len(tick.runs) == 1
    ((_, reason),) = feed.rejected()
    assert key.split("/")[0] in reason
    assert feed.left() == 0


def test_a_message_half_good_is_run_and_rejected(feed: Feed) -> None:
    feed.put("airlines/airlines.json")
    ((good,),) = feed.queue.receive(1, Deadline(5))
    feed.queue.delete([good.receipt])
    records = json.loads(good.body)["Records"]
    feed.send(json.dumps({"Records": [*records, {"eventName": "ObjectTagging:Put"}]}))
    tick = feed.tick()
    assert (len(tick.runs), tick.rejected, feed.left()) == (1, 1, 0)
    assert feed.left(feed.dead_letters) == 1


def test_a_tick_takes_no_more_than_its_limit(feed: Feed) -> None:
    for day in DAYS[:15]:
        feed.put(f"flights/date={day}/flights.json")
    assert [feed.tick(limit=12).received for _ in range(3)] == [12, 3, 0]


def test_a_missing_queue_is_named(warm_target: Target) -> None:
    from dataclasses import replace

    nowhere = replace(warm_target, bucket_prefix="lakehouse-nowhere")
    with pytest.raises(QueueMissing, match="lakehouse-nowhere-landing-events does not exist.*lakehouse apply"):
        open_queue(nowhere)
