"""Ticks against a real queue fed by a real bucket: nothing is lost, nothing deleted before its run exists."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from data_assets.arrival.cursor import parse_cursor
from data_assets.arrival.queue import LandingQueue, QueueMissing, open_queue
from data_assets.arrival.routes import Layout
from data_assets.arrival.tick import Tick, evaluate
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
    runs: set[str] = field(default_factory=set)
    cursor: str | None = None

    @property
    def layout(self) -> Layout:
        return Layout(self.bucket, DAYS, frozenset({"flights"}), frozenset({"weather", "airlines"}))

    def put(self, key: str, text: str = "{}") -> None:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=text.encode())

    def send(self, text: str) -> None:
        self.sqs.send_message(QueueUrl=self.url, MessageBody=text)

    def tick(self, limit: int = 2000) -> Tick:
        """A tick whose runs are launched and whose cursor is kept."""
        tick = self.tick_that_dies(limit)
        self.runs |= {run.run_key for run in tick.runs}
        self.cursor = tick.cursor
        return tick

    def tick_that_dies(self, limit: int = 2000, patience: int = 0) -> Tick:
        return evaluate(self.queue, self.layout, self.cursor, self.runs.__contains__, limit, patience)

    def redeliver(self, tick: Tick) -> None:
        """What SQS does when the visibility timeout has passed."""
        for entry in parse_cursor(tick.cursor):
            for receipt in entry.receipts:
                self.sqs.change_message_visibility(QueueUrl=self.url, ReceiptHandle=receipt, VisibilityTimeout=0)

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
    feed = Feed(bucket, s3, sqs, urls[0], urls[1], queue)
    assert feed.left() == 1, "S3 announces itself with a test event"
    tick = feed.tick()
    assert (tick.received, tick.deleted, tick.rejected, tick.runs) == (1, 1, 0, ())
    yield feed
    for url in urls:
        sqs.delete_queue(QueueUrl=url)


def test_a_month_is_one_run_and_is_deleted_a_tick_later(feed: Feed) -> None:
    for day in reversed(DAYS):
        feed.put(f"flights/date={day}/flights.json")
    feed.put("weather/date=2013-01-01/weather.json")
    tick = feed.tick()
    (run,) = tick.runs
    assert (run.days, run.datasets) == ((DAYS[0], DAYS[-1]), {"flights", "weather"})
    assert feed.left() == 32, "deleted before the run was known to exist"
    assert (feed.tick().runs, feed.left()) == ((), 0)
    assert parse_cursor(feed.cursor) == []


def test_a_patient_tick_has_an_object_that_comes_while_it_waits(feed: Feed) -> None:
    assert feed.tick_that_dies().received == 0
    later = threading.Timer(1.5, feed.put, ["airlines/airlines.json"])
    later.start()
    tick = feed.tick_that_dies(patience=15)
    later.join()
    assert [run.datasets for run in tick.runs] == [{"airlines"}]


def test_a_tick_with_runs_to_confirm_does_not_wait(feed: Feed) -> None:
    feed.put("airlines/airlines.json")
    feed.tick()
    later = threading.Timer(4, feed.put, ["planes/planes.json"])
    later.start()
    tick = feed.tick_that_dies(patience=15)
    later.join()
    assert (tick.received, tick.deleted) == (0, 1)


def test_removals_are_deleted_at_once(feed: Feed) -> None:
    feed.put("airlines/airlines.json")
    feed.tick()
    feed.tick()
    feed.s3.delete_object(Bucket=feed.bucket, Key="airlines/airlines.json")
    assert feed.left() == 1
    assert (feed.tick().runs, feed.left(), feed.rejected()) == ((), 0, [])


def test_duplicates_collapse(feed: Feed) -> None:
    feed.put("flights/date=2013-01-02/flights.json")
    (received,) = feed.queue.receive(1, 5)
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


def test_a_tick_that_died_is_repeated_with_the_same_run_key(feed: Feed) -> None:
    feed.put("flights/date=2013-01-02/flights.json")
    dead = feed.tick_that_dies()
    feed.redeliver(dead)
    alive = feed.tick()
    assert [run.run_key for run in alive.runs] == [run.run_key for run in dead.runs]
    feed.tick()
    assert feed.left() == 0


def test_a_run_that_was_never_created_keeps_its_message(feed: Feed) -> None:
    feed.put("flights/date=2013-01-02/flights.json")
    lost = feed.tick()
    feed.runs.clear()  # the daemon died between cursor and run
    assert feed.tick().deleted == 0
    feed.redeliver(lost)
    (again,) = feed.tick().runs
    assert again.run_key == lost.runs[0].run_key


def test_deleting_twice_is_harmless(feed: Feed) -> None:
    feed.put("airlines/airlines.json")
    feed.tick()
    before = feed.cursor
    feed.tick()
    feed.cursor = before  # died after deleting, before the cursor was kept
    assert feed.tick().runs == ()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("not json", "not JSON"),
        ("{}", "it has no Records"),
        ('{"Records": [{"eventName": "ObjectCreated:Put"}]}', "a record without 's3'"),
    ],
)
def test_malformed_messages_go_to_the_dead_letters(feed: Feed, text: str, reason: str) -> None:
    feed.send(text)
    tick = feed.tick()
    ((body, said),) = feed.rejected()
    assert body == text and reason in said
    assert (tick.rejected, feed.left()) == (1, 0)


@pytest.mark.parametrize("key", ["hotels/hotels.json", "flights/date=2014-01-01/flights.json", "airlines/a\x7fü.csv"])
def test_objects_that_belong_nowhere_go_to_the_dead_letters(feed: Feed, key: str) -> None:
    feed.put(key)
    feed.put("airlines/airlines.json")
    tick = feed.tick()
    assert len(tick.runs) == 1
    ((_, reason),) = feed.rejected()
    assert key.split("/")[0] in reason
    assert feed.left() == 1


def test_a_message_half_good_is_run_and_rejected(feed: Feed) -> None:
    feed.put("airlines/airlines.json")
    (good,) = feed.queue.receive(1, 5)
    feed.queue.delete([good.receipt])
    records = json.loads(good.body)["Records"]
    feed.send(json.dumps({"Records": [*records, {"eventName": "ObjectTagging:Put"}]}))
    tick = feed.tick()
    assert (len(tick.runs), tick.rejected, feed.left()) == (1, 1, 1)
    feed.tick()
    assert (feed.left(), feed.left(feed.dead_letters)) == (0, 1)


def test_a_tick_takes_no_more_than_its_limit(feed: Feed) -> None:
    for day in DAYS[:15]:
        feed.put(f"flights/date={day}/flights.json")
    assert [feed.tick(limit=12).received for _ in range(3)] == [12, 3, 0]


def test_a_missing_queue_is_named(warm_target: Target) -> None:
    from dataclasses import replace

    nowhere = replace(warm_target, bucket_prefix="lakehouse-nowhere")
    with pytest.raises(QueueMissing, match="lakehouse-nowhere-landing-events does not exist.*lakehouse apply"):
        open_queue(nowhere)
