"""External locations. https://docs.databricks.com/api/workspace/externallocations"""

from __future__ import annotations

from dataclasses import dataclass

from lakehouse.targets import Target
from platform_assets.resource_types.model import MARK, Clients, Resource, State, unless_missing
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
        return {"url": url, "credential": target.account_wide(self.credential), "read_only": False, "comment": MARK}

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
            lambda: api.create(name, desired["url"], desired["credential"], comment=MARK, read_only=False),
            clients.target,
            "validation failed",
        )

    def update(self, clients: Clients, desired: State, changed: frozenset[str]) -> None:
        """Update."""
        api, name = clients.workspace.external_locations, self.physical_name(clients.target)
        call_when_settled(
            lambda: api.update(
                name, url=desired["url"], credential_name=desired["credential"], comment=MARK, read_only=False
            ),
            clients.target,
            "validation failed",
        )

    def delete(self, clients: Clients) -> None:
        """Delete; refused while something lies in it."""
        unless_missing(lambda: clients.workspace.external_locations.delete(self.physical_name(clients.target)))
