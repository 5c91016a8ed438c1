"""Cluster policies over HTTP with the real databricks-sdk: admins make them, users see what they may use."""

import json
import uuid

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import InvalidParameterValue, NotFound, NotImplemented, PermissionDenied
from databricks.sdk.service.iam import AccessControlRequest, PermissionLevel

DEFINITION = {
    "autotermination_minutes": {"type": "range", "minValue": 10, "maxValue": 60, "defaultValue": 30},
    "node_type_id": {"type": "allowlist", "values": ["m5d.large", "m5d.xlarge"], "isOptional": True},
    "aws_attributes.instance_profile_arn": {"type": "forbidden", "hidden": True},
    "custom_tags.team": {"type": "fixed", "value": "data"},
    "spark_version": {"type": "regex", "pattern": "1[67]\\..*"},
    "cluster_name": {"type": "blocklist", "values": ["prod"]},
    "num_workers": {"type": "unlimited", "defaultValue": 1},
}


@pytest.fixture
def root(served) -> WorkspaceClient:
    return served.client("root")


def create(client: WorkspaceClient, **settings) -> str:
    made = client.cluster_policies.create(name=uuid.uuid4().hex, **{"definition": json.dumps(DEFINITION), **settings})
    return str(made.policy_id)


def allow(name: str, level: str = "CAN_USE") -> AccessControlRequest:
    return AccessControlRequest(user_name=name, permission_level=PermissionLevel(level))


def test_a_policy_is_made_changed_and_deleted(root: WorkspaceClient) -> None:
    identity = create(root, description="small", max_clusters_per_user=2)
    made = root.cluster_policies.get(identity)
    assert (json.loads(made.definition or ""), made.description, made.max_clusters_per_user) == (DEFINITION, "small", 2)
    assert (made.creator_user_name, made.is_default) == ("root", False)
    root.cluster_policies.edit(identity, name="other", definition="{}")
    changed = root.cluster_policies.get(identity)
    assert (changed.name, changed.definition, changed.description, changed.max_clusters_per_user) == (
        *("other", "{}"),
        *(None, None),
    )
    assert changed.created_at_timestamp == made.created_at_timestamp
    root.cluster_policies.delete(identity)
    for call in (root.cluster_policies.get, root.cluster_policies.delete):
        with pytest.raises(NotFound, match=identity):
            call(identity)


def test_who_may_use_it_sees_it_and_nobody_else(served, root: WorkspaceClient) -> None:
    identity = create(root)
    name = root.cluster_policies.get(identity).name
    root.permissions.update("cluster-policies", identity, access_control_list=[allow("ann")])
    assert identity in [one.policy_id for one in served.client("ann").cluster_policies.list()]
    assert served.client("ann").cluster_policies.get(identity).name == name
    for other in ("bob", "eve"):
        with pytest.raises(PermissionDenied, match=f"'{other}' does not have CAN_USE on Cluster policy '{name}"):
            served.client(other).cluster_policies.get(identity)
        assert list(served.client(other).cluster_policies.list()) == []
    root.permissions.set("cluster-policies", identity, access_control_list=[allow("bob")])
    assert served.client("bob").cluster_policies.get(identity).name == name
    with pytest.raises(PermissionDenied, match="'ann' does not have CAN_USE"):
        served.client("ann").cluster_policies.get(identity)


def test_only_admins_change_policies_and_their_permissions(served, root: WorkspaceClient) -> None:
    identity, ann = create(root), served.client("ann")
    root.permissions.update("cluster-policies", identity, access_control_list=[allow("ann")])
    calls = (
        lambda: create(ann),
        lambda: ann.cluster_policies.edit(identity, name="mine", definition="{}"),
        lambda: ann.cluster_policies.delete(identity),
        lambda: ann.permissions.get("cluster-policies", identity),
        lambda: ann.permissions.update("cluster-policies", identity, access_control_list=[allow("bob")]),
    )
    for call in calls:
        with pytest.raises(PermissionDenied, match="'ann' is not an admin"):
            call()
    held = root.permissions.get("cluster-policies", identity).access_control_list or []
    assert {one.user_name or one.group_name for one in held} == {"ann", "admins"}


@pytest.mark.parametrize(
    ("definition", "said"),
    [
        (None, "JSON object"),
        ("[]", "JSON object"),
        ("{", "no JSON"),
        ({"colour": {"type": "unlimited"}}, "'colour' is no attribute"),
        ({"autoscale": {"type": "unlimited"}}, "'autoscale' is no attribute"),
        ({"num_workers.x": {"type": "unlimited"}}, "'num_workers.x' is no attribute"),
        ({"num_workers": {"type": "some"}}, "num_workers: type must be one of fixed, forbidden"),
        ({"num_workers": 4}, "num_workers: type must be"),
        ({"num_workers": {"type": "fixed"}}, "fixed needs value"),
        ({"num_workers": {"type": "range"}}, "range needs maxValue or minValue"),
        ({"num_workers": {"type": "range", "maxValue": "4"}}, "maxValue must be a number"),
        ({"num_workers": {"type": "fixed", "value": 1, "defaultValue": 2}}, "fixed takes no defaultValue"),
        ({"node_type_id": {"type": "allowlist", "values": []}}, "values must be a list"),
        ({"spark_version": {"type": "regex", "pattern": "("}}, "no regular expression"),
    ],
)
def test_a_definition_that_cannot_be_is_refused_by_name(root: WorkspaceClient, definition, said: str) -> None:
    with pytest.raises(InvalidParameterValue, match=said):
        create(root, definition=definition if isinstance(definition, str | None) else json.dumps(definition))


def test_bad_requests_are_refused_by_name(root: WorkspaceClient) -> None:
    name = root.cluster_policies.get(create(root)).name
    with pytest.raises(InvalidParameterValue, match=f"Cluster Policy with name `{name}` already exists"):
        root.cluster_policies.create(name=name, definition="{}")
    with pytest.raises(InvalidParameterValue, match="1 to 100"):
        root.cluster_policies.create(name="x" * 101, definition="{}")
    with pytest.raises(InvalidParameterValue, match="max_clusters_per_user"):
        create(root, max_clusters_per_user=0)
    with pytest.raises(NotImplemented, match="policy_family_id"):
        create(root, policy_family_id="personal-vm")
    with pytest.raises(InvalidParameterValue, match="CAN_MANAGE"):
        root.permissions.update("cluster-policies", create(root), access_control_list=[allow("ann", "CAN_MANAGE")])
