"""An estate of its own for tests of grants: bucket, role, credential, location, catalog, tables, view, volumes.

Everybody may pass through the catalog. The analyst holds what reads, the pipeline what writes, the outsider nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from databricks.sdk.service.catalog import AwsIamRoleRequest, PermissionsChange, Privilege, VolumeType
from databricks.sdk.service.iam import AccessControlRequest, PermissionLevel
from databricks.sdk.service.sql import StatementState

if TYPE_CHECKING:
    from tests.local_workspace.conftest import WarmWorkspace

NAME = "scratch"
BUCKET = "lakehouse-scratch"
ROLE = "lakehouse-scratch-storage"
UC_MASTER_ROLE = "arn:aws:iam::414351767826:role/unity-catalog-prod-UCMasterRole-14S5ZJVKOTYTL"
TABLE, VIEW, SECRET, EXTERNAL = (f"{NAME}.main.{name}" for name in ("numbers", "few", "secrets", "outside"))
BOX, SHELF = f"{NAME}.main.box", f"{NAME}.main.shelf"
SCRIPTS = f"{NAME}.main.scripts"
BOX_PATH, SHELF_PATH, SCRIPTS_PATH = (f"/Volumes/{name.replace('.', '/')}" for name in (BOX, SHELF, SCRIPTS))


@dataclass(frozen=True)
class Scratch:
    """Where the estate's storage lies."""

    warehouse: str
    table_url: str
    box_url: str
    files_url: str = f"s3://{BUCKET}/files"


def run_sql(workspace: WarmWorkspace, role: str, text: str) -> list[list[str]]:
    """Run a statement that must succeed and return its rows."""
    client = workspace.client(role)
    warehouse = find_warehouse(workspace)
    answer = client.statement_execution.execute_statement(text, warehouse, wait_timeout="50s")
    assert answer.status is not None
    assert answer.status.state is StatementState.SUCCEEDED, answer.status.error
    return (answer.result.data_array if answer.result else None) or []


def error_of(workspace: WarmWorkspace, role: str, text: str) -> str:
    """Run a statement that must fail and return what it says."""
    answer = workspace.client(role).statement_execution.execute_statement(
        text, find_warehouse(workspace), wait_timeout="50s"
    )
    assert answer.status is not None and answer.status.error is not None, f"{role} may {text}"
    return str(answer.status.error.message)


def find_warehouse(workspace: WarmWorkspace) -> str:
    """Return the id of the estate's own warehouse, which everybody may use."""
    admin = workspace.client("admin")
    for one in admin.warehouses.list():
        if one.name == NAME:
            return str(one.id)
    made = admin.warehouses.create(name=NAME, cluster_size="2X-Small", max_num_clusters=1, auto_stop_mins=10)
    level = PermissionLevel.CAN_USE
    control = [
        AccessControlRequest(user_name=workspace.name("outsider"), permission_level=level),
        AccessControlRequest(user_name=workspace.name("analyst"), permission_level=level),
        AccessControlRequest(service_principal_name=workspace.name("pipeline"), permission_level=level),
        AccessControlRequest(service_principal_name=workspace.name("deployer"), permission_level=level),
    ]
    admin.permissions.update("warehouses", str(made.id), access_control_list=control)
    return str(made.id)


def grant(workspace: WarmWorkspace, kind: str, full_name: str, role: str, *privileges: Privilege) -> None:
    """Grant as the owner."""
    change = PermissionsChange(principal=workspace.name(role), add=list(privileges))
    workspace.client("deployer").grants.update(kind, full_name, changes=[change])


def make_storage(workspace: WarmWorkspace, bucket: str, role: str, external_id: str) -> str:
    """Make a bucket and a role that opens it to Unity Catalog; return the role's ARN."""
    s3, iam = workspace.aws("s3"), workspace.aws("iam")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": workspace.target.region})
    arn = f"arn:aws:iam::{workspace.target.aws_account}:role/{role}"
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(trust(arn, external_id)))
    iam.put_role_policy(RoleName=role, PolicyName="storage", PolicyDocument=json.dumps(storage_policy(bucket, arn)))
    return arn


def trust(role_arn: str, external_id: str) -> dict[str, Any]:
    """The trust policy that Unity Catalog demands."""
    statement = {
        "Sid": "UnityCatalogAndItself",
        "Effect": "Allow",
        "Principal": {"AWS": [UC_MASTER_ROLE, role_arn]},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": external_id}},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def storage_policy(bucket: str, role_arn: str) -> dict[str, Any]:
    """A policy that opens a bucket."""
    listing = ["s3:ListBucket", "s3:GetBucketLocation"]
    objects = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "List", "Effect": "Allow", "Action": listing, "Resource": f"arn:aws:s3:::{bucket}"},
            {"Sid": "Objects", "Effect": "Allow", "Action": objects, "Resource": f"arn:aws:s3:::{bucket}/*"},
            {"Sid": "Itself", "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": role_arn},
        ],
    }


def make_scratch(workspace: WarmWorkspace) -> Scratch:
    """Declare the estate as the deployer."""
    uc = workspace.client("deployer")
    arn = make_storage(workspace, BUCKET, ROLE, workspace.target.databricks_account)
    uc.storage_credentials.create(NAME, aws_iam_role=AwsIamRoleRequest(role_arn=arn))
    uc.external_locations.create(NAME, f"s3://{BUCKET}", NAME)
    uc.catalogs.create(NAME, storage_root=f"s3://{BUCKET}/managed")
    uc.schemas.create("main", NAME)
    for volume in ("box", "scripts"):
        uc.volumes.create(NAME, "main", volume, VolumeType.MANAGED)
    uc.volumes.create(NAME, "main", "shelf", VolumeType.EXTERNAL, storage_location=f"s3://{BUCKET}/shelf")
    for statement in (
        f"CREATE TABLE {TABLE} AS SELECT id FROM range(5)",
        f"CREATE TABLE {SECRET} AS SELECT id, 'hidden' AS word FROM range(3)",
        f"CREATE TABLE {EXTERNAL} LOCATION 's3://{BUCKET}/outside' AS SELECT id FROM range(4)",
        f"CREATE VIEW {VIEW} AS SELECT id FROM {SECRET} WHERE id < 2",
    ):
        run_sql(workspace, "deployer", statement)
    grant_all(workspace)
    for key in ("files/one.txt", "shelf/one.txt"):
        workspace.aws("s3").put_object(Bucket=BUCKET, Key=key, Body=b"one\n")
    return Scratch(
        find_warehouse(workspace),
        str(uc.tables.get(TABLE).storage_location),
        str(uc.volumes.read(BOX).storage_location),
    )


def grant_all(workspace: WarmWorkspace) -> None:
    """Give each role its part."""
    p = Privilege
    for role in ("analyst", "pipeline", "outsider"):
        grant(workspace, "catalog", NAME, role, p.USE_CATALOG)
        grant(workspace, "schema", f"{NAME}.main", role, p.USE_SCHEMA)
        grant(workspace, "volume", SCRIPTS, role, p.READ_VOLUME)
    for full_name in (TABLE, EXTERNAL, VIEW):
        grant(workspace, "table", full_name, "analyst", p.SELECT)
    for volume in (BOX, SHELF):
        grant(workspace, "volume", volume, "analyst", p.READ_VOLUME)
        grant(workspace, "volume", volume, "pipeline", p.READ_VOLUME, p.WRITE_VOLUME)
    grant(workspace, "external_location", NAME, "analyst", p.READ_FILES)
    location = (p.READ_FILES, p.WRITE_FILES, p.CREATE_EXTERNAL_TABLE)
    grant(workspace, "external_location", NAME, "pipeline", *location)
    grant(workspace, "schema", f"{NAME}.main", "pipeline", p.SELECT, p.MODIFY, p.CREATE_TABLE, p.CREATE_VOLUME)


def remove_scratch(workspace: WarmWorkspace) -> None:
    """Remove the estate from Unity Catalog; the bucket goes with the workspace."""
    uc = workspace.client("deployer")
    uc.catalogs.delete(NAME, force=True)
    uc.external_locations.delete(NAME, force=True)
    uc.storage_credentials.delete(NAME, force=True)
