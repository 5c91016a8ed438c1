"""SQL warehouses over HTTP with the real databricks-sdk; each allow with its deny."""

import uuid

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import InvalidParameterValue, NotFound, PermissionDenied, ResourceAlreadyExists
from databricks.sdk.service.sql import (
    State,
    WarehouseAccessControlRequest,
    WarehousePermissionLevel,
)

from local_workspace.services.warehouses.state import allow_creation


@pytest.fixture
def root(served) -> WorkspaceClient:
    return served.client("root")


def create(client: WorkspaceClient) -> str:
    wait = client.warehouses.create(name=uuid.uuid4().hex, cluster_size="Small", max_num_clusters=2, auto_stop_mins=5)
    assert wait.result().state == State.RUNNING
    return str(wait.id)


def test_members_see_the_starter_warehouse_and_outsiders_do_not(served) -> None:
    (starter,) = [w for w in served.client("ann").warehouses.list() if w.name == "Serverless Starter Warehouse"]
    assert (starter.state, starter.enable_serverless_compute) == (State.RUNNING, True)
    assert starter.odbc_params is not None and starter.odbc_params.path == f"/sql/1.0/warehouses/{starter.id}"
    eve = served.client("eve")
    assert list(eve.warehouses.list()) == []
    with pytest.raises(PermissionDenied, match=r"eve.*CAN_VIEW.*Serverless Starter Warehouse"):
        eve.warehouses.get(starter.id)
    with pytest.raises(PermissionDenied):
        served.client("ann").warehouses.stop(starter.id)


def test_a_warehouse_lives(root: WorkspaceClient) -> None:
    identity = create(root)
    found = root.warehouses.get(identity)
    assert (found.cluster_size, found.max_num_clusters, found.creator_name) == ("Small", 2, "root")
    with pytest.raises(ResourceAlreadyExists):
        root.warehouses.create(name=found.name)
    assert root.warehouses.stop(identity).result().state == State.STOPPED
    assert root.warehouses.start(identity).result().state == State.RUNNING
    root.warehouses.edit(identity, name=found.name, cluster_size="Large")
    edited = root.warehouses.get(identity)
    assert (edited.cluster_size, edited.auto_stop_mins) == ("Large", 5)
    root.warehouses.delete(identity)
    for call in (root.warehouses.get, root.warehouses.delete, root.warehouses.start):
        with pytest.raises(NotFound):
            call(identity)


def test_bad_settings_are_refused(root: WorkspaceClient) -> None:
    with pytest.raises(InvalidParameterValue, match="valid endpoint id"):
        root.warehouses.get("nonsense")
    with pytest.raises(InvalidParameterValue, match="cluster_size"):
        root.warehouses.create(name="x", cluster_size="Huge")
    with pytest.raises(InvalidParameterValue, match="name"):
        root.warehouses.create(cluster_size="Small")


def test_creation_needs_the_entitlement(served) -> None:
    with pytest.raises(PermissionDenied, match="bob"):
        served.client("bob").warehouses.create(name="bobs")
    allow_creation(served.workspace.store, "ann")
    ann = served.client("ann")
    identity = create(ann)
    ann.warehouses.stop(identity)
    ann.warehouses.delete(identity)


def test_permissions_decide_who_uses_and_who_manages(served, root: WorkspaceClient) -> None:
    identity, bob = create(root), served.client("bob")
    with pytest.raises(PermissionDenied):
        bob.warehouses.get(identity)
    use = WarehouseAccessControlRequest(user_name="bob", permission_level=WarehousePermissionLevel.CAN_USE)
    acl = root.warehouses.update_permissions(identity, access_control_list=[use]).access_control_list or []
    assert {(entry.user_name, entry.all_permissions[0].permission_level) for entry in acl} == {
        ("root", WarehousePermissionLevel.IS_OWNER),
        ("bob", WarehousePermissionLevel.CAN_USE),
        (None, WarehousePermissionLevel.CAN_MANAGE),
    }
    assert acl[-1].group_name == "admins" and acl[-1].all_permissions[0].inherited
    assert acl[-1].all_permissions[0].inherited_from_object == ["/sql/warehouses/"]
    older = f"/api/2.0/permissions/sql/warehouses/{identity}"  # the path by which some clients ask
    again = root.api_client.do("GET", older)["access_control_list"]
    assert [entry.get("user_name") for entry in again] == ["root", "bob", None]
    with pytest.raises(PermissionDenied, match="CAN_MANAGE"):
        bob.api_client.do("PATCH", older, body={"access_control_list": []})
    bob.warehouses.start(identity)
    for call in (bob.warehouses.stop, bob.warehouses.delete, bob.warehouses.get_permissions):
        with pytest.raises(PermissionDenied, match="CAN_MANAGE"):
            call(identity)
    root.warehouses.set_permissions(identity, access_control_list=[])
    with pytest.raises(PermissionDenied):
        bob.warehouses.start(identity)
    nobody = WarehouseAccessControlRequest(group_name="nobody", permission_level=WarehousePermissionLevel.CAN_USE)
    with pytest.raises(InvalidParameterValue, match="nobody"):
        root.warehouses.set_permissions(identity, access_control_list=[nobody])
