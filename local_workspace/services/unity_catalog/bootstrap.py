"""What Terraform does for a real workspace before day 2: the metastore and who may build on it. Idempotent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from local_workspace.gateway import principals
from local_workspace.gateway.workspace import DATABRICKS_ACCOUNT
from local_workspace.services.unity_catalog.securables import METASTORE, METASTORE_ID

if TYPE_CHECKING:
    from local_workspace.gateway.workspace import Workspace

METASTORE_BUCKET = "lakehouse-local-metastore"
METASTORE_NAME = "local"
DEPLOYER = "lakehouse-deployer"
_DEPLOYER_PRIVILEGES = ["CREATE_CATALOG", "CREATE_EXTERNAL_LOCATION", "CREATE_STORAGE_CREDENTIAL"]


def bootstrap(workspace: Workspace) -> None:
    """Make the metastore with its root bucket and give the deployer its privileges on it."""
    _ensure_bucket(workspace)
    store = workspace.store
    with store.transaction():
        if store.get(METASTORE, METASTORE) is None:
            store.put(METASTORE, METASTORE, _metastore(workspace))
        grants = store.get("grant", f"{METASTORE}|{METASTORE}") or {}
        for name, principal in store.scan("principal"):
            if principal["display_name"] == DEPLOYER:
                grants[name] = _DEPLOYER_PRIVILEGES
        store.put("grant", f"{METASTORE}|{METASTORE}", grants)


def _ensure_bucket(workspace: Workspace) -> None:
    s3 = workspace.aws("s3")
    try:
        location = {"LocationConstraint": workspace.region}
        s3.create_bucket(Bucket=METASTORE_BUCKET, CreateBucketConfiguration=location)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
            raise


def _metastore(workspace: Workspace) -> dict[str, Any]:
    return {
        "metastore_id": METASTORE_ID,
        "name": METASTORE_NAME,
        "full_name": METASTORE,
        "owner": principals.WORKSPACE_ADMINS,
        "cloud": "aws",
        "region": workspace.region,
        "global_metastore_id": f"aws:{workspace.region}:{METASTORE_ID}",
        "storage_root": f"s3://{METASTORE_BUCKET}",
        "privilege_model_version": "1.0",
        "delta_sharing_scope": "INTERNAL",
        "account_id": DATABRICKS_ACCOUNT,
    }
