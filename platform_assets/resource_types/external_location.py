"""External locations. https://docs.databricks.com/api/workspace/externallocations"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lakehouse.targets import Target
from platform_assets.resource_types.model import Clients, Resource, State
from platform_assets.resource_types.ownership import is_own_comment, mark_comment
from platform_assets.resource_types.sdk_errors import unless_missing
from platform_assets.resource_types.settling import call_when_settled


@dataclass(frozen=True)
class ExternalLocation(Resource):
    """A bucket that Unity Catalog governs, with the credential that opens it."""

    bucket: str = ""
    credential: str = "lake_storage"

    type_name = "external_location"

    @property
    def dependencies(self) -> tuple[str, ...]:
        """Bucket and credential."""
        return (f"s3_bucket/{self.bucket}", f"storage_credential/{self.credential}", *self.after)

    def physical_name(self, target: Target) -> str:
        """Return the location's name, which is one in the whole metastore."""
        return target.account_wide(self.name)

    def desired(self, target: Target) -> State:
        """Address and credential."""
        url = f"s3://{target.bucket(self.bucket)}/"
        credential = target.account_wide(self.credential)
        return {"url": url, "credential": credential, "read_only": False, "comment": mark_comment(target)}

    def read(self, clients: Clients) -> State | None:
        """Get."""
        found = unless_missing(lambda: clients.workspace.external_locations.get(self.physical_name(clients.target)))
        if found is None:
            return None
        return {
            "url": f"{(found.url or '').rstrip('/')}/",
            "credential": found.credential_name,
            "read_only": bool(found.read_only),
            "comment": found.comment,
        }

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

    @classmethod
    def find_owned(cls, clients: Clients) -> Iterator[ExternalLocation]:
        """List."""
        prefix = clients.target.account_wide("")
        for found in clients.workspace.external_locations.list():
            if (found.name or "").startswith(prefix) and is_own_comment(found.comment, clients.target):
                yield cls((found.name or "").removeprefix(prefix))
