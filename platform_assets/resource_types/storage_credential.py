"""Storage credentials. https://docs.databricks.com/api/workspace/storagecredentials"""

from __future__ import annotations

from dataclasses import dataclass

from lakehouse.targets import Target
from platform_assets.resource_types.model import MARK, Clients, Resource, State, unless_missing
from platform_assets.resource_types.settling import call_when_settled


@dataclass(frozen=True)
class StorageCredential(Resource):
    """What Unity Catalog opens storage with: the IAM role."""

    role: str = "storage"

    type_name = "storage_credential"

    @property
    def dependencies(self) -> tuple[str, ...]:
        """The role."""
        return (f"iam_role/{self.role}", *self.after)

    def physical_name(self, target: Target) -> str:
        """Return the credential's name, which is one in the whole metastore."""
        return target.account_wide(self.name)

    def desired(self, target: Target) -> State:
        """Role and mark."""
        return {"role_arn": target.iam_role_arn(self.role), "comment": MARK, "read_only": False}

    def read(self, clients: Clients) -> State | None:
        """Get."""
        found = unless_missing(lambda: clients.workspace.storage_credentials.get(self.physical_name(clients.target)))
        if found is None:
            return None
        role_arn = found.aws_iam_role.role_arn if found.aws_iam_role else None
        return {"role_arn": role_arn, "comment": found.comment, "read_only": bool(found.read_only)}

    def create(self, clients: Clients, desired: State) -> None:
        """Create; Unity Catalog tries the role, which IAM may not know yet."""
        from databricks.sdk.service.catalog import AwsIamRoleRequest

        api, name = clients.workspace.storage_credentials, self.physical_name(clients.target)
        role = AwsIamRoleRequest(desired["role_arn"])
        call_when_settled(
            lambda: api.create(name, aws_iam_role=role, comment=MARK, read_only=False),
            clients.target,
            "validation failed",
        )

    def update(self, clients: Clients, desired: State, changed: frozenset[str]) -> None:
        """Update."""
        from databricks.sdk.service.catalog import AwsIamRoleRequest

        api, name = clients.workspace.storage_credentials, self.physical_name(clients.target)
        role = AwsIamRoleRequest(desired["role_arn"]) if "role_arn" in changed else None
        call_when_settled(
            lambda: api.update(name, aws_iam_role=role, comment=MARK, read_only=False),
            clients.target,
            "validation failed",
        )

    def delete(self, clients: Clients) -> None:
        """Delete."""
        unless_missing(lambda: clients.workspace.storage_credentials.delete(self.physical_name(clients.target)))
