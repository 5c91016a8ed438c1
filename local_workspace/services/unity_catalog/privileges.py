"""The privilege model of Unity Catalog as data: which privileges a securable takes, which of them children inherit.

Source: "Unity Catalog privileges and securable objects" in the Databricks documentation.
"""

from __future__ import annotations

from dataclasses import dataclass

from local_workspace.gateway.errors import bad_request


@dataclass(frozen=True)
class SecurableType:
    """A kind of securable: its key in REST paths, its name in messages, its privileges."""

    key: str
    label: str
    privileges: frozenset[str]
    parent: str | None = None


_SCHEMA_LEVEL = {
    *("CREATE_TABLE", "CREATE_VIEW", "CREATE_VOLUME", "CREATE_FUNCTION", "CREATE_MODEL", "CREATE_MATERIALIZED_VIEW"),
    *("USE_SCHEMA", "SELECT", "MODIFY", "READ_VOLUME", "WRITE_VOLUME", "EXECUTE", "REFRESH"),
    *("APPLY_TAG", "BROWSE", "MANAGE", "ALL_PRIVILEGES", "EXTERNAL_USE_SCHEMA"),
}
_EVERYWHERE = {"ALL_PRIVILEGES", "MANAGE"}
MODEL = "registered_model"  # no type to the REST API of grants, which calls it a function


def _define(key: str, label: str, privileges: set[str], parent: str | None = None) -> SecurableType:
    return SecurableType(key, label, frozenset(privileges), parent)


TYPES: dict[str, SecurableType] = {
    kind.key: kind
    for kind in (
        _define(
            "metastore",
            "Metastore",
            {
                *("CREATE_CATALOG", "CREATE_STORAGE_CREDENTIAL", "CREATE_EXTERNAL_LOCATION", "CREATE_SHARE"),
                *("CREATE_RECIPIENT", "CREATE_PROVIDER", "CREATE_CONNECTION", "CREATE_SERVICE_CREDENTIAL"),
                *("USE_SHARE", "USE_RECIPIENT", "USE_PROVIDER", "USE_CONNECTION", "SET_SHARE_PERMISSION"),
                *("MANAGE_ALLOWLIST", "USE_MARKETPLACE_ASSETS"),
            },
        ),
        _define("catalog", "Catalog", {*_SCHEMA_LEVEL, "USE_CATALOG", "CREATE_SCHEMA"}, "metastore"),
        _define("schema", "Schema", _SCHEMA_LEVEL, "catalog"),
        _define("table", "Table", {*_EVERYWHERE, "SELECT", "MODIFY", "APPLY_TAG", "BROWSE", "REFRESH"}, "schema"),
        _define("volume", "Volume", {*_EVERYWHERE, "READ_VOLUME", "WRITE_VOLUME", "APPLY_TAG", "BROWSE"}, "schema"),
        _define("function", "Function", {*_EVERYWHERE, "EXECUTE", "APPLY_TAG", "BROWSE"}, "schema"),
        _define(MODEL, "Routine or Model", {*_EVERYWHERE, "EXECUTE", "APPLY_TAG", "BROWSE"}, "schema"),
        _define(
            "storage_credential",
            "Storage Credential",
            {*_EVERYWHERE, "CREATE_EXTERNAL_LOCATION", "CREATE_EXTERNAL_TABLE", "READ_FILES", "WRITE_FILES"},
            "metastore",
        ),
        _define(
            "external_location",
            "External Location",
            {
                *(*_EVERYWHERE, "BROWSE", "READ_FILES", "WRITE_FILES"),
                *("CREATE_EXTERNAL_TABLE", "CREATE_EXTERNAL_VOLUME", "CREATE_MANAGED_STORAGE"),
            },
            "metastore",
        ),
    )
}

# What opens data. Being an administrator opens none of it: an administrator can grant it, visibly, and then has it.
DATA_PRIVILEGES = frozenset({"SELECT", "MODIFY", "READ_VOLUME", "WRITE_VOLUME", "READ_FILES", "WRITE_FILES", "EXECUTE"})

# ALL PRIVILEGES is every privilege of the type and its children, except these three (documentation of ALL PRIVILEGES).
NOT_IN_ALL = frozenset({"MANAGE", "EXTERNAL_USE_SCHEMA", "ALL_PRIVILEGES"})


def securable_type(name: str) -> SecurableType:
    """Return the type of a name as it stands in a REST path, in any case.

    Raises:
        ApiError: 400 with the known types.
    """
    known = TYPES.keys() - {MODEL}
    if name.lower() not in known:
        raise bad_request(f"Unknown securable type '{name}'; the local workspace has {', '.join(sorted(known))}.")
    return TYPES[name.lower()]


def require_privilege(kind: SecurableType, privilege: str) -> str:
    """Return the privilege in its stored form.

    Raises:
        ApiError: 400 when the type does not take it.
    """
    name = privilege.upper().replace(" ", "_")
    if name not in kind.privileges:
        raise bad_request(
            f"Privilege {privilege} is not applicable to {kind.label}; it takes {', '.join(sorted(kind.privileges))}."
        )
    return name


def expand(privileges: frozenset[str] | set[str]) -> frozenset[str]:
    """Return what the granted privileges amount to: ALL_PRIVILEGES stands for nearly everything."""
    if "ALL_PRIVILEGES" not in privileges:
        return frozenset(privileges)
    everything = {privilege for kind in TYPES.values() for privilege in kind.privileges}
    return frozenset((everything - NOT_IN_ALL) | privileges)
