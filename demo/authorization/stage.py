"""What the matrix is tried on: a small estate of its own beside the real one (prefix `-matrix`), made for a trial and
removed after it, with a service principal and a token for each role."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from demo.authorization.workspace_objects import MODEL
from demo.failures import DemoFailed
from demo.git_remote import serve_files
from lakehouse.names import physical_name
from lakehouse.targets import Target
from lakehouse.workspace import open_workspace
from platform_assets.estate import apply_estate
from platform_assets.resource_types.catalog import Catalog
from platform_assets.resource_types.external_location import ExternalLocation
from platform_assets.resource_types.iam_role import StorageRole
from platform_assets.resource_types.kms_key import KmsKey
from platform_assets.resource_types.model import Resource
from platform_assets.resource_types.registered_model import RegisteredModel
from platform_assets.resource_types.s3_bucket import S3Bucket
from platform_assets.resource_types.schema import Schema
from platform_assets.resource_types.storage_credential import StorageCredential
from platform_assets.resource_types.volume import Volume

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

EVERYBODY = "account users"
FILE, TEXT = "one.txt", b"one\n"  # what lies in volumes, in the location and in Git folders
RESOURCES: tuple[Resource, ...] = (
    KmsKey("lake"),
    S3Bucket("lake"),
    S3Bucket("drop"),
    StorageRole("storage", buckets=("lake", "drop")),
    StorageCredential("lake_storage"),
    ExternalLocation("lake", bucket="lake"),
    ExternalLocation("drop", bucket="drop"),
    Catalog("shop"),
    Schema("shop.sales"),
    Volume("shop.sales.files"),
    RegisteredModel("shop.sales.forecast"),
    Volume("shop.sales.drop", bucket="drop"),
    Catalog("hall", folder="hall"),  # where everybody may come in: the scripts of runs lie there
    Schema("hall.open"),
    Volume("hall.open.scripts"),
    RegisteredModel(MODEL),
)
# Object -> the type by which Unity Catalog's API knows it.
SECURABLES = {
    "metastore": "metastore",
    "catalog": "catalog",
    "schema": "schema",
    "table": "table",
    "view": "table",
    "external table": "table",
    "volume": "volume",
    "external volume": "volume",
    "function": "function",
    "model": "function",  # to the API of grants
    "location": "external_location",
    "credential": "storage_credential",
}


@dataclass(frozen=True)
class Stage:
    """The estate: full names, ids or paths by object; principals and clients by role; a warehouse for everybody."""

    target: Target
    names: Mapping[str, str]
    principals: Mapping[str, str]
    clients: Mapping[str, WorkspaceClient]
    warehouse: str
    repository: str  # the URL that Git folders are cloned from

    @property
    def admin(self) -> WorkspaceClient:
        """The client that makes what a verb is going to destroy, and tidies up."""
        return self.clients["admin"]

    @property
    def maker(self) -> WorkspaceClient:
        """The client of who made the estate."""
        return open_workspace(self.target, "deployer")

    def path(self, volume: str) -> str:
        """Return the directory of a volume."""
        return volume_directory(self.names[volume])

    @property
    def files(self) -> str:
        """The folder whose files the location opens."""
        return f"s3://{self.target.bucket('lake')}/loose"


@contextmanager
def open_stage(target: Target) -> Iterator[Stage]:
    """Make the estate for the block and remove it afterwards; one that was left over is removed first.

    Raises:
        DemoFailed: it cannot be made.
    """
    from demo.authorization.removal import remove_stage

    beside = stage_target(target)
    remove_stage(beside)
    try:
        with serve_files({FILE: TEXT}) as repository:
            yield make_stage(beside, repository)
    finally:
        remove_stage(beside)


def stage_target(target: Target) -> Target:
    """Return the target of the estate beside the real one."""
    return replace(
        target, bucket_prefix=f"{target.bucket_prefix}-matrix", catalog_prefix=f"{target.catalog_prefix}matrix_"
    )


def make_stage(target: Target, repository: str) -> Stage:
    """Make identities, estate, tables, objects of the workspace; grant; then hand ownership over."""
    from demo.authorization import holdings, objects
    from demo.authorization.identities import IDENTITIES, find_principals, open_clients

    apply_resources(target, IDENTITIES)
    principals = find_principals(target)
    clients = open_clients(target, principals)
    apply_resources(target, RESOURCES)
    names = {**_full_names(target), "home": f"/Users/{principals['job_creator']}"}
    stage = Stage(target, names, principals, clients, objects.open_hall(clients["admin"]), repository)
    stage = replace(stage, names={**names, **objects.make_objects(stage)})
    holdings.open_scripts(stage)
    objects.make_tables(stage)
    objects.put_files(stage)
    holdings.grant_all(stage)
    holdings.hand_over(stage)
    return stage


def apply_resources(target: Target, resources: tuple[Resource, ...]) -> None:
    """Make them.

    Raises:
        DemoFailed: some cannot be made.
    """
    report = apply_estate(target, resources=resources)
    if report.failures:
        raise DemoFailed("\n".join(result.error for result in report.failures))


def volume_directory(full_name: str) -> str:
    """Return where a volume's files are seen."""
    return f"/Volumes/{full_name.replace('.', '/')}"


def _full_names(target: Target) -> dict[str, str]:
    schema = physical_name(target, "shop.sales")
    return {
        "metastore": "metastore",
        "workspace": "workspace",
        "catalog": target.catalog("shop"),
        "schema": schema,
        "table": f"{schema}.orders",
        "view": f"{schema}.totals",
        "external table": f"{schema}.outside",
        "volume": f"{schema}.files",
        "function": f"{schema}.plus_one",
        "model": f"{schema}.forecast",
        "external volume": f"{schema}.drop",
        "location": target.account_wide("lake"),
        "credential": target.account_wide("lake_storage"),
        "scripts": physical_name(target, "hall.open.scripts"),
        "shared folder": "/Shared",
    }
