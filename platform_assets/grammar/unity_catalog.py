"""Unity Catalog: names of securables, and the privileges that each kind takes.

https://docs.databricks.com/aws/en/sql/language-manual/sql-ref-names
https://docs.databricks.com/aws/en/data-governance/unity-catalog/manage-privileges/privileges
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from lakehouse.grammar.texts import choice_problems, control_problems, length_problems
from lakehouse.identifiers import find_name_problem

# What names of catalogs and schemas are taken already, by the service itself.
_TAKEN_CATALOGS = frozenset({"system", "samples", "hive_metastore", "__databricks_internal"})
_TAKEN_SCHEMAS = frozenset({"default", "information_schema"})

_ALL = frozenset({"ALL_PRIVILEGES", "MANAGE"})
_DATA = _ALL | {"APPLY_TAG", "BROWSE"}
_SCHEMA = _DATA | {
    *("CREATE_TABLE", "CREATE_VIEW", "CREATE_VOLUME", "CREATE_FUNCTION", "CREATE_MODEL", "CREATE_MATERIALIZED_VIEW"),
    *("USE_SCHEMA", "SELECT", "MODIFY", "READ_VOLUME", "WRITE_VOLUME", "EXECUTE", "REFRESH"),
}  # EXTERNAL_USE_SCHEMA is unknown to the SDK, which can neither send nor read it
PRIVILEGES: Mapping[str, frozenset[str]] = {
    "catalog": _SCHEMA | {"USE_CATALOG", "CREATE_SCHEMA"},
    "schema": _SCHEMA,
    "table": _DATA | {"SELECT", "MODIFY", "REFRESH"},
    "view": _DATA | {"SELECT"},
    "volume": _DATA | {"READ_VOLUME", "WRITE_VOLUME"},
    "function": _DATA | {"EXECUTE"},
    "registered_model": _DATA | {"EXECUTE"},
    "storage_credential": _ALL | {"CREATE_EXTERNAL_LOCATION", "CREATE_EXTERNAL_TABLE", "READ_FILES", "WRITE_FILES"},
    "external_location": _ALL
    | {
        *("BROWSE", "READ_FILES", "WRITE_FILES"),
        *("CREATE_EXTERNAL_TABLE", "CREATE_EXTERNAL_VOLUME", "CREATE_MANAGED_STORAGE"),
    },
}


def name_problems(name: str, parts: str, physical: str) -> Iterator[str]:
    """Yield why a logical name cannot be one of `parts`, such as catalog.schema.table, or is too long on the target."""
    wanted, given = parts.split("."), name.split(".")
    if len(given) != len(wanted):
        yield f"its name is {parts}, with {len(wanted) - 1} dots, not {name!r}"
        return
    for what, part, full in zip(wanted, given, physical.split("."), strict=False):
        if problem := find_name_problem(part) or find_name_problem(full):
            yield f"its {what}: {problem}"
    if given[0].lower() in _TAKEN_CATALOGS:
        yield f"the catalog {given[0]} is the service's own: take another name"
    if len(given) > 1 and given[1].lower() in _TAKEN_SCHEMAS:
        yield f"the schema {given[1]} is made with each catalog: take another name"


def normalize_privilege(text: str) -> str:
    """Return a privilege as the API has it: "use schema" is USE_SCHEMA."""
    return re.sub(r"[\s_]+", "_", text.strip()).upper()


def privilege_problems(kind: str, privileges: Iterable[str]) -> Iterator[str]:
    """Yield which privileges a kind of securable does not take."""
    for one in privileges:
        yield from choice_problems(f"a privilege on a {kind}", normalize_privilege(one), PRIVILEGES[kind])


def kind_problems(kind: str, kinds: Collection[str] = PRIVILEGES.keys()) -> Iterator[str]:
    """Yield why nothing can be granted on a kind."""
    yield from choice_problems("the first part of its name", kind, kinds)


# What SQL takes as clauses of a table and not as properties; what Unity Catalog, Delta and the estate write.
_CLAUSES = ("provider", "location", "owner", "external", "is_managed_location", "comment", "path", "table_type")
_WRITTEN = ("managed_by", "estate", "clusteringColumns")
_WRITTEN_STARTS = (
    "option.",
    "delta.feature.",
    "delta.lastCommit",
    "delta.lastUpdate",
    "delta.minReader",
    "delta.minWriter",
)
_LONGEST_PROPERTY = 255


def property_problems(properties: Mapping[str, str]) -> Iterator[str]:
    """Yield which properties of a table cannot be declared."""
    for name, value in properties.items():
        if name.lower() in _CLAUSES:
            yield f"the property {name} is a clause of SQL: say it in a field of the declaration"
        if name in _WRITTEN or name.startswith(_WRITTEN_STARTS):
            yield f"the property {name} is written by the estate or by Delta: leave it out"
        yield from length_problems(f"the name of the property {name[:40]!r}", name, _LONGEST_PROPERTY)
        yield from control_problems(f"the property {name[:40]!r}", name + value)
