"""External locations. https://docs.databricks.com/api/workspace/externallocations"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lakehouse.targets import Target
from platform_assets.resource_types.listing import Listing
from platform_assets.resource_types.model import Clients, Resource, State
from platform_assets.resource_types.ownership import is_own_comment, mark_comment
from platform_assets.resource_types.rebuilding import NotExpressible, Rebuilding, strip_prefix
from platform_assets.resource_types.sdk_errors import unless_missing
from platform_assets.resource_types.settling import call_when_settled

if TYPE_CHECKING:
    from databricks.sdk.service.catalog import ExternalLocationInfo


@dataclass(frozen=True)
class ExternalLocation(Resource):
    """A bucket that Unity Catalog governs, with the credential that opens it."""

    bucket: str = ""
    credential: str = "lake_storage"

    type_name = "external_location"
    folds_case = True
    references = {"bucket": "s3_bucket", "credential": "storage_credential"}

    @property
    def dependencies(self) -> tuple[str, ...]:
        """Bucket and credential."""
        return (f"s3_bucket/{self.bucket}", f"storage_credential/{self.credential}", *self.after)

    def physical_name(self, target: Target) -> str:
        """Return the location's name, which is one in the whole metastore."""
        return target.account_wide(self.name).lower()

    def desired(self, target: Target) -> State:
        """Address and credential."""
        url = f"s3://{target.bucket(self.bucket)}/"
        credential = target.account_wide(self.credential).lower()
        return {"url": url, "credential": credential, "read_only": False, "comment": mark_comment(target)}

    def read(self, clients: Clients) -> State | None:
        """Get."""
        found = unless_missing(lambda: clients.workspace.external_locations.get(self.physical_name(clients.target)))
        return None if found is None else _as_state(found)

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
                name, desired["url"], desired["credential"], comment=desired["comment"], read_only=False
            ),
            clients.target,
            "validation failed",
        )

    def update(self, clients: Clients, desired: State, before: State) -> None:
        """Update."""
        api, name = clients.workspace.external_locations, self.physical_name(clients.target)
        call_when_settled(
            lambda: api.update(
                name,
                url=desired["url"],
                credential_name=desired["credential"],
                comment=desired["comment"],
                read_only=False,
            ),
            clients.target,
            "validation failed",
        )

    def delete(self, clients: Clients) -> None:
        """Delete; refused while something lies in it."""
        unless_missing(lambda: clients.workspace.external_locations.delete(self.physical_name(clients.target)))

    def rebuild(self, state: State, rebuilding: Rebuilding) -> ExternalLocation:
        """It is over a whole bucket."""
        bucket, path = rebuilding.split_url(state["url"])
        if path:
            raise NotExpressible(f"it is over the folder {path} of a bucket; declared locations are over whole buckets")
        credential = strip_prefix(str(state["credential"]), rebuilding.target.account_wide(""), "its credential")
        return replace(self, bucket=bucket, credential=credential)

    @classmethod
    def find_owned(cls, listing: Listing) -> Iterator[ExternalLocation]:
        """Those with our prefix and comment."""
        target = listing.clients.target
        prefix = target.account_wide("")
        for name, state in listing.states(cls, "").items():
            if name.startswith(prefix) and is_own_comment(state["comment"], target):
                yield cls(name.removeprefix(prefix))


def _as_state(found: ExternalLocationInfo) -> State:
    return {
        "url": f"{(found.url or '').rstrip('/')}/",
        "credential": found.credential_name,
        "read_only": bool(found.read_only),
        "comment": found.comment,
    }
