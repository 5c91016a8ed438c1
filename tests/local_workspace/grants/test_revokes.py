"""What was given and is taken away: the next call is refused. Keys that were vended before hold until they end.

https://docs.databricks.com/aws/en/external-access/credential-vending
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import DatabricksError, PermissionDenied, Unauthenticated
from databricks.sdk.service.catalog import PermissionsChange, Privilege
from databricks.sdk.service.iam import Patch, PatchOp, PatchSchema

from tests.local_workspace.conftest import WarmWorkspace
from tests.local_workspace.scratch import (
    BOX_PATH,
    BUCKET,
    NAME,
    ROLE,
    SECRET,
    Scratch,
    error_of,
    grant,
    run_sql,
    storage_policy,
)

KEYS = "/api/2.1/unity-catalog/temporary-{}-credentials"
GROUP = "scratch readers"


def revoke(workspace: WarmWorkspace, kind: str, full_name: str, principal: str, *privileges: Privilege) -> None:
    change = PermissionsChange(principal=principal, remove=list(privileges))
    workspace.client("deployer").grants.update(kind, full_name, changes=[change])


def await_error(workspace: WarmWorkspace, role: str, text: str) -> str:
    """Return what a statement says as soon as it is refused: Spark keeps keys of a path for two seconds."""
    for _ in range(30):
        try:
            return error_of(workspace, role, text)
        except AssertionError:
            time.sleep(0.5)
    raise AssertionError(f"{role} may still {text}")


def vend(client: WorkspaceClient, kind: str, **body: str) -> dict[str, Any]:
    answer: Any = client.api_client.do("POST", KEYS.format(kind), body=body)
    return dict(answer["aws_temp_credentials"])


def open_s3(workspace: WarmWorkspace, keys: dict[str, Any]) -> Any:
    names = {"aws_access_key_id": "access_key_id", "aws_secret_access_key": "secret_access_key"}
    given = {name: keys[found] for name, found in {**names, "aws_session_token": "session_token"}.items()}
    endpoint = workspace.aws("s3").meta.endpoint_url
    return boto3.client("s3", endpoint_url=endpoint, region_name=workspace.target.region, **given)


def test_a_revoke_ends_statements_and_new_keys_and_not_keys_that_were_vended(
    workspace: WarmWorkspace, scratch: Scratch
) -> None:
    analyst, query = workspace.client("analyst"), f"SELECT * FROM text.`{scratch.files_url}`"
    body = {"url": scratch.files_url, "operation": "PATH_READ"}
    s3 = open_s3(workspace, vend(analyst, "path", **body))
    assert run_sql(workspace, "analyst", query)
    revoke(workspace, "external_location", NAME, workspace.name("analyst"), Privilege.READ_FILES)
    try:
        assert "READ FILES" in await_error(workspace, "analyst", query)
        with pytest.raises(PermissionDenied):
            vend(analyst, "path", **body)
        assert s3.get_object(Bucket=BUCKET, Key="files/one.txt")
    finally:
        grant(workspace, "external_location", NAME, "analyst", Privilege.READ_FILES)


def test_a_revoked_select_ends_statements(workspace: WarmWorkspace, scratch: Scratch) -> None:
    query = f"SELECT count(*) FROM {SECRET}"  # other tests let the analyst read the other tables in more than one way
    grant(workspace, "table", SECRET, "analyst", Privilege.SELECT)
    try:
        assert run_sql(workspace, "analyst", query)
    finally:
        revoke(workspace, "table", SECRET, workspace.name("analyst"), Privilege.SELECT)
    assert "SELECT on Table" in error_of(workspace, "analyst", query)


def test_a_revoked_read_volume_ends_the_files_api_and_new_keys(workspace: WarmWorkspace, scratch: Scratch) -> None:
    analyst = workspace.client("analyst")
    workspace.client("pipeline").files.upload(f"{BOX_PATH}/revoked.txt", io.BytesIO(b"x"), overwrite=True)
    assert analyst.files.download(f"{BOX_PATH}/revoked.txt").contents
    revoke(workspace, "volume", f"{NAME}.main.box", workspace.name("analyst"), Privilege.READ_VOLUME)
    try:
        for call in (analyst.files.download, analyst.files.get_metadata):
            with pytest.raises(PermissionDenied):
                call(f"{BOX_PATH}/revoked.txt")
    finally:
        grant(workspace, "volume", f"{NAME}.main.box", "analyst", Privilege.READ_VOLUME)


def test_a_role_that_loses_its_policy_ends_statements_and_new_keys(workspace: WarmWorkspace, scratch: Scratch) -> None:
    body = {"url": scratch.files_url, "operation": "PATH_READ"}
    pipeline, query = workspace.client("pipeline"), f"SELECT * FROM text.`{scratch.files_url}`"
    assert vend(pipeline, "path", **body) and run_sql(workspace, "pipeline", query)
    iam, arn = workspace.aws("iam"), f"arn:aws:iam::{workspace.target.aws_account}:role/{ROLE}"
    iam.delete_role_policy(RoleName=ROLE, PolicyName="storage")
    try:
        with pytest.raises(DatabricksError, match=ROLE):
            vend(pipeline, "path", **body)
        assert ROLE in await_error(workspace, "pipeline", query)
    finally:
        policy = json.dumps(storage_policy(BUCKET, arn))
        iam.put_role_policy(RoleName=ROLE, PolicyName="storage", PolicyDocument=policy)
    assert vend(pipeline, "path", **body) and run_sql(workspace, "pipeline", query)


@pytest.fixture
def member(workspace: WarmWorkspace, scratch: Scratch) -> Iterator[Callable[[], None]]:
    """The analyst is in a group that may read the secret table; a call takes it out."""
    admin = workspace.client("admin")
    analyst = next(iter(admin.users.list(filter=f'userName eq "{workspace.name("analyst")}"')))
    group = admin.groups.create(display_name=GROUP)
    schemas, path = [PatchSchema.URN_IETF_PARAMS_SCIM_API_MESSAGES_2_0_PATCH_OP], f'members[value eq "{analyst.id}"]'
    added = Patch(op=PatchOp.ADD, path="members", value=[{"value": analyst.id}])
    admin.groups.patch(str(group.id), operations=[added], schemas=schemas)
    change = PermissionsChange(principal=GROUP, add=[Privilege.SELECT])
    workspace.client("deployer").grants.update("table", SECRET, changes=[change])
    yield lambda: admin.groups.patch(str(group.id), operations=[Patch(op=PatchOp.REMOVE, path=path)], schemas=schemas)
    revoke(workspace, "table", SECRET, GROUP, Privilege.SELECT)
    admin.groups.delete(str(group.id))


def test_who_leaves_a_group_loses_what_it_gave_at_the_next_statement(
    workspace: WarmWorkspace, member: Callable[[], None]
) -> None:
    query = f"SELECT count(*) FROM {SECRET}"
    assert run_sql(workspace, "analyst", query) == [["3"]]
    member()
    assert "SELECT on Table" in error_of(workspace, "analyst", query)


def test_a_deleted_token_opens_nothing_on_a_connection_that_is_open(workspace: WarmWorkspace) -> None:
    owner = workspace.client("analyst")
    made = owner.tokens.create(lifetime_seconds=3600)
    client = WorkspaceClient(host=owner.config.host, token=made.token_value, auth_type="pat")
    assert client.current_user.me().user_name == workspace.name("analyst")
    assert made.token_info
    owner.tokens.delete(str(made.token_info.token_id))
    for call in (client.current_user.me, lambda: list(client.catalogs.list()), lambda: list(client.warehouses.list())):
        with pytest.raises((PermissionDenied, Unauthenticated)):
            call()
