"""Secrets API over HTTP with the real databricks-sdk: scopes, values, access lists; each allow with its deny."""

import base64
import stat
import uuid

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import (
    BadRequest,
    InvalidParameterValue,
    NotFound,
    NotImplemented,
    PermissionDenied,
    ResourceAlreadyExists,
)
from databricks.sdk.service.workspace import AclPermission

VALUE = "s3cr3t-Wert-ß"


@pytest.fixture
def scope(ann: WorkspaceClient) -> str:
    name = uuid.uuid4().hex
    ann.secrets.create_scope(name)
    ann.secrets.put_secret(name, "password", string_value=VALUE)
    return name


def read(client: WorkspaceClient, scope: str, key: str = "password") -> bytes:
    return base64.b64decode(client.secrets.get_secret(scope, key).value or "")


def keys(client: WorkspaceClient, scope: str) -> list[str | None]:
    return [one.key for one in client.secrets.list_secrets(scope)]


def test_a_secret_comes_back_as_text_and_as_bytes(ann: WorkspaceClient, scope: str) -> None:
    assert read(ann, scope).decode() == VALUE
    raw = bytes(range(256))
    ann.secrets.put_secret(scope, "raw", bytes_value=base64.b64encode(raw).decode())
    assert read(ann, scope, "raw") == raw
    assert keys(ann, scope) == ["password", "raw"]
    before = next(one.last_updated_timestamp or 0 for one in ann.secrets.list_secrets(scope))
    ann.secrets.put_secret(scope, "password", string_value="other")
    assert next(one.last_updated_timestamp or 0 for one in ann.secrets.list_secrets(scope)) >= before
    assert read(ann, scope) == b"other"


@pytest.mark.parametrize(
    ("permission", "allowed"), [("READ", {"read"}), ("WRITE", {"read", "write"}), ("MANAGE", {"read", "write", "acls"})]
)
def test_each_permission_opens_what_it_says_and_no_more(
    served, ann: WorkspaceClient, scope: str, permission: str, allowed: set[str]
) -> None:
    ann.secrets.put_acl(scope, "bob", AclPermission(permission))
    bob = served.client("bob").secrets
    calls = {
        "read": (lambda: (bob.get_secret(scope, "password"), bob.list_secrets(scope)), "READ"),
        "write": (lambda: (bob.put_secret(scope, "x", string_value="x"), bob.delete_secret(scope, "x")), "WRITE"),
        "acls": (lambda: (bob.list_acls(scope), bob.get_acl(scope, "bob")), "MANAGE"),
    }
    for name, (call, needed) in calls.items():
        if name in allowed:
            call()
        else:
            with pytest.raises(PermissionDenied, match=f"User bob does not have {needed} permission on scope {scope}"):
                call()


def test_who_is_not_on_the_list_gets_nothing_but_an_admin(served, ann: WorkspaceClient, scope: str) -> None:
    for name in ("bob", "eve"):
        with pytest.raises(PermissionDenied, match=f"User {name} does not have READ permission on scope {scope}"):
            served.client(name).secrets.get_secret(scope, "password")
    with pytest.raises(PermissionDenied, match="MANAGE"):
        served.client("bob").secrets.delete_scope(scope)
    assert read(served.client("root"), scope).decode() == VALUE
    assert scope in [one.name for one in served.client("bob").secrets.list_scopes()]
    for call in (served.client("eve").secrets.list_scopes, lambda: served.client("eve").secrets.create_scope("mine")):
        with pytest.raises(PermissionDenied, match="User eve"):
            call()


def test_a_group_reads_until_it_is_taken_off_the_list(served, ann: WorkspaceClient, scope: str) -> None:
    ann.secrets.put_acl(scope, "users", AclPermission.READ)
    assert read(served.client("bob"), scope).decode() == VALUE
    listed = {one.principal: one.permission for one in ann.secrets.list_acls(scope)}
    assert listed == {"ann": AclPermission.MANAGE, "users": AclPermission.READ}
    ann.secrets.delete_acl(scope, "users")
    with pytest.raises(PermissionDenied):
        read(served.client("bob"), scope)
    for call in (ann.secrets.get_acl, ann.secrets.delete_acl):
        with pytest.raises(NotFound, match=f"principal users for scope {scope}"):
            call(scope, "users")


def test_a_scope_for_everybody_is_managed_by_everybody(served, ann: WorkspaceClient) -> None:
    name = uuid.uuid4().hex
    ann.secrets.create_scope(name, initial_manage_principal="users")
    served.client("bob").secrets.put_secret(name, "x", string_value="y")
    served.client("bob").secrets.delete_scope(name)
    with pytest.raises(NotFound, match=f"Scope {name} does not exist"):
        ann.secrets.list_secrets(name)


def test_bad_requests_are_refused_by_name(ann: WorkspaceClient, scope: str) -> None:
    api = ann.secrets
    with pytest.raises(ResourceAlreadyExists, match=scope):
        api.create_scope(scope)
    with pytest.raises(InvalidParameterValue, match="Scope name"):
        api.create_scope("a/b")
    with pytest.raises(InvalidParameterValue, match="initial_manage_principal"):
        api.create_scope("x", initial_manage_principal="bob")
    with pytest.raises(NotImplemented, match="Azure"):
        ann.api_client.do(
            "POST", "/api/2.0/secrets/scopes/create", body={"scope": "x", "backend_azure_keyvault": {"a": 1}}
        )
    with pytest.raises(InvalidParameterValue, match="Secret key"):
        api.put_secret(scope, "a b", string_value="x")
    with pytest.raises(BadRequest, match="Exactly one"):
        api.put_secret(scope, "a", string_value="x", bytes_value="eA==")
    with pytest.raises(InvalidParameterValue, match="base64"):
        api.put_secret(scope, "a", bytes_value="*")
    with pytest.raises(InvalidParameterValue, match="128 KB"):
        api.put_secret(scope, "a", string_value="x" * (128 * 1024 + 1))
    with pytest.raises(InvalidParameterValue, match="nobody does not exist"):
        api.put_acl(scope, "nobody", AclPermission.READ)
    for call in (api.get_secret, api.delete_secret):
        with pytest.raises(NotFound, match=f"scope: {scope} and key: none"):
            call(scope, "none")


def test_no_value_lies_open_on_disk(served, scope: str) -> None:
    home = served.workspace.home
    stored = b"".join(path.read_bytes() for path in home.glob("state.sqlite*"))
    assert scope.encode() in stored
    assert VALUE.encode() not in stored and base64.b64encode(VALUE.encode()) not in stored
    assert stat.S_IMODE((home / "secrets.key").stat().st_mode) == 0o600
