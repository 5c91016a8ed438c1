"""Names: Unity Catalog name <-> asset key <-> physical name on a target.

Tables and views are exactly catalog/schema/table; every other resource leads with its type. Logical names are the
same on all targets; `Target` turns them into physical ones.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lakehouse.targets import Target

if TYPE_CHECKING:
    import dagster as dg

# The first part of the key of everything that is not a table.
RESOURCE_TYPES = (
    "s3_bucket",
    "sqs_queue",
    "kms_key",
    "iam_role",
    "control_plane_role",
    "storage_credential",
    "external_location",
    "catalog",
    "schema",
    "volume",
    "volume_file",
    "table",
    "view",
    "function",
    "registered_model",
    "wheel",
    "step_runtime",
    "jar",
    "script",
    "notebook",
    "job",
    "job_run",
    "snapshot",
    "grants",
    "group",
    "service_principal",
    "user",
    "workspace_assignment",
    "sql_warehouse",
    "secret_scope",
    "directory",
    "workspace_file",
    "cluster_policy",
    "experiment",
    "pipeline",
    "serving_endpoint",
    "token_policy",
    "query",
    "alert",
    "dashboard",
    "repo",
)
# The parameter of our jobs that says who asked for a run: a person, or which try of which Dagster step.
REQUESTED_BY = "requested_by"
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


class InvalidName(Exception):
    """A name that cannot be a key part or a Unity Catalog name."""


@dataclass(frozen=True, order=True)
class TableName:
    """A logical table name; `str()` gives catalog.schema.table."""

    catalog: str
    schema: str
    table: str

    def __str__(self) -> str:
        return f"{self.catalog}.{self.schema}.{self.table}"

    @property
    def key(self) -> tuple[str, str, str]:
        """The asset key's parts."""
        return (self.catalog, self.schema, self.table)

    def on(self, target: Target) -> str:
        """Return the physical full name."""
        return physical_name(target, str(self))


def parse_table_name(full_name: str) -> TableName:
    """Return the name of `catalog.schema.table`.

    Raises:
        InvalidName: it does not have three parts, or its catalog is called like a resource type.
    """
    parts = full_name.split(".")
    if len(parts) != 3:
        raise InvalidName(f"{full_name!r} is not a table name; it is catalog.schema.table")
    check_parts(parts)
    if parts[0] in RESOURCE_TYPES:
        raise InvalidName(f"{full_name!r}: a catalog cannot be called like the resource type {parts[0]!r}")
    return TableName(*parts)


def table_key(full_name: str) -> dg.AssetKey:
    """Return the asset key of a table or view."""
    import dagster as dg

    return dg.AssetKey(parse_table_name(full_name).key)


def resource_key(resource_type: str, *parts: str) -> dg.AssetKey:
    """Return the asset key of any other resource, e.g. volume/flights/bronze/landing.

    Raises:
        InvalidName: unknown type, or a part that cannot stand in a key.
    """
    import dagster as dg

    if resource_type not in RESOURCE_TYPES:
        raise InvalidName(f"No resource type {resource_type!r}; there are {', '.join(RESOURCE_TYPES)}")
    check_parts(parts)
    return dg.AssetKey([resource_type, *parts])


def physical_name(target: Target, dotted: str) -> str:
    """Return the physical form of a logical catalog, schema, volume or table name such as flights.bronze.landing."""
    catalog, _, rest = dotted.partition(".")
    return f"{target.catalog(catalog)}.{rest.lower()}" if rest else target.catalog(catalog)


def volume_path(target: Target, volume: str) -> str:
    """Return the /Volumes path of a logical volume name such as flights.ops.pipes."""
    return "/Volumes/" + physical_name(target, volume).replace(".", "/")


def check_parts(parts: Sequence[str]) -> None:
    """Refuse parts that are empty or hold dots, slashes or blanks.

    Raises:
        InvalidName: naming the part.
    """
    if not parts:
        raise InvalidName("a name needs at least one part")
    for part in parts:
        if not _PART.fullmatch(part):
            raise InvalidName(f"{part!r} cannot be part of a name: letters, digits, _ and - only, no dots")
