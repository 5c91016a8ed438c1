"""SQS queues. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from lakehouse.grammar.texts import range_problems
from lakehouse.targets import Target
from platform_assets.grammar.aws import queue_problems
from platform_assets.resource_types.listing import Listing
from platform_assets.resource_types.model import Clients, Resource, State
from platform_assets.resource_types.ownership import mark_labels, own_labels
from platform_assets.resource_types.policies import find_event_source, normalize_policy, queue_access
from platform_assets.resource_types.rebuilding import Rebuilding, strip_prefix
from platform_assets.resource_types.sdk_errors import unless_missing

_JSON = ("RedrivePolicy", "Policy")
_FOURTEEN_DAYS = "1209600"


@dataclass(frozen=True)
class SqsQueue(Resource):
    """A queue; `dead_letters` takes what was received too often, `events_of` is the bucket that may send."""

    dead_letters: str | None = None
    events_of: str | None = None
    visibility_seconds: int = 300
    most_receives: int = 5

    type_name = "sqs_queue"
    mark_field = "tags"
    references = {"dead_letters": "sqs_queue", "events_of": "s3_bucket"}
    group = "platform_arrival"
    kinds = frozenset({"aws"})
    holds_data = True

    def find_problems(self, target: Target) -> Iterator[str]:
        """Its name, and how often and how long a message is received."""
        yield from queue_problems(self.physical_name(target))
        yield from range_problems("visibility_seconds", self.visibility_seconds, 0, 43_200)
        yield from range_problems("most_receives", self.most_receives, 1, 1_000)

    @property
    def dependencies(self) -> tuple[str, ...]:
        """The dead-letter queue."""
        return ((f"sqs_queue/{self.dead_letters}",) if self.dead_letters else ()) + self.after

    def physical_name(self, target: Target) -> str:
        """Return the queue's name."""
        return target.queue(self.name)

    def desired(self, target: Target) -> State:
        """The queue's attributes, under AWS's names, and its tags."""
        state: dict[str, Any] = {
            "tags": mark_labels(target),
            "VisibilityTimeout": str(self.visibility_seconds),
            "MessageRetentionPeriod": _FOURTEEN_DAYS,
        }
        if self.dead_letters:
            arn = queue_arn(target, self.dead_letters)
            state["RedrivePolicy"] = {"deadLetterTargetArn": arn, "maxReceiveCount": self.most_receives}
        if self.events_of:
            own = queue_arn(target, self.name)
            state["Policy"] = queue_access(own, target.bucket(self.events_of), target.aws_account)
        return state

    def read(self, clients: Clients) -> State | None:
        """GetQueueUrl, GetQueueAttributes, ListQueueTags."""
        sqs, url = clients.aws("sqs"), self._find(clients)
        if url is None:
            return None
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        names = [name for name in self.desired(clients.target) if name in found]
        return {**{name: _normalize(name, found[name]) for name in names}, "tags": own_labels(_read_tags(sqs, url))}

    def create(self, clients: Clients, desired: State) -> None:
        """CreateQueue."""
        clients.aws("sqs").create_queue(
            QueueName=self.physical_name(clients.target),
            Attributes=_as_text(desired, desired),
            tags=dict(desired["tags"]),
        )

    def update(self, clients: Clients, desired: State, before: State) -> None:
        """SetQueueAttributes and TagQueue."""
        sqs, url = clients.aws("sqs"), self._find(clients)
        if attributes := _as_text(desired, before):
            sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)
        if "tags" in before:
            sqs.tag_queue(QueueUrl=url, Tags=dict(desired["tags"]))

    def delete(self, clients: Clients) -> None:
        """DeleteQueue, with the messages in it."""
        url = self._find(clients)
        if url is not None:
            clients.aws("sqs").delete_queue(QueueUrl=url)

    def rebuild(self, state: State, rebuilding: Rebuilding) -> SqsQueue:
        """Its dead-letter queue, and the bucket that its policy lets send."""
        target, redrive = rebuilding.target, state.get("RedrivePolicy")
        queue = redrive and strip_prefix(redrive["deadLetterTargetArn"], queue_arn(target, ""), "its dead-letter queue")
        source = find_event_source(state["Policy"]) if state.get("Policy") else None
        return replace(
            self,
            dead_letters=queue,
            events_of=source and strip_prefix(source, target.bucket(""), "the bucket whose events it takes"),
            visibility_seconds=int(state["VisibilityTimeout"]),
            most_receives=redrive["maxReceiveCount"] if redrive else self.most_receives,
        )

    def read_whole(self, clients: Clients) -> State | None:
        """Ask for the attributes that only some declarations have as well."""
        return replace(self, dead_letters=self.name, events_of=self.name).read(clients)

    @classmethod
    def find_owned(cls, listing: Listing) -> Iterator[SqsQueue]:
        """ListQueues with our prefix; then the tags of each."""
        sqs, prefix = listing.clients.aws("sqs"), listing.clients.target.queue("")
        for page in sqs.get_paginator("list_queues").paginate(QueueNamePrefix=prefix):
            for url in page.get("QueueUrls", []):
                if own_labels(_read_tags(sqs, url)) == mark_labels(listing.clients.target):
                    yield cls(url.rpartition("/")[2].removeprefix(prefix))

    def _find(self, clients: Clients) -> str | None:
        return unless_missing(
            lambda: str(clients.aws("sqs").get_queue_url(QueueName=self.physical_name(clients.target))["QueueUrl"])
        )


def queue_arn(target: Target, name: str) -> str:
    """Return the ARN of a queue."""
    return f"arn:aws:sqs:{target.region}:{target.aws_account}:{target.queue(name)}"


def queue_url(target: Target, name: str) -> str:
    """Return the URL of a queue as AWS documents it; a local workspace's own answers at another address."""
    return f"https://sqs.{target.region}.amazonaws.com/{target.aws_account}/{target.queue(name)}"


def _as_text(desired: State, names: Iterable[str]) -> dict[str, str]:
    attributes = {name: desired[name] for name in names if name != "tags"}
    return {name: json.dumps(value) if name in _JSON else value for name, value in attributes.items()}


def _normalize(name: str, text: str) -> Any:
    if name == "Policy":
        return normalize_policy(text)
    if name == "RedrivePolicy":  # AWS gives the count back as it was sent, some tools as text
        policy = json.loads(text)
        return {**policy, "maxReceiveCount": int(policy["maxReceiveCount"])}
    return text


def _read_tags(sqs: Any, url: str) -> dict[str, str]:
    return dict(sqs.list_queue_tags(QueueUrl=url).get("Tags", {}))
