"""Who takes part, as data: the roles of requirement P17 that concern these objects, and what each of them holds."""

from __future__ import annotations

from dataclasses import dataclass

# Object -> the container it lies in, or the object that a spare one has the levels of. Grants on a container hold below
# it; nothing is inherited from the metastore.
CONTAINERS: dict[str, str | None] = {
    "metastore": None,
    "catalog": None,
    "schema": "catalog",
    "table": "schema",
    "view": "schema",
    "external table": "schema",
    "volume": "schema",
    "external volume": "schema",
    "function": "schema",
    "model": "schema",
    "spare schema": "catalog",
    "spare table": "schema",
    "spare volume": "schema",
    "spare function": "schema",
    "spare model": "schema",
    "location": None,
    "credential": None,
    "warehouse": None,
    "spare warehouse": None,
    "job": None,
    "spare job": None,
    "workspace": None,
    "shared folder": None,
    "home": None,
    "folder": None,
    **dict.fromkeys(("notebook", "workspace file", "query", "query run as owner", "dashboard", "experiment"), "folder"),
    "file of Git folder": "Git folder",
    **dict.fromkeys(("Git folder", "alert", "pipeline", "serving endpoint", "cluster policy", "secret scope")),
    **{
        f"spare {name}": name
        for name in (
            *("folder", "notebook", "workspace file", "query", "dashboard", "experiment"),
            *("Git folder", "alert", "pipeline", "serving endpoint", "cluster policy", "secret scope"),
        )
    },
}


@dataclass(frozen=True)
class Role:
    """Somebody who tries. `holds` are lines `PRIVILEGE on object`; OWN is ownership, ADMIN is being a workspace admin.

    `profile` names a principal that every workspace has; the others are service principals made for the matrix.
    `group` is the group that holds it all; a nested one is a member of the group that does.
    """

    name: str
    title: str
    holds: tuple[str, ...] = ()
    profile: str | None = None
    group: str | None = None


_INSIDE = ("USE CATALOG on catalog", "USE SCHEMA on schema")
_READ = (
    *_INSIDE,
    *("SELECT on table", "SELECT on view", "SELECT on external table"),
    *("READ VOLUME on volume", "READ VOLUME on external volume", "READ FILES on location"),
    *("EXECUTE on function", "EXECUTE on model"),
    *("CAN_USE on warehouse", "CAN_USE on spare warehouse", "CAN_VIEW on job"),
    *("CAN_READ on notebook", "CAN_READ on query", "CAN_READ on dashboard", "CAN_READ on experiment"),
    *("CAN_READ on Git folder", "CAN_RUN on alert"),
    *("CAN_VIEW on pipeline", "CAN_QUERY on serving endpoint", "CAN_USE on cluster policy", "READ on secret scope"),
    "MEMBER on workspace",
)
_MEMBER = ("MEMBER on workspace",)

READERS, TEAM = "readers", "team"

ROLES: tuple[Role, ...] = (
    Role("admin", "Workspace and metastore admin", ("ADMIN on workspace", *_MEMBER), profile="admin"),
    Role("catalog_owner", "Catalog owner", ("OWN on catalog", *_MEMBER)),
    Role("schema_owner", "Schema owner", ("OWN on schema", "USE CATALOG on catalog", *_MEMBER)),
    Role(
        "table_owner",
        "Owner of tables and a function",
        ("OWN on table", "OWN on view", "OWN on function", *_INSIDE, *_MEMBER),
    ),
    Role("volume_owner", "Volume owner", ("OWN on volume", *_INSIDE, *_MEMBER)),
    Role("shut_out_owner", "Owner of a table, without USE", ("OWN on external table", *_MEMBER)),
    Role("storage_owner", "Location and credential owner", ("OWN on location", "OWN on credential", *_MEMBER)),
    Role("analyst", "Data reader, a user in a group", _READ, profile="analyst", group=READERS),
    Role("nested_reader", "Data reader, in a group of a group", _READ, group=TEAM),
    Role(
        "writer",
        "Data writer",
        (
            *_INSIDE,
            *("SELECT on schema", "MODIFY on schema", "READ VOLUME on schema", "WRITE VOLUME on schema"),
            *("READ FILES on location", "WRITE FILES on location", "CREATE MODEL on schema"),
            *("CAN_MONITOR on warehouse", "CAN_EDIT on folder", "CAN_EDIT on Git folder"),
            *("WRITE on secret scope", *_MEMBER),
        ),
    ),
    Role(
        "builder",
        "Builder of tables, volumes and schemas",
        (
            *_INSIDE,
            *("CREATE TABLE on schema", "CREATE VOLUME on schema", "CREATE SCHEMA on catalog"),
            "CREATE FUNCTION on schema",
            *("CREATE EXTERNAL TABLE on location", "CREATE EXTERNAL VOLUME on location"),
            *("CAN_EDIT on notebook", "CAN_EDIT on workspace file", "CAN_EDIT on query", "CAN_EDIT on dashboard"),
            *("CAN_EDIT on experiment", "CAN_MANAGE on serving endpoint", *_MEMBER),
        ),
    ),
    Role("all_privileges", "Holder of ALL PRIVILEGES on the catalog", ("ALL PRIVILEGES on catalog", *_MEMBER)),
    Role("manager", "Holder of MANAGE on the catalog", ("MANAGE on catalog", *_MEMBER)),
    Role(
        "not_admitted",
        "Holder of SELECT and READ VOLUME, without USE",
        ("SELECT on table", "MODIFY on table", "READ VOLUME on volume", "WRITE VOLUME on volume", *_MEMBER),
    ),
    Role("half_admitted", "The same with USE CATALOG only", ("USE CATALOG on catalog", "SELECT on table", *_MEMBER)),
    Role("browser", "Holder of BROWSE on the catalog", ("BROWSE on catalog", *_MEMBER)),
    Role(
        "job_creator",
        "Job creator",
        (
            *("OWN on job", "OWN on spare job", "OWN on home", "OWN on pipeline", "CAN_MANAGE on folder"),
            *("CAN_MANAGE on warehouse", "CAN_MANAGE on spare warehouse", "CAN_MANAGE on alert"),
            *("CAN_MANAGE on Git folder", "MANAGE on secret scope", *_MEMBER),
        ),
    ),
    Role(
        "operator",
        "Job operator",
        (
            *("CAN_MANAGE_RUN on job", "CAN_MONITOR on spare warehouse", "CAN_RUN on notebook", "CAN_RUN on query"),
            *("CAN_RUN on dashboard", "CAN_RUN on alert", "CAN_MANAGE on experiment", "CAN_RUN on pipeline"),
            *("CAN_RUN on Git folder", *_MEMBER),
        ),
    ),
    Role(
        "viewer",
        "Viewer",
        (
            *("CAN_VIEW on job", "CAN_VIEW on warehouse", "CAN_READ on folder", "CAN_VIEW on pipeline"),
            *("CAN_VIEW on serving endpoint", *_MEMBER),
        ),
    ),
    Role(
        "metastore_builder",
        "Creator of catalogs, credentials and locations; manager of single objects",
        (
            *("CREATE CATALOG on metastore", "CREATE STORAGE CREDENTIAL on metastore", "CAN_MANAGE on query"),
            *("CAN_MANAGE on dashboard", "CAN_MANAGE on pipeline", *_MEMBER),
        ),
    ),
    Role("outsider", "Outsider, no member of the workspace", profile="outsider"),
)
