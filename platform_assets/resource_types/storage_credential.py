"""Storage credentials. https://docs.databricks.com/api/workspace/storagecredentials"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lakehouse.targets import Target
from platform_assets.grammar.names import simple_name_problems
from platform_assets.resource_types.catalog_bindings import find_hidden
from platform_assets.resource_types.listing import Listing
from platform_assets.resource_types.model import Clients, Resource, State
from platform_assets.resource_types.ownership import is_own_comment, mark_comment
from platform_assets.resource_types.rebuilding import Rebuilding, strip_prefix
from platform_assets.resource_types.sdk_errors import unless_missing
from platform_assets.resource_types.settling import call_when_settled

if TYPE_CHECKING:
    from databricks.sdk.service.catalog import StorageCredentialInfo


@dataclass(frozen=True)
class StorageCredential(Resource):
    """What Unity Catalog opens storage with: the IAM role."""

    role: str = "storage"

    type_name = "storage_credential"
    mark_field = "comment"
    folds_case = True
    reported = {"isolation_mode": "it is open to workspaces that are bound to it alone: shown, not changed"}
    references = {"role": "iam_role"}

    def find_problems(self, target: Target) -> Iterator[str]:
        """Its name."""
        yield from simple_name_problems(self.name, self.physical_name(target))

    @property
    def dependencies(self) -> tuple[str, ...]:
        """The role."""
        return (f"iam_role/{self.role}", *self.after)

    def physical_name(self, target: Target) -> str:
        """Return the credential's name, which is one in the whole metastore."""
        return target.account_wide(self.name).lower()

    def desired(self, target: Target) -> State:
        """Role and mark."""
        return {"role_arn": target.iam_role_arn(self.role), "comment": mark_comment(target), "read_only": False}

    def read(self, clients: Clients) -> State | None:
        """Get."""
        found = self.find_answer(clients)
        return None if found is None else _as_state(found)

    def find_answer(self, clients: Clients) -> StorageCredentialInfo | None:
        """Get."""
        return unless_missing(lambda: clients.workspace.storage_credentials.get(self.physical_name(clients.target)))

    def find_hidden(self, clients: Clients) -> str | None:
        """Ask for its bindings, which its owner sees from any workspace."""
        return find_hidden(clients, "storage_credential", self.physical_name(clients.target))

    def container(self, target: Target) -> str:
        """The metastore."""
        return ""

    @classmethod
    def list_states(cls, clients: Clients, container: str) -> Iterator[tuple[str, State]]:
        """List."""
        for found in clients.workspace.storage_credentials.list(max_results=0):
            yield found.name or "", _as_state(found)

    def create(self, clients: Clients, desired: State) -> None:
        """Create; Unity Catalog tries the role, which IAM may not know yet."""
        from databricks.sdk.service.catalog import AwsIamRoleRequest

        api, name = clients.workspace.storage_credentials, self.physical_name(clients.target)
        role = AwsIamRoleRequest(desired["role_arn"])
        call_when_settled(
            lambda: api.create(name, aws_iam_role=role, comment=desired["comment"], read_only=False),
            clients.target,
            "validation failed",
        )

    def update(self, clients: Clients, desired: State, before: State) -> None:
        """Update."""
        from databricks.sdk.service.catalog import AwsIamRoleRequest

        api, name = clients.workspace.storage_credentials, self.physical_name(clients.target)
        role = AwsIamRoleRequest(desired["role_arn"]) if "role_arn" in before else None
        call_when_settled(
            lambda: api.update(name, aws_iam_role=role, comment=desired["comment"], read_only=False),
            clients.target,
            "validation failed",
        )

    def delete(self, clients: Clients) -> None:
        """Delete."""
        unless_missing(lambda: clients.workspace.storage_credentials.delete(self.physical_name(clients.target)))

    def rebuild(self, state: State, rebuilding: Rebuilding) -> StorageCredential:
        """Its role is one of the target's."""
        return replace(self, role=strip_prefix(str(state["role_arn"]), rebuilding.target.iam_role_arn(""), "its role"))

    @classmethod
    def find_owned(cls, listing: Listing) -> Iterator[StorageCredential]:
        """Those with our prefix and comment."""
        target = listing.clients.target
        prefix = target.account_wide("")
        for name, state in listing.states(cls, "").items():
            if name.startswith(prefix) and is_own_comment(state["comment"], target):
                yield cls(name.removeprefix(prefix))


def _as_state(found: StorageCredentialInfo) -> State:
    role_arn = found.aws_iam_role.role_arn if found.aws_iam_role else None
    state = {"role_arn": role_arn, "comment": found.comment, "read_only": bool(found.read_only)}
    mode = found.isolation_mode.value if found.isolation_mode else ""
    return {**state, "isolation_mode": mode} if mode.endswith("ISOLATED") else state
