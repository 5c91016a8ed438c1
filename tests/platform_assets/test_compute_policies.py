"""The cross-account role's policies are minimal as well: each part is missed by a probe, each neighbour is refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lakehouse.targets import Target
from platform_assets.resource_types.control_plane_role import ControlPlaneRole
from platform_assets.resource_types.model import InvalidDeclaration
from platform_assets.resource_types.policies import DATABRICKS_AWS_ACCOUNT
from platform_assets.resource_types.policy_rules import BEFORE_TAGS, find_violations
from tests.platform_assets.test_minimal_policies import TARGETS, WRONG_ID, Documents, Probe, mutate

VPC, GROUP = "vpc-0123456789abcdef0", "sg-0123456789abcdef0"
ROLE = ControlPlaneRole("control-plane", dict.fromkeys(TARGETS, (VPC, GROUP)))
ELSEWHERE = "us-gov-west-1"
READS = (
    *("DescribeAvailabilityZones", "DescribeFleetHistory", "DescribeFleetInstances", "DescribeFleets"),
    *("DescribeIamInstanceProfileAssociations", "DescribeInstanceStatus", "DescribeInstances"),
    *("DescribeInternetGateways", "DescribeLaunchTemplateVersions", "DescribeLaunchTemplates"),
    *("DescribeNatGateways", "DescribeNetworkAcls", "DescribePrefixLists", "DescribeReservedInstancesOfferings"),
    *("DescribeRouteTables", "DescribeSecurityGroups", "DescribeSpotInstanceRequests", "DescribeSpotPriceHistory"),
    *("DescribeSubnets", "DescribeVolumes", "DescribeVpcAttribute", "DescribeVpcs"),
    *("GetLaunchTemplateData", "GetSpotPlacementScores"),
)
# action -> kinds of resources of its own tag
TAGGED = {
    "TerminateInstances": ("instance",),
    "AssociateIamInstanceProfile": ("instance",),
    "DisassociateIamInstanceProfile": ("instance",),
    "ReplaceIamInstanceProfileAssociation": ("instance",),
    "AttachVolume": ("instance", "volume"),
    "DetachVolume": ("instance", "volume"),
    "DeleteVolume": ("volume",),
}
NEW = {"RunInstances": ("instance", "volume"), "CreateVolume": ("volume",)}
RULES = (
    *("AuthorizeSecurityGroupEgress", "AuthorizeSecurityGroupIngress"),
    *("RevokeSecurityGroupEgress", "RevokeSecurityGroupIngress"),
)
NEVER = (
    *("StopInstances", "ModifyInstanceAttribute", "CreateSnapshot", "CreateVpc", "DeleteVpc", "CreateSecurityGroup"),
    *("DeleteSecurityGroup", "CreateKeyPair", "RegisterImage", "GetPasswordData", "GetConsoleOutput"),
)


def generate(target: Target) -> Documents:
    state = ROLE.desired(target)
    return {"trust": state["trust"], "access": state["policy"]}


class Places:
    """ARNs of a target's own resources, and of its neighbours'."""

    def __init__(self, target: Target) -> None:
        self.region, self.account = target.region, target.aws_account

    def own(self, kind: str, name: str = "x-1") -> str:
        return f"arn:aws:ec2:{self.region}:{self.account}:{kind}/{name}"

    def shared(self, kind: str) -> str:
        return f"arn:aws:ec2:{self.region}::{kind}/x-1"

    def others(self, arn: str) -> tuple[str, str]:
        """The same in another region, and in another account."""
        account = self.account if f":{self.account}:" in arn else "::"
        elsewhere = arn.replace(self.region, ELSEWHERE)
        return elsewhere, arn.replace(f":{account}:", f":{'9' * 12}:") if account != "::" else elsewhere


def list_probes(target: Target) -> list[Probe]:
    role, places = target.iam_role_arn(ROLE.name), Places(target)
    asked = [*ask_reads(), *ask_requests(places), *ask_tagged(places), *ask_network(places), *ask_never(places)]
    access = [
        Probe(why, wanted, f"ec2:{action}", place, role, context, "access")
        for why, wanted, action, place, context in asked
    ]
    return [*access, *probe_trust(target)]


Asked = tuple[str, bool, str, str, dict[str, str]]


def ask_reads() -> Iterator[Asked]:
    yield from (("it looks around", True, action, "*", {}) for action in READS)


def ask_requests(places: Places) -> Iterator[Asked]:
    kinds = ("instance", "launch-template")
    for action in (one.removeprefix("ec2:") for one in BEFORE_TAGS):
        for arn in (*map(places.own, kinds), places.shared("image"), places.shared("snapshot")):
            yield "it asks for compute", True, action, arn, {}
            yield from (("nowhere else", False, action, other, {}) for other in places.others(arn))


def ask_tagged(places: Places) -> Iterator[Asked]:
    for key, actions in (("ec2:resourcetag/vendor", TAGGED), ("aws:requesttag/vendor", NEW)):
        for action, kinds in actions.items():
            for arn in map(places.own, kinds):
                right = {key: "Databricks"}
                yield "what has its tag", True, action, arn, right
                yield from (("nowhere else", False, action, other, right) for other in places.others(arn))
                yield from (("nobody else's", False, action, arn, one) for one in ({}, {key: "Somebody"}))


def ask_network(places: Places) -> Iterator[Asked]:
    right, wrong = {"ec2:vpc": places.own("vpc", VPC)}, {"ec2:vpc": places.own("vpc", "vpc-2")}
    in_vpc = [("RunInstances", places.own(kind)) for kind in ("network-interface", "subnet", "security-group")]
    for action, arn in (*in_vpc, *((rule, places.own("security-group", GROUP)) for rule in RULES)):
        yield "in the VPC", True, action, arn, right
        yield from (("nowhere else", False, action, other, right) for other in places.others(arn))
        yield from (("in no other", False, action, arn, one) for one in ({}, wrong))
    for rule in RULES:
        yield "of its group only", False, rule, places.own("security-group", "sg-2"), right
    beside = ("capacity-reservation", "key-pair", "launch-template", "placement-group")
    for arn in (*map(places.own, beside), *map(places.shared, ("image", "snapshot"))):
        yield "and what it launches with", True, "RunInstances", arn, {}
        yield from (("nowhere else", False, "RunInstances", other, {}) for other in places.others(arn))


def ask_never(places: Places) -> Iterator[Asked]:
    context = {"ec2:resourcetag/vendor": "Databricks", "ec2:vpc": places.own("vpc", VPC)}
    for action in NEVER:
        for kind in ("instance", "volume", "vpc", "security-group", "key-pair"):
            yield "it administers nothing", False, action, places.own(kind), context


def probe_trust(target: Target) -> Iterator[Probe]:
    role, right = target.iam_role_arn(ROLE.name), {"sts:externalid": target.databricks_account}
    for who, wanted in ((DATABRICKS_AWS_ACCOUNT, True), ("9" * 12, False)):
        caller = ("sts:AssumeRole", role, f"arn:aws:iam::{who}:role/control-plane")
        yield Probe("with the External ID", wanted, *caller, right, None, "trust", True, target.aws_account)
        for context in ({"sts:externalid": WRONG_ID}, {}):
            yield Probe("with no other", False, *caller, context, None, "trust", True, target.aws_account)


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_every_probe_is_answered_as_wanted(target: Target) -> None:
    documents = generate(target)
    assert [probe for probe in list_probes(target) if probe.ask(documents) != probe.wanted] == []


def test_no_part_of_the_policies_can_be_left_out() -> None:
    target = TARGETS["local"]
    probes, mutants = list_probes(target), list(mutate(generate(target)))
    unneeded = [name for name, documents in mutants if all(probe.ask(documents) == probe.wanted for probe in probes)]
    assert unneeded == []
    assert len(mutants) > 90


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_the_linter_finds_nothing(target: Target) -> None:
    documents = generate(target)
    assert find_violations(documents["trust"]) == find_violations(documents["access"], launches=True) == []


def test_a_target_without_a_network_is_named() -> None:
    with pytest.raises(InvalidDeclaration, match="control_plane_role/control-plane: declare VPC .* of target local in"):
        ControlPlaneRole("control-plane").desired(TARGETS["local"])


@pytest.mark.parametrize("ids", [("vpc-XYZ", GROUP), (VPC, VPC), (f"{VPC}/*", GROUP), (VPC,), (VPC, GROUP, GROUP)])
def test_what_is_no_network_is_refused(ids: tuple[str, str]) -> None:
    with pytest.raises(InvalidDeclaration, match=r"control_plane_role/x: the network of target dev is .* not \('vpc"):
        ControlPlaneRole("x", {"dev": ids})
