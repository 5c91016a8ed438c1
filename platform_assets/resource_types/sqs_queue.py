"""SQS queues. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from lakehouse.targets import Target
from platform_assets.resource_types.model import Clients, Resource, State, unless_missing
from platform_assets.resource_types.policies import queue_access

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
    group = "platform_arrival"
    kinds = frozenset({"aws"})
    holds_data = True

    @property
    def dependencies(self) -> tuple[str, ...]:
        """The dead-letter queue."""
        return ((f"sqs_queue/{self.dead_letters}",) if self.dead_letters else ()) + self.after

    def physical_name(self, target: Target) -> str:
        """Return the queue's name."""
        return target.queue(self.name)

    def desired(self, target: Target) -> State:
        """The queue's attributes."""
        state: dict[str, Any] = {
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
        """GetQueueUrl and GetQueueAttributes."""
        url = self._find(clients)
        if url is None:
            return None
        found = clients.aws("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        names = [name for name in self.desired(clients.target) if name in found]
        state = {name: json.loads(found[name]) if name in _JSON else found[name] for name in names}
        if "RedrivePolicy" in state:  # AWS gives the count back as it was sent, some tools as text
            state["RedrivePolicy"]["maxReceiveCount"] = int(state["RedrivePolicy"]["maxReceiveCount"])
        return state

    def create(self, clients: Clients, desired: State) -> None:
        """CreateQueue."""
        clients.aws("sqs").create_queue(
            QueueName=self.physical_name(clients.target),
            Attributes=_as_text(desired),
            tags={"managed_by": "lakehouse"},
        )

    def update(self, clients: Clients, desired: State, changed: frozenset[str]) -> None:
        """SetQueueAttributes."""
        attributes = _as_text({name: desired[name] for name in changed})
        clients.aws("sqs").set_queue_attributes(QueueUrl=self._find(clients), Attributes=attributes)

    def delete(self, clients: Clients) -> None:
        """DeleteQueue, with the messages in it."""
        url = self._find(clients)
        if url is not None:
            clients.aws("sqs").delete_queue(QueueUrl=url)

    def _find(self, clients: Clients) -> str | None:
        return unless_missing(
            lambda: str(clients.aws("sqs").get_queue_url(QueueName=self.physical_name(clients.target))["QueueUrl"])
        )


def queue_arn(target: Target, name: str) -> str:
    """Return the ARN of a queue."""
    return f"arn:aws:sqs:{target.region}:{target.aws_account}:{target.queue(name)}"


def _as_text(attributes: State) -> dict[str, str]:
    return {name: json.dumps(value) if name in _JSON else value for name, value in attributes.items()}
