"""Which calls the audit log records, under which names and with which parameters: data.

https://docs.databricks.com/aws/en/admin/account-settings/audit-logs names services, actions and parameters. Recorded is
what changes or starts something; a call whose names there are not known is left out. Only the parameters that stand
here are kept: names and ids, no definitions, values or contents.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

from local_workspace.services.system_tables import audit_details as details

UNITY_CATALOG = "unityCatalog"


class Audited(NamedTuple):
    """A recorded call. `parameters` are the call's own, each `name` or `logged_name=name`; `result` is the answer's."""

    service: str
    action: str
    parameters: str
    result: str = ""


_UC = "/api/2.1/unity-catalog"
_NEW = "name catalog_name schema_name"
_OF_UNITY_CATALOG = {
    ("POST", "catalogs"): ("createCatalog", "name"),
    ("PATCH", "catalogs/{name}"): ("updateCatalog", "name_arg=name isolation_mode owner"),
    ("DELETE", "catalogs/{name}"): ("deleteCatalog", "name_arg=name force"),
    ("POST", "schemas"): ("createSchema", "name catalog_name"),
    ("PATCH", "schemas/{full_name}"): ("updateSchema", "full_name_arg=full_name owner"),
    ("DELETE", "schemas/{full_name}"): ("deleteSchema", "full_name_arg=full_name force"),
    ("POST", "tables"): ("createTable", f"{_NEW} table_type data_source_format storage_location"),
    ("PATCH", "tables/{full_name}"): ("updateTables", "full_name_arg=full_name owner"),
    ("DELETE", "tables/{full_name}"): ("deleteTable", "full_name_arg=full_name"),
    ("POST", "volumes"): ("createVolume", f"{_NEW} volume_type storage_location"),
    ("PATCH", "volumes/{name}"): ("updateVolume", "volume_full_name=name owner"),
    ("DELETE", "volumes/{name}"): ("deleteVolume", "volume_full_name=name"),
    ("DELETE", "functions/{name}"): ("deleteFunction", "full_name_arg=name"),
    ("POST", "storage-credentials"): ("createStorageCredential", "name"),
    ("PATCH", "storage-credentials/{name}"): ("updateStorageCredential", "name_arg=name owner"),
    ("DELETE", "storage-credentials/{name}"): ("deleteStorageCredential", "name_arg=name force"),
    ("POST", "external-locations"): ("createExternalLocation", "name url credential_name skip_validation"),
    ("PATCH", "external-locations/{name}"): ("updateExternalLocation", "name_arg=name owner"),
    ("DELETE", "external-locations/{name}"): ("deleteExternalLocation", "name_arg=name force"),
    ("PATCH", "permissions/{securable_type}/{full_name}"): (
        "updatePermissions",
        "securable_type securable_full_name=full_name changes",
    ),
}
_OF_JOBS = {
    "create": Audited("jobs", "create", "name", "job_id"),
    "reset": Audited("jobs", "reset", "job_id"),
    "update": Audited("jobs", "update", "job_id fields_to_remove"),
    "delete": Audited("jobs", "delete", "job_id"),
    "run-now": Audited("jobs", "runNow", "job_id", "run_id"),
    "runs/submit": Audited("jobs", "submitRun", "run_name", "run_id"),
    "runs/cancel": Audited("jobs", "cancel", "run_id"),
    "runs/cancel-all": Audited("jobs", "cancelAllRuns", "job_id"),
    "runs/delete": Audited("jobs", "deleteRun", "run_id"),
}
_SQL = "databrickssql"
_WAREHOUSE = "/api/2.0/sql/warehouses"
_POLICIES = "/api/2.0/policies/clusters"
_SECRETS = "/api/2.0/secrets"
_GROUPS = "/api/2.0/preview/scim/v2/Groups"
_USERS = "/api/2.0/preview/scim/v2/Users"
_TREE = "/api/2.0/workspace"
_ACLS: Mapping[str, Audited | details.Describe] = {
    "jobs/{job_id}": Audited("jobs", "changeJobAcl", "resourceId=job_id"),
    **{
        f"{path}/{{id}}": Audited(_SQL, "changeEndpointAcls", "resourceId=id")
        for path in ("warehouses", "sql/warehouses")
    },
    "cluster-policies/{policy_id}": Audited("clusterPolicies", "changeClusterPolicyAcl", "resourceId=policy_id"),
    **{
        f"{kind}/{{object_id}}": partial(details.describe_object_acl, kind)
        for kind in ("directories", "files", "notebooks")
    },
}

AUDITED: Mapping[tuple[str, str], Audited | details.Describe] = {
    **{(method, f"{_UC}/{path}"): Audited(UNITY_CATALOG, *told) for (method, path), told in _OF_UNITY_CATALOG.items()},
    ("POST", f"{_UC}/functions"): details.describe_function,
    **{
        ("POST", f"/api/{version}/jobs/{path}"): audited
        for version in ("2.1", "2.2")
        for path, audited in _OF_JOBS.items()
    },
    ("POST", _WAREHOUSE): Audited(_SQL, "createWarehouse", "name cluster_size", "id"),
    ("POST", f"{_WAREHOUSE}/{{id}}/edit"): Audited(_SQL, "editWarehouse", "id name cluster_size"),
    ("DELETE", f"{_WAREHOUSE}/{{id}}"): Audited(_SQL, "deleteWarehouse", "id"),
    ("POST", f"{_WAREHOUSE}/{{id}}/start"): Audited(_SQL, "startWarehouse", "id"),
    ("POST", f"{_WAREHOUSE}/{{id}}/stop"): Audited(_SQL, "stopWarehouse", "id"),
    ("POST", f"{_POLICIES}/create"): Audited("clusterPolicies", "create", "name", "policy_id"),
    ("POST", f"{_POLICIES}/edit"): Audited("clusterPolicies", "edit", "policy_id name"),
    ("POST", f"{_POLICIES}/delete"): Audited("clusterPolicies", "delete", "policy_id"),
    ("POST", f"{_SECRETS}/scopes/create"): Audited("secrets", "createScope", "scope initial_manage_principal"),
    ("POST", f"{_SECRETS}/scopes/delete"): Audited("secrets", "deleteScope", "scope"),
    ("POST", f"{_SECRETS}/put"): Audited("secrets", "putSecret", "scope key"),
    ("POST", f"{_SECRETS}/delete"): Audited("secrets", "deleteSecret", "scope key"),
    ("POST", f"{_SECRETS}/acls/put"): Audited("secrets", "putAcl", "scope principal permission"),
    ("POST", f"{_SECRETS}/acls/delete"): Audited("secrets", "deleteAcl", "scope principal"),
    ("POST", _GROUPS): details.describe_new_group,
    ("PATCH", f"{_GROUPS}/{{id}}"): details.describe_members,
    ("DELETE", f"{_GROUPS}/{{id}}"): details.describe_removed_group,
    ("POST", _USERS): details.describe_new_user,
    ("PATCH", f"{_USERS}/{{id}}"): details.describe_user,
    ("DELETE", f"{_USERS}/{{id}}"): details.describe_removed_user,
    ("POST", "/api/2.0/token/create"): partial(details.describe_token, "generateDbToken"),
    ("POST", "/api/2.0/token/delete"): partial(details.describe_token, "revokeDbToken"),
    ("POST", f"{_TREE}/import"): details.describe_import,
    ("POST", f"{_TREE}-files/import-file/{{path:path}}"): details.describe_import,
    ("POST", f"{_TREE}/mkdirs"): Audited("notebook", "createFolder", "path"),
    ("POST", f"{_TREE}/delete"): details.describe_deletion,
    **{
        (method, f"/api/2.0/permissions/{path}"): audited
        for method in ("PUT", "PATCH")
        for path, audited in _ACLS.items()
    },
}
