"""The token policy over HTTP: set by admins alone; what would last too long, and who may not, is refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import InvalidParameterValue, PermissionDenied
from databricks.sdk.service.iam import AccessControlRequest, PermissionLevel

from local_workspace.gateway import principals, token_policy
from local_workspace.services.scim.references import forget_principal

DAY = 24 * 3600
KEYS = "enableTokensConfig,maxTokenLifetimeDays"


@pytest.fixture
def root(served) -> Iterator[WorkspaceClient]:
    store = served.workspace.store
    yield served.client("root")
    store.delete(token_policy.KIND, token_policy.KEY)
    for key, token in store.scan(principals.TOKEN):
        if token["personal"]:
            store.delete(principals.TOKEN, key)


def let(root: WorkspaceClient, *names: str, keep: bool = False, level: str = "CAN_USE") -> None:
    entries = [AccessControlRequest(user_name=name, permission_level=PermissionLevel(level)) for name in names]
    change = root.permissions.update if keep else root.permissions.set
    change("authorization", "tokens", access_control_list=entries)


def held(root: WorkspaceClient) -> set[str | None]:
    entries = root.permissions.get("authorization", "tokens").access_control_list or []
    return {one.user_name or one.group_name for one in entries}


def use(served, client: WorkspaceClient) -> WorkspaceClient:
    """A client with a new personal token of the same principal."""
    made = client.tokens.create(lifetime_seconds=600)
    return WorkspaceClient(host=served.workspace.host, token=made.token_value, auth_type="pat")


def opens(client: WorkspaceClient) -> bool:
    """Say that the client's own token opens the workspace, or raise what is said instead."""
    return list(client.tokens.list()) is not None


def test_a_token_lasts_no_longer_than_the_policy_says(served, root: WorkspaceClient) -> None:
    assert root.workspace_conf.get_status(KEYS) == {"enableTokensConfig": None, "maxTokenLifetimeDays": None}
    ann = served.client("ann")
    older = ann.tokens.create()
    root.workspace_conf.set_status({"maxTokenLifetimeDays": "2"})
    assert root.workspace_conf.get_status(KEYS) == {"enableTokensConfig": None, "maxTokenLifetimeDays": "2"}
    assert ann.tokens.create(lifetime_seconds=2 * DAY).token_value
    for lifetime in (2 * DAY + 1, None):
        with pytest.raises(InvalidParameterValue, match="lifetime_seconds must be at most 172800"):
            ann.tokens.create(lifetime_seconds=lifetime)
    principals.put_principal(served.workspace.store, "app", "service_principal", "app")
    with pytest.raises(InvalidParameterValue, match="maxTokenLifetimeDays is 2"):
        root.token_management.create_obo_token("app", lifetime_seconds=3 * DAY)
    as_ann = WorkspaceClient(host=served.workspace.host, token=older.token_value, auth_type="pat")
    assert list(as_ann.tokens.list()), "it is about new tokens only"
    root.workspace_conf.set_status({"maxTokenLifetimeDays": "0"})
    assert ann.tokens.create().token_value


def test_who_may_not_use_tokens_makes_none_and_what_they_have_opens_nothing(served, root: WorkspaceClient) -> None:
    as_ann, as_bob = use(served, served.client("ann")), use(served, served.client("bob"))
    assert held(root) == {"users", "admins"}
    let(root, "ann")
    assert held(root) == {"ann", "admins"}
    assert opens(as_ann)
    assert as_ann.tokens.create(lifetime_seconds=60).token_value
    for call in (served.client("bob").tokens.create, lambda: opens(as_bob)):
        with pytest.raises(PermissionDenied, match="'bob' does not have permission to use tokens"):
            call()
    assert opens(served.client("bob")), "what stands for another way in still opens"
    assert opens(use(served, root)), "admins always may"
    let(root, "bob", keep=True)
    assert held(root) == {"ann", "bob", "admins"}
    assert opens(as_bob), "the same token opens again"


def test_a_token_on_behalf_of_who_may_not_use_it_opens_nothing(served, root: WorkspaceClient) -> None:
    principals.put_principal(served.workspace.store, "app", "service_principal", "app")
    made = root.token_management.create_obo_token("app", lifetime_seconds=60)
    as_app = WorkspaceClient(host=served.workspace.host, token=made.token_value, auth_type="pat")
    assert opens(as_app)
    let(root, "ann")
    with pytest.raises(PermissionDenied, match="'app' does not have permission to use tokens"):
        opens(as_app)


def test_without_tokens_nobody_makes_or_uses_one_until_there_are_some_again(served, root: WorkspaceClient) -> None:
    as_ann = use(served, served.client("ann"))
    root.workspace_conf.set_status({"enableTokensConfig": "false"})
    for call in (lambda: opens(as_ann), served.client("ann").tokens.create, root.tokens.create):
        with pytest.raises(PermissionDenied, match="tokens are disabled in this workspace"):
            call()
    with pytest.raises(PermissionDenied, match="tokens are disabled"):
        root.token_management.create_obo_token("app")
    root.workspace_conf.set_status({"enableTokensConfig": "true"})
    assert opens(as_ann)


def test_only_admins_see_and_change_it(served, root: WorkspaceClient) -> None:
    ann = served.client("ann")
    for call in (
        lambda: ann.workspace_conf.get_status(KEYS),
        lambda: ann.workspace_conf.set_status({"maxTokenLifetimeDays": "1"}),
        lambda: held(ann),
        lambda: let(ann, "ann"),
        lambda: let(ann, "ann", keep=True),
        lambda: ann.permissions.get_permission_levels("authorization", "tokens"),
    ):
        with pytest.raises(PermissionDenied, match="'ann' is not an admin"):
            call()
    levels = root.permissions.get_permission_levels("authorization", "tokens").permission_levels or []
    assert [one.permission_level for one in levels] == [PermissionLevel.CAN_USE, PermissionLevel.CAN_MANAGE]


def test_who_is_deleted_leaves_no_permission_behind(served, root: WorkspaceClient) -> None:
    principals.put_principal(served.workspace.store, "zoe", "user", "Zoe")
    let(root, "zoe", "ann")
    forget_principal(served.workspace.store, "zoe")
    assert held(root) == {"ann", "admins"}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"maxTokenLifetimeDays": "-1"}, "from 0 to 730"),
        (
            {"maxTokenLifetimeDays": "731"},
            r'^Some values are not allowed: \{"maxTokenLifetimeDays": "731"\}; .*from 0 to 730',
        ),
        ({"maxTokenLifetimeDays": 90}, "as a text, got 90"),
        ({"enableTokensConfig": "yes"}, "must be 'true' or 'false'"),
        ({"enableTokensConfig": "false", "colour": "red"}, r'^Invalid keys: \["colour"\]'),
        ({}, "Invalid keys"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(root: WorkspaceClient, settings, said: str) -> None:
    with pytest.raises(InvalidParameterValue, match=said):
        root.workspace_conf.set_status(settings)
    assert set(root.workspace_conf.get_status(KEYS).values()) == {None}  # type: ignore[attr-defined]


def test_bad_requests_are_refused_by_name(root: WorkspaceClient) -> None:
    with pytest.raises(InvalidParameterValue, match="Invalid keys"):
        root.workspace_conf.get_status("enableIpAccessLists")
    with pytest.raises(InvalidParameterValue, match="CAN_MANAGE"):
        let(root, "ann", level="CAN_MANAGE")
    manage = AccessControlRequest(group_name="admins", permission_level=PermissionLevel.CAN_MANAGE)
    for change in (root.permissions.set, root.permissions.update):  # clients send what admins hold anyway
        (shown,) = change("authorization", "tokens", access_control_list=[manage]).access_control_list or []
        assert shown.group_name == "admins" and shown.all_permissions[0].permission_level == PermissionLevel.CAN_MANAGE
    with pytest.raises(InvalidParameterValue, match="does not exist"):
        let(root, "nobody")
