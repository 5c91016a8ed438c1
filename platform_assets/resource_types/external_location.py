"""External locations. https://docs.databricks.com/api/workspace/externallocations"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lakehouse.targets import Target
from platform_assets.grammar.names import simple_name_problems
from platform_assets.resource_types.catalog_bindings import find_hidden
from platform_assets.resource_types.listing import Listing
from platform_assets.resource_types.model import Clients, Resource, State, refuse
from platform_assets.resource_types.ownership import is_own_comment, mark_comment
from platform_assets.resource_types.rebuilding import NotExpressible, Rebuilding, strip_prefix
from platform_assets.resource_types.sdk_errors import unless_missing
from platform_assets.resource_types.settling import call_when_settled
from platform_assets.resource_types.sqs_queue import queue_url

if TYPE_CHECKING:
    from databricks.sdk.service.catalog import ExternalLocationInfo


@dataclass(frozen=True)
class ExternalLocation(Resource):
    """A bucket that Unity Catalog governs, with the credential that opens it.

    File events come from a declared queue (`provided_sqs`), from what Databricks makes itself (`managed_sqs`), or not.
    """

    bucket: str = ""
    credential: str = "lake_storage"
    provided_sqs: str | None = None
    managed_sqs: bool = False

    type_name = "external_location"
    mark_field = "comment"
    folds_case = True
    reported = {
        "isolation_mode": "it is open to workspaces that are bound to it alone: shown, not changed",
        "fallback": "where the credential is denied, the cluster's own is taken: shown, not changed",
    }
    references = {"bucket": "s3_bucket", "credential": "storage_credential", "provided_sqs": "sqs_queue"}

    def __post_init__(self) -> None:
        if self.provided_sqs and self.managed_sqs:
            raise refuse(self.key, "file events come from provided_sqs or managed_sqs, not from both")

    def find_problems(self, target: Target) -> Iterator[str]:
        """Its name."""
        yield from simple_name_problems(self.name, self.physical_name(target))

    @property
    def dependencies(self) -> tuple[str, ...]:
        """Bucket, credential, and the queue of its file events."""
        queue = (f"sqs_queue/{self.provided_sqs}",) if self.provided_sqs else ()
        return (f"s3_bucket/{self.bucket}", f"storage_credential/{self.credential}", *queue, *self.after)

    def physical_name(self, target: Target) -> str:
        """Return the location's name, which is one in the whole metastore."""
        return target.account_wide(self.name).lower()

    def desired(self, target: Target) -> State:
        """Address, credential, file events; that there are none is said, since Databricks' default is its own queue."""
        return {
            "url": f"s3://{target.bucket(self.bucket)}/",
            "credential": target.account_wide(self.credential).lower(),
            "read_only": False,
            "comment": mark_comment(target),
            "enable_file_events": bool(self.provided_sqs or self.managed_sqs),
            "file_event_queue": self._queue(target),
        }

    def read(self, clients: Clients) -> State | None:
        """Get."""
        found = self.find_answer(clients)
        return None if found is None else _as_state(found)

    def find_answer(self, clients: Clients) -> ExternalLocationInfo | None:
        """Get."""
        return unless_missing(lambda: clients.workspace.external_locations.get(self.physical_name(clients.target)))

    def find_hidden(self, clients: Clients) -> str | None:
        """Ask for its bindings, which its owner sees from any workspace."""
        return find_hidden(clients, "external_location", self.physical_name(clients.target))

    def container(self, target: Target) -> str:
        """The metastore."""
        return ""

    @classmethod
    def list_states(cls, clients: Clients, container: str) -> Iterator[tuple[str, State]]:
        """List."""
        for found in clients.workspace.external_locations.list(max_results=0):
            yield found.name or "", _as_state(found)

    def create(self, clients: Clients, desired: State) -> None:
        """Create; Unity Catalog tries the path, whose role IAM may not know yet."""
        api, name = clients.workspace.external_locations, self.physical_name(clients.target)
        call_when_settled(
            lambda: api.create(
                name,
                desired["url"],
                desired["credential"],
                comment=desired["comment"],
                read_only=False,
                **_as_events(desired),
            ),
            clients.target,
            "validation failed",
        )

    def update(self, clients: Clients, desired: State, before: State) -> None:
        """Update; file events only where they differ, for they may be looked at by the service itself."""
        events = _as_events(desired) if before.keys() & {"enable_file_events", "file_event_queue"} else {}
        api, name = clients.workspace.external_locations, self.physical_name(clients.target)
        call_when_settled(
            lambda: api.update(
                name,
                url=desired["url"],
                credential_name=desired["credential"],
                comment=desired["comment"],
                read_only=False,
                **events,
            ),
            clients.target,
            "validation failed",
        )

    def delete(self, clients: Clients) -> None:
        """Delete; refused while something lies in it."""
        unless_missing(lambda: clients.workspace.external_locations.delete(self.physical_name(clients.target)))

    def rebuild(self, state: State, rebuilding: Rebuilding) -> ExternalLocation:
        """It is over a whole bucket; a queue that somebody provided is one of the target's."""
        bucket, path = rebuilding.split_url(state["url"])
        if path:
            raise NotExpressible(f"it is over the folder {path} of a bucket; declared locations are over whole buckets")
        credential = strip_prefix(str(state["credential"]), rebuilding.target.account_wide(""), "its credential")
        events = state["file_event_queue"]
        url = events.get("provided_sqs", {}).get("queue_url")
        queue = url and strip_prefix(url, queue_url(rebuilding.target, ""), "the queue of its file events")
        return replace(
            self, bucket=bucket, credential=credential, provided_sqs=queue, managed_sqs="managed_sqs" in events
        )

    @classmethod
    def find_owned(cls, listing: Listing) -> Iterator[ExternalLocation]:
        """Those with our prefix and comment."""
        target = listing.clients.target
        prefix = target.account_wide("")
        for name, state in listing.states(cls, "").items():
            if name.startswith(prefix) and is_own_comment(state["comment"], target):
                yield cls(name.removeprefix(prefix))

    def _queue(self, target: Target) -> dict[str, Any]:
        if self.provided_sqs:
            return {"provided_sqs": {"queue_url": queue_url(target, self.provided_sqs)}}
        return {"managed_sqs": {}} if self.managed_sqs else {}


def _as_events(desired: State) -> dict[str, Any]:
    """Return the arguments that turn file events on or off; without them no queue is sent."""
    from databricks.sdk.service.catalog import FileEventQueue

    enabled = desired["enable_file_events"]
    queue = {"file_event_queue": FileEventQueue.from_dict(desired["file_event_queue"])} if enabled else {}
    return {"enable_file_events": enabled, **queue}


def _as_queue(found: ExternalLocationInfo) -> dict[str, Any]:
    """Without the ids of what Databricks made."""
    queues = found.file_event_queue.as_dict() if found.enable_file_events and found.file_event_queue else {}
    return {kind: {key: one[key] for key in one if key != "managed_resource_id"} for kind, one in queues.items()}


def _as_state(found: ExternalLocationInfo) -> State:
    mode = found.isolation_mode.value if found.isolation_mode else ""
    return {
        "url": f"{(found.url or '').rstrip('/')}/",
        "credential": found.credential_name,
        "read_only": bool(found.read_only),
        "comment": found.comment,
        "enable_file_events": bool(found.enable_file_events),
        "file_event_queue": _as_queue(found),
        **({"isolation_mode": mode} if mode.endswith("ISOLATED") else {}),
        **({"fallback": True} if found.fallback else {}),
    }
