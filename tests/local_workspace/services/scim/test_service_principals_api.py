"""SCIM writes of service principals: made, replaced, renamed, deleted; the application id is the service's choice."""

from __future__ import annotations

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, NotFound, PermissionDenied
from databricks.sdk.service.iam import ComplexValue, Patch, PatchOp, PatchSchema

from tests.local_workspace.conftest import WarmWorkspace

SCHEMAS = [PatchSchema.URN_IETF_PARAMS_SCIM_API_MESSAGES_2_0_PATCH_OP]


@pytest.fixture
def admin(workspace: WarmWorkspace) -> WorkspaceClient:
    return workspace.client("admin")


def test_a_service_principal_is_made_found_renamed_and_deleted(admin: WorkspaceClient) -> None:
    made = admin.service_principals.create(display_name="robot", external_id="lakehouse:robot")
    (found,) = admin.service_principals.list(filter='externalId eq "lakehouse:robot"')
    assert (found.application_id, found.display_name) == (made.application_id, "robot")
    operation = Patch(PatchOp.REPLACE, "displayName", "droid")
    admin.service_principals.patch(str(made.id), operations=[operation], schemas=SCHEMAS)
    assert admin.service_principals.get(str(made.id)).display_name == "droid"
    admin.service_principals.delete(str(made.id))
    assert list(admin.service_principals.list(filter='externalId eq "lakehouse:robot"')) == []
    with pytest.raises(NotFound, match="Service principal with id"):
        admin.service_principals.delete(str(made.id))


def test_a_replaced_service_principal_keeps_its_application_id(admin: WorkspaceClient) -> None:
    made = admin.service_principals.create(display_name="robot", external_id="x")
    try:
        entitled = [ComplexValue(value="workspace-access")]
        admin.service_principals.update(str(made.id), display_name="droid", active=False, entitlements=entitled)
        found = admin.service_principals.get(str(made.id))
        assert (found.application_id, found.display_name, found.active) == (made.application_id, "droid", False)
        assert ([one.value for one in found.entitlements or []], found.external_id) == (["workspace-access"], None)
        with pytest.raises(BadRequest, match="cannot be changed"):
            admin.service_principals.update(str(made.id), display_name="droid", application_id="other")
    finally:
        admin.service_principals.delete(str(made.id))


def test_a_new_service_principal_is_a_member_of_the_workspace(admin: WorkspaceClient) -> None:
    made = admin.service_principals.create(display_name="newcomer")
    token = admin.token_management.create_obo_token(str(made.application_id)).token_value
    newcomer = WorkspaceClient(host=admin.config.host, token=token, auth_type="pat")
    (users,) = admin.groups.list(filter='displayName eq "users"')
    assert str(made.id) in {one.value for one in users.members or []}
    newcomer.workspace.mkdirs(f"/Shared/{made.application_id}")
    admin.service_principals.delete(str(made.id))
    with pytest.raises(PermissionDenied):
        newcomer.current_user.me()
