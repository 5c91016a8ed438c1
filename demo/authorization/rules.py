"""What each verb needs, as data. Sources: the pages of the REST API, and "Unity Catalog privileges and securable
objects" in the Databricks documentation; where a way in is the local workspace's own, its documents.
"""

from __future__ import annotations

from demo.authorization.object_rules import OBJECTS
from demo.authorization.rule import Rule

_MANAGED = "ADMIN on workspace | MANAGE | OWN on catalog | USE CATALOG on catalog, OWN on schema | USE, OWN"
_MANAGED_SCHEMA = "ADMIN on workspace | MANAGE | OWN on catalog | USE CATALOG on catalog, OWN"
_MANAGED_ALONE = "ADMIN on workspace | MANAGE | OWN"
_SEEN = f"{_MANAGED} | BROWSE"
_TABLES, _VOLUMES = ("table", "view", "external table"), ("volume", "external volume")
_ALONE = ("location", "credential")
_ROUTINES = ("function", "model")

METADATA = (
    *(Rule("REST", "get", name, f"{_SEEN} | USE, SELECT") for name in _TABLES),
    *(Rule("REST", "get", name, f"{_SEEN} | USE, READ VOLUME") for name in _VOLUMES),
    *(Rule("REST", "get", name, f"{_SEEN} | USE, EXECUTE") for name in _ROUTINES),
    Rule("REST", "get", "catalog", f"{_MANAGED_ALONE} | USE CATALOG | BROWSE"),
    Rule("REST", "get", "schema", f"{_MANAGED_SCHEMA} | USE SCHEMA | BROWSE"),
    Rule("REST", "get", "location", f"{_MANAGED_ALONE} | BROWSE | READ FILES | WRITE FILES | CREATE EXTERNAL TABLE"),
    Rule("REST", "get", "credential", _MANAGED_ALONE),
    *(Rule("REST", verb, name, _MANAGED) for verb in ("change", "grant") for name in (*_TABLES, *_VOLUMES)),
    Rule("REST", "change", "model", _MANAGED),  # of a function only its owner can be changed
    *(Rule("REST", "grant", name, _MANAGED) for name in _ROUTINES),
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
    Rule("REST", "create a model in", "schema", "USE, CREATE MODEL | USE, CREATE FUNCTION"),
    Rule("SQL", "create a function in", "schema", "USE, CREATE FUNCTION"),
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
    *(Rule("REST", "delete", f"spare {name}", _MANAGED) for name in _ROUTINES),
    *(Rule("SQL", "drop", f"spare {name}", _MANAGED) for name in ("volume", "function")),
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
    Rule("SQL", "call", "function", "USE, EXECUTE"),
    Rule("SQL", "read files of", "location", "READ FILES"),
    *(Rule("SQL", "read files of", name, "USE, READ VOLUME") for name in _VOLUMES),
)
RUNS = (
    *(Rule("Spark", "read", name, "USE, SELECT") for name in _TABLES),
    Rule("Spark", "append to", "table", "USE, MODIFY"),
    Rule("Spark", "call", "function", "USE, EXECUTE"),
    Rule("Spark", "read files of", "location", "READ FILES"),
    Rule("Spark", "write files to", "location", "READ FILES, WRITE FILES"),
    *(Rule("Spark", "read files of", name, "USE, READ VOLUME") for name in _VOLUMES),
    *(Rule("Python", "open a file of", name, "USE, READ VOLUME") for name in _VOLUMES),
    *(Rule("Python", "write a file to", name, "USE, WRITE VOLUME") for name in _VOLUMES),
    Rule("Python", "list with dbutils", "volume", "USE, READ VOLUME"),
    Rule("Python", "list with dbutils", "location", "READ FILES"),
)

RULES: tuple[Rule, ...] = (*METADATA, *CREATION, *REMOVAL, *KEYS, *FILES, *STATEMENTS, *RUNS, *OBJECTS)
