"""What each verb needs, as data, and what gives it. Sources: the pages of the REST API, and "Unity Catalog privileges
and securable objects", "Access control lists" in the Databricks documentation; where a way in is the local workspace's
own, its documents.

A need is `PRIVILEGE`, on the verb's object, or `PRIVILEGE on object`; commas are "and", bars are "or". `USE` stands for
USE CATALOG and USE SCHEMA on the containers.
"""

from __future__ import annotations

from dataclasses import dataclass

# Who opens data must have been granted it; owners have it on what they own, not on what lies inside.
DATA = frozenset({"SELECT", "MODIFY", "READ VOLUME", "WRITE VOLUME", "READ FILES", "WRITE FILES"})
# ALL PRIVILEGES stands for all but these.
NOT_IN_ALL = frozenset({"MANAGE", "OWN", "ADMIN", "MEMBER"})
# What neither ownership of the object or of what it lies in gives, nor being an admin.
GRANTED_ONLY = NOT_IN_ALL | {"BROWSE"}
# Levels of a permission on an object of the workspace; each includes those before it. Admins and owners have all.
LEVELS = {
    "job": ("CAN_VIEW", "CAN_MANAGE_RUN", "CAN_MANAGE", "OWN"),
    "warehouse": ("CAN_VIEW", "CAN_USE", "CAN_MONITOR", "CAN_MANAGE", "OWN"),
}


@dataclass(frozen=True)
class Rule:
    """A verb on an object through a way in, and what it needs."""

    way: str
    verb: str
    target: str
    needs: str

    @property
    def name(self) -> str:
        """What is tried, for people."""
        return f"{self.way}: {self.verb} {self.target}"


_MANAGED = "ADMIN on workspace | MANAGE | OWN on catalog | USE CATALOG on catalog, OWN on schema | USE, OWN"
_MANAGED_SCHEMA = "ADMIN on workspace | MANAGE | OWN on catalog | USE CATALOG on catalog, OWN"
_MANAGED_ALONE = "ADMIN on workspace | MANAGE | OWN"
_SEEN = f"{_MANAGED} | BROWSE"
_TABLES, _VOLUMES = ("table", "view", "external table"), ("volume", "external volume")
_ALONE = ("location", "credential")

METADATA = (
    *(Rule("REST", "get", name, f"{_SEEN} | USE, SELECT") for name in _TABLES),
    *(Rule("REST", "get", name, f"{_SEEN} | USE, READ VOLUME") for name in _VOLUMES),
    Rule("REST", "get", "catalog", f"{_MANAGED_ALONE} | USE CATALOG | BROWSE"),
    Rule("REST", "get", "schema", f"{_MANAGED_SCHEMA} | USE SCHEMA | BROWSE"),
    Rule("REST", "get", "location", f"{_MANAGED_ALONE} | BROWSE | READ FILES | WRITE FILES | CREATE EXTERNAL TABLE"),
    Rule("REST", "get", "credential", _MANAGED_ALONE),
    *(Rule("REST", verb, name, _MANAGED) for verb in ("change", "grant") for name in (*_TABLES, *_VOLUMES)),
    *(Rule("REST", verb, "catalog", _MANAGED_ALONE) for verb in ("change", "grant")),
    *(Rule("REST", verb, "schema", _MANAGED_SCHEMA) for verb in ("change", "grant")),
    *(Rule("REST", verb, name, _MANAGED_ALONE) for verb in ("change", "grant") for name in _ALONE),
)
CREATION = (
    Rule("REST", "create a catalog in", "metastore", "ADMIN on workspace | CREATE CATALOG"),
    Rule("REST", "create a credential in", "metastore", "ADMIN on workspace | CREATE STORAGE CREDENTIAL"),
    Rule("REST", "create a schema in", "catalog", "USE CATALOG, CREATE SCHEMA"),
    Rule("REST", "create a volume in", "schema", "USE, CREATE VOLUME"),
    Rule(
        "REST",
        "create an external volume in",
        "schema",
        "USE, CREATE VOLUME, CREATE EXTERNAL VOLUME on location",
    ),
    Rule("REST", "create an external table in", "schema", "USE, CREATE TABLE, CREATE EXTERNAL TABLE on location"),
    Rule("SQL", "create a table in", "schema", "USE, CREATE TABLE"),
    Rule("SQL", "create a view in", "schema", "USE, CREATE TABLE"),
    Rule("SQL", "create a schema in", "catalog", "USE CATALOG, CREATE SCHEMA"),
    Rule("SQL", "create a volume in", "schema", "USE, CREATE VOLUME"),
    Rule("Spark", "create a table in", "schema", "USE, CREATE TABLE"),
)
REMOVAL = (
    Rule("REST", "delete", "spare schema", _MANAGED_SCHEMA),
    Rule("REST", "delete", "spare table", _MANAGED),
    Rule("REST", "delete", "spare volume", _MANAGED),
    Rule("SQL", "drop", "spare volume", _MANAGED),
    Rule("REST", "delete", "spare job", "ADMIN on workspace | CAN_MANAGE"),
    Rule("REST", "delete", "spare warehouse", "ADMIN on workspace | CAN_MANAGE"),
)
KEYS = (
    *(Rule("REST", "get read keys of", name, "USE, SELECT") for name in ("table", "external table")),
    *(Rule("REST", "get write keys of", name, "USE, MODIFY") for name in ("table", "external table")),
    *(Rule("REST", "get read keys of", name, "USE, READ VOLUME") for name in _VOLUMES),
    *(Rule("REST", "get write keys of", name, "USE, WRITE VOLUME") for name in _VOLUMES),
    Rule("REST", "get read keys of", "location", "READ FILES"),
    Rule("REST", "get write keys of", "location", "WRITE FILES"),
    Rule("REST", "get keys of a new table in", "location", "CREATE EXTERNAL TABLE"),
)
FILES = (
    *(Rule("Files", verb, name, "USE, READ VOLUME") for verb in ("list", "download from") for name in _VOLUMES),
    *(Rule("Files", verb, name, "USE, WRITE VOLUME") for verb in ("upload to", "delete from") for name in _VOLUMES),
    *(Rule("Files", "make a folder in", name, "USE, WRITE VOLUME") for name in _VOLUMES),
)
STATEMENTS = (
    *(Rule("SQL", "select from", name, "USE, SELECT") for name in _TABLES),
    *(Rule("SQL", verb, name, "USE, MODIFY") for verb in ("insert into",) for name in ("table", "external table")),
    *(Rule("SQL", verb, "table", "USE, SELECT, MODIFY") for verb in ("update", "delete from")),
    *(Rule("SQL", "grant on", name, _MANAGED) for name in ("table", "volume")),
    Rule("SQL", "read files of", "location", "READ FILES"),
    *(Rule("SQL", "read files of", name, "USE, READ VOLUME") for name in _VOLUMES),
)
RUNS = (
    *(Rule("Spark", "read", name, "USE, SELECT") for name in _TABLES),
    Rule("Spark", "append to", "table", "USE, MODIFY"),
    Rule("Spark", "read files of", "location", "READ FILES"),
    Rule("Spark", "write files to", "location", "READ FILES, WRITE FILES"),
    *(Rule("Spark", "read files of", name, "USE, READ VOLUME") for name in _VOLUMES),
    *(Rule("Python", "open a file of", name, "USE, READ VOLUME") for name in _VOLUMES),
    *(Rule("Python", "write a file to", name, "USE, WRITE VOLUME") for name in _VOLUMES),
    Rule("Python", "list with dbutils", "volume", "USE, READ VOLUME"),
    Rule("Python", "list with dbutils", "location", "READ FILES"),
)
OBJECTS = (
    Rule("REST", "get", "job", "ADMIN on workspace | CAN_VIEW"),
    Rule("REST", "run", "job", "ADMIN on workspace | CAN_MANAGE_RUN"),
    Rule("REST", "change", "job", "ADMIN on workspace | CAN_MANAGE"),
    Rule("REST", "permit on", "job", "ADMIN on workspace | CAN_MANAGE"),
    Rule("REST", "cancel runs of", "job", "ADMIN on workspace | CAN_MANAGE_RUN"),
    Rule("REST", "get", "warehouse", "ADMIN on workspace | CAN_VIEW"),
    Rule("REST", "start", "warehouse", "ADMIN on workspace | CAN_USE"),
    Rule("REST", "stop", "warehouse", "ADMIN on workspace | CAN_MANAGE"),
    Rule("REST", "change", "warehouse", "ADMIN on workspace | CAN_MANAGE"),
    Rule("REST", "permit on", "warehouse", "ADMIN on workspace | CAN_MANAGE"),
    Rule("SQL", "select on", "spare warehouse", "ADMIN on workspace | CAN_USE"),
    Rule("REST", "list", "shared folder", "MEMBER on workspace"),
    Rule("REST", "put a notebook into", "shared folder", "MEMBER on workspace"),
    Rule("REST", "list", "home", "ADMIN on workspace | OWN"),
    Rule("REST", "put a notebook into", "home", "ADMIN on workspace | OWN"),
    Rule("REST", "make a token in", "workspace", "MEMBER on workspace"),
    Rule("REST", "make a token for another in", "workspace", "ADMIN on workspace"),
    Rule("REST", "create a group in", "workspace", "ADMIN on workspace"),
    Rule("REST", "create a service principal in", "workspace", "ADMIN on workspace"),
    Rule("REST", "create a user in", "workspace", "ADMIN on workspace"),
    Rule("REST", "assign a principal to", "workspace", "ADMIN on workspace"),
)

RULES: tuple[Rule, ...] = (*METADATA, *CREATION, *REMOVAL, *KEYS, *FILES, *STATEMENTS, *RUNS, *OBJECTS)
