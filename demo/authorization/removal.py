"""Removes the matrix's estate, whole or what is left of it; as the admin, who manages whatever the roles own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from demo.authorization.identities import IDENTITIES
from demo.authorization.kind import MARK, ROOT
from demo.authorization.objects import PREFIX
from demo.authorization.stage import RESOURCES
from demo.authorization.workspace_objects import OTHERS
from lakehouse.targets import Target
from lakehouse.workspace import open_workspace
from platform_assets.resource_types.model import Clients
from platform_assets.resource_types.sdk_errors import unless_missing

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

_IN_AWS = ("iam_role", "s3_bucket", "kms_key")


def remove_stage(target: Target) -> None:
    """Remove everything of the estate; what is gone is no error."""
    _remove_objects(target)
    _remove_securables(target)
    clients = Clients(target)
    for resource in reversed(RESOURCES):
        if resource.type_name == "s3_bucket":
            _empty_bucket(clients, resource.physical_name(target))
        if resource.type_name in _IN_AWS:
            resource.delete(clients)
    for identity in reversed(IDENTITIES):
        identity.delete(clients)


def _remove_objects(target: Target) -> None:
    admin = open_workspace(target, "admin")
    for job in admin.jobs.list():
        if job.job_id and job.settings and (job.settings.name or "").startswith(PREFIX):
            admin.jobs.delete(job.job_id)
    for warehouse in admin.warehouses.list():
        if (warehouse.name or "").startswith(PREFIX):
            admin.warehouses.delete(str(warehouse.id))
    unless_missing(lambda: admin.workspace.delete(ROOT, recursive=True))
    for kind, names in list_others(admin).items():
        for name in names:
            OTHERS[kind].delete(admin, name)


def list_others(admin: WorkspaceClient) -> dict[str, list[str]]:
    """Return by kind the ids of what lies in no folder and has a name of the matrix."""
    return {
        "pipeline": [str(one.pipeline_id) for one in admin.pipelines.list_pipelines() if _is_own(one.name)],
        "serving endpoint": [str(one.name) for one in admin.serving_endpoints.list() if _is_own(one.name)],
        "cluster policy": [str(one.policy_id) for one in admin.cluster_policies.list() if _is_own(one.name)],
        "secret scope": [str(one.name) for one in admin.secrets.list_scopes() if _is_own(one.name)],
    }


def _is_own(name: str | None) -> bool:
    return (name or "").startswith(MARK)


def _remove_securables(target: Target) -> None:
    admin = open_workspace(target, "admin")
    for catalog in admin.catalogs.list():
        if (name := catalog.name or "").startswith(target.catalog_prefix):
            unless_missing(lambda name=name: admin.catalogs.delete(name, force=True))  # type: ignore[misc]
    prefix = target.account_wide("")
    for location in admin.external_locations.list():
        if (name := location.name or "").startswith(prefix):
            unless_missing(lambda name=name: admin.external_locations.delete(name, force=True))  # type: ignore[misc]
    for credential in admin.storage_credentials.list():
        if (name := credential.name or "").startswith(prefix):
            unless_missing(lambda name=name: admin.storage_credentials.delete(name, force=True))  # type: ignore[misc]


def _empty_bucket(clients: Clients, bucket: str) -> None:
    s3 = clients.aws("s3")
    try:
        found = s3.list_object_versions(Bucket=bucket)
    except s3.exceptions.NoSuchBucket:
        return
    for one in [*found.get("Versions", []), *found.get("DeleteMarkers", [])]:
        s3.delete_object(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])
