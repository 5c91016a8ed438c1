"""Dashboards over HTTP with the real databricks-sdk: drafts, etags, what is published, who may do what, the trash."""

import json
import uuid
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import (
    Aborted,
    InvalidParameterValue,
    NotFound,
    NotImplemented,
    PermissionDenied,
    ResourceAlreadyExists,
)
from databricks.sdk.service.dashboards import Dashboard, DashboardView, LifecycleState
from databricks.sdk.service.iam import AccessControlRequest, PermissionLevel
from databricks.sdk.service.workspace import ObjectType

DEFINITION = {
    "datasets": [{"name": "d", "queryLines": ["SELECT 1"]}],
    "pages": [{"name": "p", "displayName": "Page", "layout": []}],
}


def create(client: WorkspaceClient, name: str = "", **fields: Any) -> Dashboard:
    fields = {"serialized_dashboard": json.dumps(DEFINITION), **fields}
    return client.lakeview.create(Dashboard(display_name=name or uuid.uuid4().hex, **fields))


def allow(name: str, level: str) -> AccessControlRequest:
    return AccessControlRequest(user_name=name, permission_level=PermissionLevel(level))


def test_a_draft_is_made_changed_and_got(ann: WorkspaceClient, warehouse: str) -> None:
    made = create(ann, "Monthly report", warehouse_id=warehouse)
    identity = str(made.dashboard_id)
    assert len(identity) == 32
    assert (made.path, made.parent_path) == ("/Users/ann/Monthly report.lvdash.json", "/Users/ann")
    said = json.loads(made.serialized_dashboard or "")
    assert said == {**DEFINITION, "pages": [{**DEFINITION["pages"][0], "pageType": "PAGE_TYPE_CANVAS"}]}  # type: ignore[dict-item]
    assert ann.lakeview.get(identity) == made
    changed = ann.lakeview.update(identity, Dashboard(display_name="Yearly report"))
    assert (changed.path, changed.warehouse_id) == ("/Users/ann/Yearly report.lvdash.json", warehouse)
    assert changed.serialized_dashboard == made.serialized_dashboard and changed.etag != made.etag
    status = ann.workspace.get_status(str(changed.path))
    assert (status.object_type, status.resource_id) == (ObjectType.DASHBOARD, identity)
    with pytest.raises(NotImplemented, match="its own API"):
        ann.workspace.download(str(changed.path)).read()
    ann.lakeview.trash(identity)


def test_an_update_with_an_old_etag_is_refused(ann: WorkspaceClient) -> None:
    made = create(ann)
    identity = str(made.dashboard_id)
    second = ann.lakeview.update(identity, Dashboard(etag=made.etag, serialized_dashboard="{}"))
    with pytest.raises(Aborted, match=f"was changed since etag {made.etag}"):
        ann.lakeview.update(identity, Dashboard(etag=made.etag, serialized_dashboard=json.dumps(DEFINITION)))
    assert ann.lakeview.get(identity) == second and second.serialized_dashboard == "{}\n"
    ann.lakeview.trash(identity)


def test_what_is_published_stays_as_it_was_until_it_is_published_again(ann: WorkspaceClient, warehouse: str) -> None:
    made = create(ann, "pub", warehouse_id=warehouse)
    identity, api = str(made.dashboard_id), ann.lakeview
    with pytest.raises(NotFound, match=f"Unable to find published dashboard \\[{identity}\\]"):
        api.get_published(identity)
    published = api.publish(identity, embed_credentials=True)
    assert (published.display_name, published.embed_credentials, published.warehouse_id) == ("pub", True, warehouse)
    assert api.get_published(identity) == published
    assert api.get(identity) == made, "publishing changes no draft"
    changed = api.update(identity, Dashboard(display_name="pub 2"))
    assert api.get_published(identity) == published
    assert (changed.update_time or "") >= (published.revision_create_time or "")
    assert api.publish(identity).embed_credentials is False
    assert api.get_published(identity).display_name == "pub 2"
    api.unpublish(identity)
    for call in (api.get_published, api.unpublish):
        with pytest.raises(NotFound, match="Unable to find published"):
            call(identity)
    api.trash(identity)


def test_the_trash_keeps_the_draft_and_nothing_published(ann: WorkspaceClient) -> None:
    made = create(ann, "old")
    identity, api = str(made.dashboard_id), ann.lakeview
    api.publish(identity)
    api.trash(identity)
    trashed = api.get(identity)
    assert (trashed.lifecycle_state, trashed.display_name) == (LifecycleState.TRASHED, "old")
    assert trashed.serialized_dashboard == made.serialized_dashboard
    assert identity not in [one.dashboard_id for one in api.list(page_size=1)]
    assert identity in [one.dashboard_id for one in api.list(show_trashed=True)]
    with pytest.raises(NotFound, match="Unable to find published"):
        api.get_published(identity)
    for call in (
        lambda: api.trash(identity),
        lambda: api.publish(identity),
        lambda: api.update(identity, Dashboard(display_name="x")),
    ):
        with pytest.raises(NotFound, match="is in the trash"):
            call()
    again = create(ann, "old")
    with pytest.raises(ResourceAlreadyExists, match="Node named 'old.lvdash.json' already exists"):
        create(ann, "old")
    ann.workspace.delete(str(again.path))
    assert api.get(str(again.dashboard_id)).lifecycle_state is LifecycleState.TRASHED


def test_each_level_opens_what_it_says_and_no_more(served, ann: WorkspaceClient) -> None:
    identity, bob = str(create(ann).dashboard_id), served.client("bob")
    ann.lakeview.publish(identity, embed_credentials=True)
    calls = (
        ("CAN_READ", lambda: bob.lakeview.get(identity)),
        ("CAN_READ", lambda: bob.lakeview.get_published(identity)),
        ("CAN_EDIT", lambda: bob.lakeview.update(identity, Dashboard(serialized_dashboard="{}"))),
        ("CAN_EDIT", lambda: bob.lakeview.publish(identity, embed_credentials=True)),
        ("CAN_MANAGE", lambda: bob.permissions.get("dashboards", identity)),
    )
    for level, count in {"": 0, "CAN_READ": 2, "CAN_RUN": 2, "CAN_EDIT": 4, "CAN_MANAGE": 5}.items():
        if level:
            ann.permissions.set("dashboards", identity, access_control_list=[allow("bob", level)])
        assert (identity in [one.dashboard_id for one in bob.lakeview.list()]) == bool(level)
        for number, (needed, call) in enumerate(calls):
            if number < count:
                call()
            else:
                with pytest.raises(PermissionDenied, match=f"'bob' does not have {needed} on "):
                    call()
        for call in (served.client("eve").lakeview.get, served.client("eve").lakeview.get_published):
            with pytest.raises(PermissionDenied, match="'eve' does not have CAN_READ on Dashboard"):
                call(identity)
    bob.lakeview.trash(identity)


def test_a_list_is_in_short(ann: WorkspaceClient) -> None:
    identity = str(create(ann).dashboard_id)
    listed = ann.lakeview.list(view=DashboardView.DASHBOARD_VIEW_BASIC)
    (found,) = [one for one in listed if one.dashboard_id == identity]
    assert (found.path, found.etag, found.serialized_dashboard, found.parent_path) == (None, None, None, None)
    ann.lakeview.trash(identity)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"serialized_dashboard": "{"}, "serialized_dashboard is no JSON object"),
        ({"serialized_dashboard": "[]"}, "must be a JSON object"),
        ({"serialized_dashboard": '{"pages": {}}'}, "pages must be a list of objects"),
        ({"serialized_dashboard": '{"datasets": [{}]}'}, "each of datasets needs a name"),
        ({"serialized_dashboard": '{"pages": [{"name": "a"}, {"name": "a"}]}'}, "'a' is twice in pages"),
        ({"warehouse_id": "?"}, "not a valid endpoint id"),
        ({"etag": "1"}, "etag must be empty"),
        ({"name": "a/b"}, "display_name must be"),
    ],
)
def test_what_cannot_be_is_refused_by_name(ann: WorkspaceClient, fields: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidParameterValue, match=said):
        create(ann, **fields)


def test_unknown_fields_folders_and_calls_are_refused(ann: WorkspaceClient) -> None:
    api, path = ann.api_client, "/api/2.0/lakeview/dashboards"
    identity = str(create(ann).dashboard_id)
    for method, where, body, said in (
        ("POST", path, {"display_name": "x", "colour": "red"}, "dashboard has no field 'colour'"),
        ("PATCH", f"{path}/{identity}", {"parent_path": "/Shared"}, "parent_path cannot be updated"),
        ("POST", f"{path}/{identity}/published", {"embed_credentials": "yes"}, "embed_credentials must be"),
        ("POST", f"{path}/{identity}/published", {"colour": "red"}, "publish has no field 'colour'"),
    ):
        with pytest.raises(InvalidParameterValue, match=said):
            api.do(method, where, body=body)
    with pytest.raises(NotFound, match="/Users/ann/nowhere"):
        create(ann, parent_path="/Users/ann/nowhere")
    with pytest.raises(NotFound, match="Dashboard x does not exist"):
        ann.lakeview.get("x")
    with pytest.raises(NotImplemented, match="does not serve GET"):
        list(ann.lakeview.list_schedules(identity))
    ann.lakeview.trash(identity)
