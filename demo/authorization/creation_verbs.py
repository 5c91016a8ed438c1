"""Verbs that make or destroy. What was made is removed by the admin; what is destroyed was made for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from demo.authorization.attempt import UC, Attempt, Verbs
from demo.authorization.kind import MARK
from demo.authorization.objects import FUNCTION, KINDS, make_job, make_object, make_warehouse, run_statement
from demo.authorization.stage import Stage
from demo.authorization.workspace_objects import POLICY

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

# Object -> how it is deleted by its full name or id.
DELETE: dict[str, Callable[[WorkspaceClient, str], object]] = {
    "catalog": lambda client, name: client.catalogs.delete(name, force=True),
    "credential": lambda client, name: client.storage_credentials.delete(name),
    "schema": lambda client, name: client.schemas.delete(name),
    "table": lambda client, name: client.tables.delete(name),
    "volume": lambda client, name: client.volumes.delete(name),
    "function": lambda client, name: client.functions.delete(name),
    "model": lambda client, name: client.registered_models.delete(name),
    "job": lambda client, name: client.jobs.delete(int(name)),
    "warehouse": lambda client, name: client.warehouses.delete(name),
    **{name: kind.delete for name, kind in KINDS.items()},
}


def create_catalog(attempt: Attempt) -> None:
    """Create a catalog; the metastore's root is its storage."""
    name = f"{attempt.stage.target.catalog_prefix}{attempt.new_name}"
    with _removed(attempt.stage, "catalog", name):
        attempt.client.catalogs.create(name)


def create_credential(attempt: Attempt) -> None:
    """Create a storage credential over the estate's role."""
    from databricks.sdk.service.catalog import AwsIamRoleRequest

    name = attempt.stage.target.account_wide(attempt.new_name)
    with _removed(attempt.stage, "credential", name):
        role = AwsIamRoleRequest(attempt.stage.target.iam_role_arn("storage"))
        attempt.client.storage_credentials.create(name, aws_iam_role=role)


def create_schema(attempt: Attempt) -> None:
    """Create a schema."""
    with _removed(attempt.stage, "schema", f"{attempt.name}.{attempt.new_name}"):
        attempt.client.schemas.create(attempt.new_name, attempt.name)


def create_volume(attempt: Attempt) -> None:
    """Create a managed volume."""
    with _removed(attempt.stage, "volume", f"{attempt.name}.{attempt.new_name}") as name:
        _create_volume(attempt.client, name)


def create_external_volume(attempt: Attempt) -> None:
    """Create a volume in the location."""
    with _removed(attempt.stage, "volume", f"{attempt.name}.{attempt.new_name}") as name:
        _create_volume(attempt.client, name, _place(attempt))


def create_external_table(attempt: Attempt) -> None:
    """Register a table in the location."""
    with _removed(attempt.stage, "table", f"{attempt.name}.{attempt.new_name}") as name:
        _create_table(attempt.client, name, _place(attempt))


def create_model(attempt: Attempt) -> None:
    """Create a registered model."""
    with _removed(attempt.stage, "model", f"{attempt.name}.{attempt.new_name}") as name:
        attempt.client.registered_models.create(*name.split("."))


def create_experiment(attempt: Attempt) -> None:
    """Create an experiment in a folder."""
    path = f"{attempt.name}/{attempt.new_name}"
    with _removed(attempt.stage, "notebook", path):  # by its path, as that is
        attempt.client.experiments.create_experiment(path)


def create_cluster_policy(attempt: Attempt) -> None:
    """Create a cluster policy."""
    made = attempt.client.cluster_policies.create(name=f"{MARK}{attempt.new_name}", definition=POLICY)
    attempt.client.cluster_policies.delete(str(made.policy_id))


def change_warehouse(attempt: Attempt) -> None:
    """Let a query run on the warehouse that everybody may use."""
    from databricks.sdk.service.sql import UpdateQueryRequestQuery

    with _spare(attempt) as (_, query):
        change = UpdateQueryRequestQuery(warehouse_id=attempt.stage.warehouse)
        attempt.client.queries.update(query, "warehouse_id", query=change)


def delete(attempt: Attempt) -> None:
    """Delete what was made for it."""
    with _spare(attempt) as (kind, name):
        DELETE[kind](attempt.client, name)


def create_by_statement(attempt: Attempt) -> None:
    """CREATE in SQL."""
    kind, name = attempt.rule.verb.split()[2], f"{attempt.name}.{attempt.new_name}"
    text = f"CREATE {kind.upper()} {name}{_CONTENT.get(kind, '')}"
    with _removed(attempt.stage, "table" if kind == "view" else kind, name):
        run_statement(attempt.client, text, attempt.stage.warehouse)


def drop_by_statement(attempt: Attempt) -> None:
    """DROP in SQL."""
    with _spare(attempt) as (kind, name):
        run_statement(attempt.client, f"DROP {kind.upper()} {name}", attempt.stage.warehouse)


_GONE = ("does not exist", "must be in the 'active' state")
_CONTENT = {"table": " (id INT)", "view": " AS SELECT 1 AS id", "function": FUNCTION}


@contextmanager
def _spare(attempt: Attempt) -> Iterator[tuple[str, str]]:
    """Make the spare object that the rule is about; yield its kind and name."""
    stage, kind = attempt.stage, attempt.target.removeprefix("spare ")
    schema, catalog = stage.names["schema"], stage.names["catalog"]
    if kind == "job":
        name = str(make_job(stage, attempt.target))
    elif kind in KINDS:
        name = make_object(stage, attempt.target, f"{MARK}{attempt.new_name}")
    elif kind == "warehouse":
        name = make_warehouse(stage, attempt.target, f" of {attempt.role.name}")
    elif kind == "schema":
        stage.admin.schemas.create(attempt.new_name, catalog)
        name = f"{catalog}.{attempt.new_name}"
    elif kind == "function":
        name = f"{schema}.{attempt.new_name}"
        run_statement(stage.admin, f"CREATE FUNCTION {name}{FUNCTION}", stage.warehouse)
    elif kind == "model":
        name = f"{schema}.{attempt.new_name}"
        stage.admin.registered_models.create(*name.split("."))
    elif kind == "table":
        name = f"{schema}.{attempt.new_name}"
        _create_table(stage.admin, name, _place(attempt))
    else:
        name = f"{schema}.{attempt.new_name}"
        _create_volume(stage.admin, name)
    with _removed(stage, kind, name):
        yield kind, name


@contextmanager
def _removed(stage: Stage, kind: str, name: str) -> Iterator[str]:
    """Remove the object after the block, whether it was made, or is there still."""
    from databricks.sdk.errors import InvalidParameterValue, NotFound

    try:
        yield name
    finally:
        try:
            DELETE[kind](stage.admin, name)
        except (NotFound, InvalidParameterValue) as error:
            if isinstance(error, InvalidParameterValue) and not any(mark in str(error) for mark in _GONE):
                raise


def _create_volume(client: WorkspaceClient, full_name: str, place: str | None = None) -> None:
    from databricks.sdk.service.catalog import VolumeType

    kind = VolumeType.EXTERNAL if place else VolumeType.MANAGED
    catalog, schema, name = full_name.split(".")
    client.volumes.create(catalog, schema, name, kind, storage_location=place)


def _create_table(client: WorkspaceClient, full_name: str, place: str) -> None:
    catalog, schema, name = full_name.split(".")
    body = {"name": name, "catalog_name": catalog, "schema_name": schema, "storage_location": place}
    body |= {"table_type": "EXTERNAL", "data_source_format": "DELTA"}
    client.api_client.do("POST", f"{UC}/tables", body=body)


def _place(attempt: Attempt) -> str:
    return f"s3://{attempt.stage.target.bucket('lake')}/new/{attempt.new_name}"


VERBS: Verbs = {
    ("REST", "create a catalog in"): create_catalog,
    ("REST", "create a credential in"): create_credential,
    ("REST", "create a schema in"): create_schema,
    ("REST", "create a volume in"): create_volume,
    ("REST", "create an external volume in"): create_external_volume,
    ("REST", "create an external table in"): create_external_table,
    ("REST", "create a model in"): create_model,
    ("REST", "create an experiment in"): create_experiment,
    ("REST", "create a cluster policy in"): create_cluster_policy,
    ("REST", "change the warehouse of"): change_warehouse,
    ("REST", "delete"): delete,
    ("SQL", "create a function in"): create_by_statement,
    ("SQL", "create a table in"): create_by_statement,
    ("SQL", "create a view in"): create_by_statement,
    ("SQL", "create a schema in"): create_by_statement,
    ("SQL", "create a volume in"): create_by_statement,
    ("SQL", "drop"): drop_by_statement,
}
