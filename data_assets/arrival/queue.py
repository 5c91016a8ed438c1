"""The event queue and its dead letters, through boto3.

API: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/Welcome.html
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lakehouse.targets import Target
from lakehouse.workspace import open_aws_client

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_BATCH = 10  # what the API takes at once
_LONGEST_REASON = 1000
# Longer than a tick and the launch of its runs; a message of a tick that died comes back after it.
_HIDDEN_SECONDS = 300


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


class LandingQueue:
    """Receives, deletes and rejects messages about landed objects."""

    def __init__(self, client: SQSClient, url: str, dead_letters_url: str, wait_seconds: int = 1) -> None:
        self._client, self._url, self._dead_letters_url = client, url, dead_letters_url
        self._wait_seconds = wait_seconds  # not 0 on AWS: a short poll asks only some of the servers

    def receive(self, limit: int, seconds: float, patience: int = 0) -> Iterator[Message]:
        """Yield messages until none is there, `limit` have come or `seconds` have passed.

        The first may be waited for up to `patience` seconds, at most 20; those that follow come in quick succession.
        """
        deadline, received = time.monotonic() + seconds, 0
        while received < limit and time.monotonic() < deadline:
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
            yield from (Message(found["MessageId"], found["ReceiptHandle"], found["Body"]) for found in messages)

    def delete(self, receipts: Sequence[str]) -> None:
        """Delete messages. One that has been delivered anew meanwhile stays, and is dealt with when it is received.

        Raises:
            DeletionFailed: SQS kept some for another reason.
        """
        for start in range(0, len(receipts), _BATCH):
            batch = receipts[start : start + _BATCH]
            answer = self._client.delete_message_batch(
                QueueUrl=self._url,
                Entries=[{"Id": str(number), "ReceiptHandle": receipt} for number, receipt in enumerate(batch)],
            )
            failed = [found for found in answer.get("Failed", []) if found["Code"] != "ReceiptHandleIsInvalid"]
            if failed:
                raise DeletionFailed(f"{self._url}: {len(failed)} messages could not be deleted, first: {failed[0]}")

    def reject(self, message: Message, reasons: Sequence[str]) -> None:
        """Send a copy of the message to the dead letters, with the reason; the message itself stays."""
        # control characters may not stand in an attribute
        reason = json.dumps("; ".join(reasons), ensure_ascii=True)[1:-1][:_LONGEST_REASON]
        self._client.send_message(
            QueueUrl=self._dead_letters_url,
            MessageBody=message.body,
            MessageAttributes={
                "reason": {"DataType": "String", "StringValue": reason},
                "message_id": {"DataType": "String", "StringValue": message.id},
            },
        )


def open_queue(target: Target) -> LandingQueue:
    """Return the target's queue of landing events, as the pipeline.

    Raises:
        QueueMissing: it, or its dead-letter queue, does not exist.
    """
    client = open_aws_client(target, "pipeline", "sqs")
    events = _find_url(client, target.queue("landing-events"))
    return LandingQueue(client, events, _find_url(client, target.queue("landing-events-dead-letters")))


def _find_url(client: SQSClient, name: str) -> str:
    try:
        return client.get_queue_url(QueueName=name)["QueueUrl"]
    except client.exceptions.QueueDoesNotExist as error:
        raise QueueMissing(f"SQS queue {name} does not exist: materialize the estate (`lakehouse apply`)") from error
