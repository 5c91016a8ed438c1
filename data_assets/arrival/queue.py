"""The event queue and its dead letters, through boto3.

API: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/Welcome.html
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lakehouse.targets import Target
from lakehouse.workspace import open_aws_client

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_BATCH = 10  # the most entries of a batch call
BATCH_BYTES = 262_144  # the smallest of SQS's limits on a message and on all messages of a batch, attributes included
_LONGEST_REASON = 1000
# Longer than a tick and the launch of its runs; a message of a tick that died comes back after it.
_HIDDEN_SECONDS = 300
# A call that hangs is given up before Dagster gives the tick up; longer than a tick waits for a first message.
_CALL_SECONDS = 12

Clock = Callable[[], float]


class QueueMissing(Exception):
    """The queue of landing events does not exist; the message says which and what to do."""


class DeletionFailed(Exception):
    """SQS kept messages that were to be deleted."""


@dataclass(frozen=True)
class Message:
    """A received message; its receipt deletes it."""

    id: str
    receipt: str
    body: str


@dataclass(frozen=True)
class Rejection:
    """A message that belongs to the dead letters, and why."""

    message: Message
    reasons: tuple[str, ...]


class Deadline:
    """A point in time, on a clock that never jumps."""

    def __init__(self, seconds: float, clock: Clock = time.monotonic) -> None:
        self._clock, self._ends = clock, clock() + seconds

    @property
    def is_over(self) -> bool:
        """Whether it has passed."""
        return self._clock() >= self._ends


class LandingQueue:
    """Receives, deletes and rejects messages about landed objects."""

    def __init__(self, client: SQSClient, url: str, dead_letters_url: str, wait_seconds: int = 1) -> None:
        self._client, self._url, self._dead_letters_url = client, url, dead_letters_url
        self._wait_seconds = wait_seconds  # not 0 on AWS: a short poll asks only some of the servers

    def receive(self, limit: int, deadline: Deadline, patience: int = 0) -> Iterator[list[Message]]:
        """Yield messages, up to ten at once, until none is there, `limit` have come or the deadline has passed.

        The first may be waited for up to `patience` seconds; those that follow come in quick succession.
        """
        received = 0
        while received < limit and not deadline.is_over:
            answer = self._client.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=min(_BATCH, limit - received),
                WaitTimeSeconds=self._wait_seconds if received else max(self._wait_seconds, patience),
                VisibilityTimeout=_HIDDEN_SECONDS,
            )
            messages = answer.get("Messages", [])
            if not messages:
                return
            received += len(messages)
            yield [Message(found["MessageId"], found["ReceiptHandle"], found["Body"]) for found in messages]

    def delete(self, receipts: Sequence[str], deadline: Deadline | None = None) -> int:
        """Delete messages until the deadline; return how many. Those that are left come back by themselves.

        A message that has been delivered anew meanwhile stays, and is dealt with when it is received.

        Raises:
            DeletionFailed: SQS kept some for another reason.
        """
        deleted = 0
        for start in range(0, len(receipts), _BATCH):
            if deadline is not None and deadline.is_over:
                break
            batch = receipts[start : start + _BATCH]
            answer = self._client.delete_message_batch(
                QueueUrl=self._url,
                Entries=[{"Id": str(number), "ReceiptHandle": receipt} for number, receipt in enumerate(batch)],
            )
            failed = [found for found in answer.get("Failed", []) if found["Code"] != "ReceiptHandleIsInvalid"]
            if failed:
                raise DeletionFailed(f"{self._url}: {len(failed)} messages could not be deleted, first: {failed[0]}")
            deleted += len(batch)
        return deleted

    def reject(self, rejections: Sequence[Rejection]) -> set[str]:
        """Send copies to the dead letters, each with its reason; return the receipts of those that are there now.

        The messages themselves stay. One whose copy SQS did not take comes back, and is rejected then.
        """
        there: set[str] = set()
        for batch in _split(rejections):
            entries: list[Any] = [{"Id": str(number), **_describe(one)} for number, one in enumerate(batch)]
            answer = self._client.send_message_batch(QueueUrl=self._dead_letters_url, Entries=entries)
            there |= {batch[int(sent["Id"])].message.receipt for sent in answer.get("Successful", [])}
        return there

    def count_dead_letters(self) -> int:
        """Return about how many dead letters there are; SQS counts them with some delay."""
        answer = self._client.get_queue_attributes(
            QueueUrl=self._dead_letters_url, AttributeNames=["ApproximateNumberOfMessages"]
        )
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])


def _split(rejections: Sequence[Rejection]) -> Iterator[list[Rejection]]:
    """Yield batches that SQS takes: not too many entries, not too many bytes."""
    batch: list[Rejection] = []
    size = 0
    for rejection in rejections:
        own = _measure(_describe(rejection))
        if batch and (len(batch) == _BATCH or size + own > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(rejection)
        size += own
    if batch:
        yield batch


def _describe(rejection: Rejection) -> dict[str, Any]:
    """Return the dead letter. A body that leaves no room for the reason loses its end, and says so."""
    # control characters may not stand in an attribute
    reason = json.dumps("; ".join(rejection.reasons), ensure_ascii=True)[1:-1][:_LONGEST_REASON]
    body = rejection.message.body
    entry = _entry(body, {"reason": reason, "message_id": rejection.message.id})
    excess = _measure(entry) - BATCH_BYTES
    if excess <= 0:
        return entry
    whole = body.encode()
    attributes = {"reason": reason, "message_id": rejection.message.id, "bytes_before_cut": str(len(whole))}
    room = BATCH_BYTES - _measure(_entry("", attributes))
    return _entry(whole[:room].decode(errors="ignore"), attributes)


def _entry(body: str, attributes: dict[str, str]) -> dict[str, Any]:
    described = {name: {"DataType": "String", "StringValue": text} for name, text in attributes.items()}
    return {"MessageBody": body, "MessageAttributes": described}


def _measure(entry: dict[str, Any]) -> int:
    """Return the bytes that SQS counts: the body, and of each attribute name, type and value."""
    attributes = entry["MessageAttributes"]
    texts = [text for name, value in attributes.items() for text in (name, *value.values())]
    return sum(len(text.encode()) for text in (entry["MessageBody"], *texts))


def open_queue(target: Target) -> LandingQueue:
    """Return the target's queue of landing events, as the pipeline.

    Raises:
        QueueMissing: it, or its dead-letter queue, does not exist.
    """
    client = open_aws_client(target, "pipeline", "sqs", _CALL_SECONDS)
    events = _find_url(client, target.queue("landing-events"))
    return LandingQueue(client, events, _find_url(client, target.queue("landing-events-dead-letters")))


def _find_url(client: SQSClient, name: str) -> str:
    try:
        return client.get_queue_url(QueueName=name)["QueueUrl"]
    except client.exceptions.QueueDoesNotExist as error:
        raise QueueMissing(f"SQS queue {name} does not exist: materialize the estate (`lakehouse apply`)") from error
