"""The cross-account role with which Databricks' control plane launches classic compute in the customer's account.

A serverless workspace takes none. https://docs.databricks.com/en/admin/account-settings-e2/credentials.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lakehouse.targets import Target
from platform_assets.resource_types.compute_policies import Network, compute_access, control_plane_trust
from platform_assets.resource_types.model import InvalidDeclaration, State, refuse
from platform_assets.resource_types.role import Role

_IDS = re.compile(r"vpc-[0-9a-f]{8,17} sg-[0-9a-f]{8,17}")


@dataclass(frozen=True)
class ControlPlaneRole(Role):
    """The role of Databricks' control plane: External ID demanded, instances in one VPC and of its own tag only.

    `networks`: by target, the ids of VPC and security group, which Terraform made.
    """

    networks: Mapping[str, tuple[str, str]] = field(default_factory=dict, hash=False)

    type_name = "control_plane_role"
    mark_field = "tags"
    policy_name = "control-plane"
    purpose = "Databricks' control plane launches compute of the workspace"
    kind = "control_plane_role"

    def __post_init__(self) -> None:
        for target, ids in self.networks.items():
            if not _IDS.fullmatch(" ".join(ids)):
                raise refuse(
                    self.key,
                    f"the network of target {target} is a VPC and a security group, such as "
                    f"('vpc-0123456789abcdef0', 'sg-0123456789abcdef0'), not {ids!r}",
                )

    def desired(self, target: Target) -> State:
        """Trust, permissions, mark.

        Raises:
            InvalidDeclaration: it has no network for the target.
        """
        if target.name not in self.networks:
            raise InvalidDeclaration(f"{self.key}: declare VPC and security group of target {target.name} in networks")
        network = Network(target.region, target.aws_account, *self.networks[target.name])
        return {
            "trust": self.first_trust(target),
            "policy": compute_access(network),
            "tags": self.labels(target),
        }

    def first_trust(self, target: Target) -> dict[str, Any]:
        """The account of Databricks is there before."""
        return control_plane_trust(target.databricks_account)
