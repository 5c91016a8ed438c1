"""Policies of the cross-account role, as pure functions: what Databricks documents for a VPC of one's own, restricted.

Sources: "Create a credential configuration", customer-managed VPC with custom restrictions, and "Permissions in
cross-account IAM roles" (Databricks on AWS); what an action acts on is in AWS's Service Authorization Reference.
"""

from __future__ import annotations

from typing import NamedTuple

from platform_assets.resource_types.policies import DATABRICKS_AWS_ACCOUNT, Document, allow, make_document
from platform_assets.resource_types.policy_rules import BEFORE_TAGS

_READS = [
    *("DescribeAvailabilityZones", "DescribeIamInstanceProfileAssociations", "DescribeInstanceStatus"),
    *("DescribeInstances", "DescribeInternetGateways", "DescribeNatGateways", "DescribeNetworkAcls"),
    *("DescribePrefixLists", "DescribeReservedInstancesOfferings", "DescribeRouteTables", "DescribeSecurityGroups"),
    *("DescribeSpotInstanceRequests", "DescribeSpotPriceHistory", "DescribeSubnets", "DescribeVolumes"),
    *("DescribeVpcAttribute", "DescribeVpcs", "DescribeFleetHistory", "DescribeFleetInstances", "DescribeFleets"),
    *("DescribeLaunchTemplates", "DescribeLaunchTemplateVersions", "GetLaunchTemplateData", "GetSpotPlacementScores"),
]
_OF_INSTANCES = [
    *("AssociateIamInstanceProfile", "DisassociateIamInstanceProfile", "ReplaceIamInstanceProfileAssociation"),
    "TerminateInstances",
]
_RULES_OF_A_GROUP = [
    *("AuthorizeSecurityGroupEgress", "AuthorizeSecurityGroupIngress"),
    *("RevokeSecurityGroupEgress", "RevokeSecurityGroupIngress"),
]
_MARKED = {"StringEquals": {"ec2:ResourceTag/Vendor": "Databricks"}}
_MARKING = {"StringEquals": {"aws:RequestTag/Vendor": "Databricks"}}


class Network(NamedTuple):
    """Where compute is launched: ids of VPC and security group in a region of an AWS account."""

    region: str
    account: str
    vpc: str
    security_group: str

    def own(self, *kinds: str) -> list[str]:
        """Return the ARNs of all resources of these kinds in region and account."""
        return [f"arn:aws:ec2:{self.region}:{self.account}:{kind}" for kind in kinds]

    def shared(self, *kinds: str) -> list[str]:
        """Return the ARNs of what belongs to no account, as far as ARNs say: images and snapshots."""
        return [f"arn:aws:ec2:{self.region}::{kind}" for kind in kinds]


def control_plane_trust(external_id: str) -> Document:
    """Return who may become the role: Databricks' account, with the customer's Databricks account as External ID."""
    return make_document(
        {
            "Sid": "DatabricksWithExternalId",
            "Effect": "Allow",
            "Principal": {"AWS": [f"arn:aws:iam::{DATABRICKS_AWS_ACCOUNT}:root"]},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": external_id}},
        }
    )


def compute_access(network: Network) -> Document:
    """Return what the control plane may do: instances and volumes with its tag, in this VPC, by this security group.

    Narrower than published in three points: every change is bound to the region; what RunInstances takes beside its
    tagged resources is listed, where the published policy allows all but some; the service-linked role for spot
    instances is not the control plane's to make.
    """
    in_vpc = {"StringEquals": {"ec2:Vpc": network.own(f"vpc/{network.vpc}")}}
    own, shared = network.own, network.shared
    group = own(f"security-group/{network.security_group}")
    place = own("network-interface/*", "security-group/*", "subnet/*")
    beside = own("capacity-reservation/*", "key-pair/*", "launch-template/*", "placement-group/*")
    return make_document(
        allow("Reads", _of_ec2(*_READS), ["*"]),
        allow("Requests", BEFORE_TAGS, [*own("*"), *shared("image/*", "snapshot/*")]),
        allow("RunTagged", _of_ec2("RunInstances"), own("instance/*", "volume/*"), _MARKING),
        allow("RunInTheVpc", _of_ec2("RunInstances"), place, in_vpc),
        allow("RunWith", _of_ec2("RunInstances"), [*beside, *shared("image/*", "snapshot/*")]),
        allow("Instances", _of_ec2(*_OF_INSTANCES), own("instance/*"), _MARKED),
        allow("AttachedVolumes", _of_ec2("AttachVolume", "DetachVolume"), own("instance/*", "volume/*"), _MARKED),
        allow("NewVolumes", _of_ec2("CreateVolume"), own("volume/*"), _MARKING),
        allow("Volumes", _of_ec2("DeleteVolume"), own("volume/*"), _MARKED),
        allow("SecurityGroup", _of_ec2(*_RULES_OF_A_GROUP), group, in_vpc),
        launches=True,
    )


def _of_ec2(*actions: str) -> list[str]:
    return [f"ec2:{action}" for action in actions]
