"""Saved queries over HTTP with the real databricks-sdk: who sees, edits and manages them, and what the trash means."""

import uuid

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, InvalidParameterValue, NotFound, PermissionDenied, ResourceAlreadyExists
from databricks.sdk.service.iam import AccessControlRequest, PermissionLevel
from databricks.sdk.service.sql import (
    CreateQueryRequestQuery,
    DateValue,
    EnumValue,
    LifecycleState,
    NumericValue,
    Query,
    QueryParameter,
    RunAsMode,
    TextValue,
    UpdateQueryRequestQuery,
)

from local_workspace.services.workspace import trash

PARAMETERS = [
    QueryParameter(name="carrier", title="Carrier", text_value=TextValue("UA")),
    QueryParameter(name="most", title="At most", numeric_value=NumericValue(5)),
    QueryParameter(name="month", enum_value=EnumValue(enum_options="1\n2", values=["1"])),
    QueryParameter(name="day", date_value=DateValue(date_value="2013-01-01")),
]


def create(client: WorkspaceClient, name: str = "", resolve: bool | None = None, **settings) -> Query:
    name = name or uuid.uuid4().hex
    query = CreateQueryRequestQuery(**{"display_name": name, "query_text": "SELECT 1", **settings})
    return client.queries.create(query=query, auto_resolve_display_name=resolve)


def allow(name: str, level: str) -> AccessControlRequest:
    return AccessControlRequest(user_name=name, permission_level=PermissionLevel(level))


def listed(client: WorkspaceClient) -> list[str]:
    return [str(one.id) for one in client.queries.list(page_size=1)]


def test_a_query_is_made_changed_and_got(ann: WorkspaceClient, warehouse: str) -> None:
    settings = {"catalog": "main", "schema": "gold", "tags": ["x"], "run_as_mode": RunAsMode.VIEWER}
    made = create(ann, "first", warehouse_id=warehouse, parameters=PARAMETERS, **settings)
    identity = str(made.id)
    assert (made.owner_user_name, made.parent_path, made.lifecycle_state) == (
        "ann",
        "/Workspace/Users/ann",
        LifecycleState.ACTIVE,
    )
    assert ann.queries.get(identity) == made
    assert (made.parameters, made.warehouse_id, made.catalog, made.tags) == (PARAMETERS, warehouse, "main", ["x"])
    change = UpdateQueryRequestQuery(query_text="SELECT 2", display_name="second")
    changed = ann.queries.update(identity, "query_text,display_name,tags", query=change)
    assert (changed.query_text, changed.display_name, changed.tags) == ("SELECT 2", "second", None)
    assert (changed.parameters, changed.run_as_mode, changed.create_time) == (
        *(PARAMETERS, RunAsMode.VIEWER),
        made.create_time,
    )
    replaced = UpdateQueryRequestQuery(display_name="second", query_text="SELECT 3")
    whole = ann.queries.update(identity, "*", query=replaced)
    assert (whole.parameters, whole.warehouse_id, whole.run_as_mode) == ([], None, RunAsMode.OWNER)
    ann.queries.delete(identity)


def test_a_name_is_free_for_one_in_a_folder(ann: WorkspaceClient) -> None:
    first = create(ann, "one")
    with pytest.raises(ResourceAlreadyExists, match="Node named 'one' already exists"):
        create(ann, "one")
    numbered = create(ann, "one", resolve=True)
    assert numbered.display_name == "one (1)"
    with pytest.raises(ResourceAlreadyExists, match="'one' already exists"):
        ann.queries.update(str(numbered.id), "display_name", query=UpdateQueryRequestQuery(display_name="one"))
    ann.workspace.mkdirs("/Users/ann/elsewhere")
    elsewhere = create(ann, "one", parent_path="/Workspace/Users/ann/elsewhere")
    for one in (first, numbered, elsewhere):
        ann.queries.delete(str(one.id))


def test_the_trash_keeps_what_was_deleted_and_frees_its_name(served, ann: WorkspaceClient, monkeypatch) -> None:
    made = create(ann, "old")
    identity = str(made.id)
    ann.queries.delete(identity)
    trashed = ann.queries.get(identity)
    assert (trashed.lifecycle_state, trashed.display_name, trashed.query_text) == (
        *(LifecycleState.TRASHED, "old"),
        "SELECT 1",
    )
    assert trashed.parent_path == "/Workspace/Users/ann/Trash"
    assert identity not in listed(ann)
    with pytest.raises(PermissionDenied, match="'bob' does not have CAN_READ on Query 'old"):
        served.client("bob").queries.get(identity)
    for call in (
        lambda: ann.queries.delete(identity),
        lambda: ann.queries.update(identity, "query_text", query=UpdateQueryRequestQuery(query_text="SELECT 2")),
    ):
        with pytest.raises(NotFound, match="is in the trash"):
            call()
    again = create(ann, "old")
    assert again.id != identity
    ann.queries.delete(str(again.id))
    monkeypatch.setattr(trash, "KEPT_S", 0)
    with pytest.raises(NotFound, match="does not exist"):
        ann.queries.get(identity)


def test_each_level_opens_what_it_says_and_no_more(served, ann: WorkspaceClient) -> None:
    identity, bob = str(create(ann, run_as_mode=RunAsMode.VIEWER).id), served.client("bob")
    text = UpdateQueryRequestQuery(query_text="SELECT 2")
    calls = {
        "CAN_READ": lambda: bob.queries.get(identity),
        "CAN_EDIT": lambda: bob.queries.update(identity, "query_text", query=text),
        "CAN_MANAGE": lambda: bob.permissions.get("queries", identity),
    }
    opened = {"CAN_READ": 1, "CAN_RUN": 1, "CAN_EDIT": 2, "CAN_MANAGE": 3}
    assert identity not in listed(bob)
    for level, count in {"": 0, **opened}.items():
        if level:
            ann.permissions.update("queries", identity, access_control_list=[allow("bob", level)])
            assert identity in listed(bob)
        for number, (needed, call) in enumerate(calls.items()):
            if number < count:
                call()
            else:
                with pytest.raises(PermissionDenied, match=f"'bob' does not have {needed} on "):
                    call()
        with pytest.raises(PermissionDenied, match="'eve' does not have CAN_READ"):
            served.client("eve").queries.get(identity)
    levels = ann.permissions.get_permission_levels("queries", identity).permission_levels or []
    assert [one.permission_level for one in levels] == [PermissionLevel(level) for level in opened]
    bob.queries.delete(identity)
    with pytest.raises(NotFound):
        ann.permissions.get("queries", identity)


def test_who_only_edits_leaves_warehouse_rights_and_the_text_that_runs_with_the_owners(
    served, ann: WorkspaceClient, warehouse: str
) -> None:
    bob = served.client("bob")
    changes = {"query_text": "SELECT 2", "warehouse_id": warehouse, "run_as_mode": "OWNER", "description": "what it is"}
    refused = {"OWNER": ("query_text", "warehouse_id"), "VIEWER": ("warehouse_id", "run_as_mode")}
    made = {mode: str(create(ann, run_as_mode=RunAsMode(mode)).id) for mode in refused}
    for level in ("CAN_EDIT", "CAN_MANAGE"):
        for mode, identity in made.items():
            ann.permissions.update("queries", identity, access_control_list=[allow("bob", level)])
            for name, value in changes.items():
                change = UpdateQueryRequestQuery.from_dict({name: value})
                if level == "CAN_EDIT" and name in refused[mode]:
                    with pytest.raises(PermissionDenied, match="'bob' does not have CAN_MANAGE on Query"):
                        bob.queries.update(identity, name, query=change)
                else:
                    assert bob.queries.update(identity, name, query=change).as_dict()[name] == value
    for identity in made.values():
        ann.queries.delete(identity)


def test_a_folder_gives_its_levels_and_takes_its_queries_with_it(served, ann: WorkspaceClient) -> None:
    ann.workspace.mkdirs("/Users/ann/shared")
    folder = str(ann.workspace.get_status("/Users/ann/shared").object_id)
    identity, bob = str(create(ann, "inside", parent_path="/Users/ann/shared").id), served.client("bob")
    ann.permissions.update("directories", folder, access_control_list=[allow("bob", "CAN_READ")])
    assert bob.queries.get(identity).display_name == "inside"
    entries = ann.permissions.get("queries", identity).access_control_list or []
    (held,) = (one.all_permissions or [] for one in entries if one.user_name == "bob")
    assert [one.inherited for one in held] == [True]
    assert list(bob.workspace.list("/Users/ann/shared")) == []
    with pytest.raises(PermissionDenied, match="CAN_MANAGE on Workspace object '/Users/ann/shared'"):
        create(bob, parent_path="/Users/ann/shared")
    with pytest.raises(BadRequest, match="not empty"):
        ann.workspace.delete("/Users/ann/shared")
    ann.workspace.delete("/Users/ann/shared", recursive=True)
    assert ann.queries.get(identity).lifecycle_state is LifecycleState.TRASHED


def test_only_an_admin_gives_a_query_to_somebody_else(served, ann: WorkspaceClient) -> None:
    identity = str(create(ann).id)
    to_bob = UpdateQueryRequestQuery(owner_user_name="bob")
    with pytest.raises(PermissionDenied, match="'ann' is not an admin"):
        ann.queries.update(identity, "owner_user_name", query=to_bob)
    assert served.client("root").queries.update(identity, "owner_user_name", query=to_bob).owner_user_name == "bob"
    served.client("bob").queries.delete(identity)


def test_only_a_member_makes_one_and_only_on_a_warehouse_of_theirs(served, ann: WorkspaceClient) -> None:
    with pytest.raises(PermissionDenied, match="'eve' does not have CAN_MANAGE"):
        create(served.client("eve"), parent_path="/Shared")
    root = served.client("root")
    closed = root.warehouses.create(name=uuid.uuid4().hex, cluster_size="Small", max_num_clusters=1).bind()["id"]
    with pytest.raises(PermissionDenied, match="'ann' does not have CAN_USE on SQL Warehouse"):
        create(ann, warehouse_id=closed)
    root.warehouses.delete(closed)
    with pytest.raises(NotFound, match="SQL warehouse"):
        create(ann, warehouse_id=closed)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"display_name": "a/b"}, "display_name must be"),
        ({"display_name": " "}, "display_name must be"),
        ({"warehouse_id": "?"}, "not a valid endpoint id"),
        ({"tags": [""]}, "tags must be"),
        ({"parameters": [QueryParameter(name="p")]}, "Parameter p needs exactly one of text_value"),
        ({"parameters": [QueryParameter(text_value=TextValue("x"))]}, "needs a name"),
        ({"parameters": [QueryParameter(name="p", text_value=TextValue("x"))] * 2}, "Parameter p is given twice"),
        (
            {"parameters": [QueryParameter(name="p", text_value=TextValue("x"), numeric_value=NumericValue(1))]},
            "exactly one of",
        ),
        (
            {"parameters": [QueryParameter(name="p", enum_value=EnumValue(enum_options="a\nb", values=["c"]))]},
            "'c' is none of its enum_options",
        ),
        ({"parameters": [QueryParameter(name="p", date_value=DateValue(date_value="soon"))]}, "'soon' is no date"),
    ],
)
def test_what_cannot_be_is_refused_by_name(ann: WorkspaceClient, settings, said: str) -> None:
    with pytest.raises(InvalidParameterValue, match=said):
        create(ann, **settings)


def test_unknown_fields_masks_and_folders_are_refused(ann: WorkspaceClient) -> None:
    identity = str(create(ann).id)
    with pytest.raises(InvalidParameterValue, match="query has no field 'colour'"):
        ann.api_client.do("POST", "/api/2.0/sql/queries", body={"query": {"display_name": "x", "colour": "red"}})
    with pytest.raises(InvalidParameterValue, match="'parent_path' cannot be updated"):
        ann.queries.update(identity, "parent_path", query=UpdateQueryRequestQuery())
    with pytest.raises(InvalidParameterValue, match="run_as_mode must be one of"):
        ann.api_client.do("POST", "/api/2.0/sql/queries", body={"query": {"display_name": "x", "run_as_mode": "ROOT"}})
    with pytest.raises(NotFound, match="/Users/ann/nowhere"):
        create(ann, parent_path="/Users/ann/nowhere")
    with pytest.raises(NotFound, match="Query x does not exist"):
        ann.queries.get("x")
    ann.queries.delete(identity)
