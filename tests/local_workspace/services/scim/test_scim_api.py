"""SCIM reads: who I am, users, service principals, groups; filters and pages."""

from __future__ import annotations

import pytest
from databricks.sdk.errors import BadRequest, NotFound

from tests.local_workspace.conftest import WarmWorkspace

ANALYST = "analyst@lakehouse.example"


def test_me_is_whose_token_it_is(workspace: WarmWorkspace) -> None:
    me = workspace.client("analyst").current_user.me()
    assert (me.user_name, me.display_name) == (ANALYST, "Analyst")
    assert {"users", "analysts"} <= {str(group.display) for group in me.groups or []}
    assert workspace.name("pipeline") == workspace.target.principals["pipeline"]


def test_users_and_service_principals_are_found_by_name(workspace: WarmWorkspace) -> None:
    admin = workspace.client("admin")
    (user,) = admin.users.list(filter=f'userName eq "{ANALYST}"')
    assert admin.users.get(str(user.id)).user_name == ANALYST
    assert len(list(admin.users.list(count=1))) >= 3  # the SDK follows the pages
    names = {one.application_id for one in admin.service_principals.list()}
    assert {workspace.target.principals["deployer"], workspace.target.principals["pipeline"]} <= names


def test_groups_name_their_members(workspace: WarmWorkspace) -> None:
    admin = workspace.client("admin")
    (group,) = admin.groups.list(filter='displayName eq "analysts"')
    members = admin.groups.get(str(group.id)).members or []
    assert [member.display for member in members] == ["Analyst"]


def test_what_is_wrong_or_missing_is_said(workspace: WarmWorkspace) -> None:
    admin = workspace.client("admin")
    with pytest.raises(NotFound, match="User with id 999999 not found"):
        admin.users.get("999999")
    with pytest.raises(BadRequest):
        list(admin.users.list(filter="userName is nice"))
