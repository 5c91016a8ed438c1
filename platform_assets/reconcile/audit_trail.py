"""What the audit log says of resources: which actions change which type, what they call it, who was last. Pure.

https://docs.databricks.com/aws/en/admin/account-settings/audit-logs
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from platform_assets.reconcile.plan import Changer
from platform_assets.resource_types.sql_statements import quote_text

TABLE = "system.access.audit"
LOOK_BACK_DAYS = 30  # a check runs every hour; the table is partitioned by day


def _of(service: str, actions: str) -> tuple[str, ...]:
    return tuple(f"{service}.{action}" for action in actions.split())


def _of_unity_catalog(noun: str) -> tuple[str, ...]:
    return _of("unityCatalog", f"create{noun} update{noun} delete{noun}")


_TABLE_ACTIONS = _of("unityCatalog", "createTable updateTables deleteTable")
_ACL_ACTION = "workspace.changeWorkspaceAcl"
# Types of which nothing is recorded, or under no name that is documented, are not here.
ACTIONS: Mapping[str, tuple[str, ...]] = {
    "user": _of("accounts", "add updateUser activateUser deactivateUser delete"),
    "group": _of("accounts", "createGroup removeGroup addPrincipalToGroup removePrincipalFromGroup"),
    "sql_warehouse": _of(
        "databrickssql", "createWarehouse editWarehouse deleteWarehouse changeEndpointAcls changeWarehouseAcls"
    ),
    "cluster_policy": _of("clusterPolicies", "create edit delete changeClusterPolicyAcl"),
    "secret_scope": _of("secrets", "createScope deleteScope putSecret deleteSecret putAcl deleteAcl"),
    "directory": (*_of("notebook", "createFolder deleteFolder"), _ACL_ACTION),
    "workspace_file": (*_of("workspace", "fileCreate fileDelete"), _ACL_ACTION),
    "storage_credential": _of_unity_catalog("StorageCredential"),
    "external_location": _of_unity_catalog("ExternalLocation"),
    "catalog": _of_unity_catalog("Catalog"),
    "schema": _of_unity_catalog("Schema"),
    "volume": _of_unity_catalog("Volume"),
    "table": _TABLE_ACTIONS,
    "function": _of_unity_catalog("Function"),
    "view": _TABLE_ACTIONS,
    "notebook": _of("notebook", "createNotebook importNotebook modifyNotebook deleteNotebook"),
    "job": _of("jobs", "create reset update delete changeJobAcl resetJobAcl"),
    "grants": _of("unityCatalog", "updatePermissions"),
}

# Where an event says what it is about, in this order; an id that the service chose stands in the answer to its create.
_PARTS = ", ".join(
    f"coalesce(request_params.{part}, get_json_object(request_params.function_info, '$.{part}'))"
    for part in ("catalog_name", "schema_name", "name")
)
_OBJECT = f"""lower(coalesce(
    concat(request_params.securable_type, ' ', request_params.securable_full_name),
    request_params.volume_full_name, request_params.full_name_arg, request_params.name_arg,
    request_params.job_id, request_params.policy_id, request_params.id,
    regexp_extract(request_params.resourceId, '[^/]+$', 0),
    regexp_extract(request_params.aclChangeResourceName, '[^/]+$', 0),
    request_params.scope, request_params.path, request_params.targetGroupName, request_params.targetUserName,
    if(service_name = 'jobs', get_json_object(response.result, '$.job_id'), null),
    if(service_name = 'clusterPolicies', get_json_object(response.result, '$.policy_id'), null),
    if(service_name = 'databrickssql', get_json_object(response.result, '$.id'), null),
    concat_ws('.', {_PARTS})
))"""


class Trace(NamedTuple):
    """What the log calls a resource, and who reconciles it."""

    actions: tuple[str, ...]
    names: tuple[str, ...]
    own: str


def build_query(traces: Iterable[Trace]) -> str:
    """Return the statement that reads of all of them who did what when last, as rows of `find_changer`."""
    known = list(traces)
    actions = _list_texts({action for trace in known for action in trace.actions})
    names = _list_texts({name.lower() for trace in known for name in trace.names})
    return f"""SELECT action, object, principal, max(moment) FROM (
  SELECT concat(service_name, '.', action_name) AS action, {_OBJECT} AS object,
    user_identity.email AS principal, unix_millis(event_time) AS moment
  FROM {TABLE}
  WHERE event_date >= current_date() - INTERVAL {LOOK_BACK_DAYS} DAYS AND response.status_code = 200
) WHERE action IN ({actions}) AND object IN ({names}) GROUP BY action, object, principal"""


def find_changer(trace: Trace, rows: Iterable[Sequence[str | None]]) -> Changer | None:
    """Return who changed the resource after it was last reconciled; None if the log knows of nobody."""
    names = {name.lower() for name in trace.names}
    events = [
        (int(moment or 0), principal or "", action)
        for action, name, principal, moment in rows
        if action in trace.actions and name in names
    ]
    moment, principal, action = max(events, default=(0, trace.own, ""))
    if principal == trace.own:
        return None
    when = datetime.fromtimestamp(moment / 1000, UTC)
    return Changer(principal, when.isoformat(sep=" ", timespec="seconds"), str(action).partition(".")[2])


def _list_texts(texts: Collection[str]) -> str:
    return ", ".join(map(quote_text, sorted(texts)))
