"""The grammar of SQL on grants, catalogs, volumes, functions, which Spark cannot parse: statement -> REST call. Pure.

Whatever starts like such a statement and does not fit the grammar is a syntax error, never a guess.
https://docs.databricks.com/sql/language-manual/security-grant.html and its neighbours.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from local_workspace.services.statements.commands import API, Command, RestCall
from local_workspace.services.statements.failures import syntax_error
from local_workspace.services.statements.function_grammar import parse_create_function, parse_drop_function
from local_workspace.services.statements.reader import Reader

_COMMENT = re.compile(r"('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`[^`]*`)|--[^\n]*|/\*.*?\*/", re.DOTALL)
_USE_CATALOG = re.compile(r"^\s*USE\s+CATALOG\s+(?=\S)", re.IGNORECASE)
# SQL words of a securable -> its type in the REST path, number of name parts
SECURABLES: dict[tuple[str, ...], tuple[str, int]] = {
    ("EXTERNAL", "LOCATION"): ("external_location", 1),
    ("STORAGE", "CREDENTIAL"): ("storage_credential", 1),
    ("METASTORE",): ("metastore", 0),
    ("CATALOG",): ("catalog", 1),
    ("SCHEMA",): ("schema", 2),
    ("DATABASE",): ("schema", 2),
    ("TABLE",): ("table", 3),
    ("VIEW",): ("table", 3),
    ("VOLUME",): ("volume", 3),
    ("FUNCTION",): ("function", 3),
}


def try_parse(text: str, catalog: str | None, schema: str | None) -> Command | None:
    """Return the command, or None when the statement is not one of this grammar's.

    Raises:
        StatementFailed: it is, and does not parse.
    """
    plain = strip_comments(text).strip().rstrip(";").strip()
    for pattern, parse in GRAMMAR:
        if re.match(pattern, plain, re.IGNORECASE):
            return parse(Reader(plain, catalog, schema))
    return None


def is_governance(text: str) -> bool:
    """Say whether the statement is one of this grammar's."""
    plain = strip_comments(text).strip()
    return any(re.match(pattern, plain, re.IGNORECASE) for pattern, _ in GRAMMAR)


def to_spark(text: str) -> str:
    """Return the statement as Spark's parser takes it: what it knows under another name, renamed."""
    return _USE_CATALOG.sub("SET CATALOG ", text)


def strip_comments(text: str) -> str:
    """Return the statement without comments; what is quoted stays."""
    return _COMMENT.sub(lambda match: match[1] or " ", text)


def parse_grant(reader: Reader) -> Command:
    """GRANT privilege [, ...] ON securable TO principal; REVOKE ... FROM principal."""
    adds = reader.accept("GRANT")
    if not adds:
        reader.expect("REVOKE")
    privileges = [_read_privilege(reader)]
    while reader.accept(","):
        privileges.append(_read_privilege(reader))
    reader.expect("ON")
    path = _read_securable(reader)
    reader.expect("TO" if adds else "FROM")
    change = {"principal": reader.identifier(), "add" if adds else "remove": privileges}
    reader.end()
    return Command(RestCall("PATCH", path, {"changes": [change]}))


def parse_show_grants(reader: Reader) -> Command:
    """SHOW GRANTS [principal] ON securable."""
    reader.expect("SHOW")
    if not reader.accept("GRANTS"):
        reader.expect("GRANT")
    principal = ""
    if not reader.accept("ON"):
        principal = reader.identifier()
        reader.expect("ON")
    path = _read_securable(reader)
    reader.end()
    return Command(RestCall("GET", path), show="grants", principal=principal)


def parse_create_catalog(reader: Reader) -> Command:
    """CREATE CATALOG [IF NOT EXISTS] name [MANAGED LOCATION 'url'] [COMMENT 'text']."""
    reader.expect("CREATE", "CATALOG")
    exists = reader.accept("IF", "NOT", "EXISTS")
    body: dict[str, Any] = {"name": reader.name(1)[0]}
    while True:
        if reader.accept("MANAGED", "LOCATION"):
            body["storage_root"] = reader.string()
        elif reader.accept("COMMENT"):
            body["comment"] = reader.string()
        else:
            break
    reader.end()
    return Command(RestCall("POST", f"{API}/catalogs", body), ignore_status=409 if exists else 0)


def parse_drop_catalog(reader: Reader) -> Command:
    """DROP CATALOG [IF EXISTS] name [RESTRICT | CASCADE]."""
    reader.expect("DROP", "CATALOG")
    exists = reader.accept("IF", "EXISTS")
    (name,) = reader.name(1)
    cascade = not reader.accept("RESTRICT") and reader.accept("CASCADE")
    reader.end()
    query = {"force": "true"} if cascade else {}
    return Command(RestCall("DELETE", f"{API}/catalogs/{name}", query=query), ignore_status=404 if exists else 0)


def parse_create_volume(reader: Reader) -> Command:
    """CREATE [EXTERNAL] VOLUME [IF NOT EXISTS] name [LOCATION 'url'] [COMMENT 'text']."""
    reader.expect("CREATE")
    external = reader.accept("EXTERNAL")
    reader.expect("VOLUME")
    exists = reader.accept("IF", "NOT", "EXISTS")
    catalog, schema, name = reader.name(3)
    body: dict[str, Any] = {"catalog_name": catalog, "schema_name": schema, "name": name}
    body["volume_type"] = "EXTERNAL" if external else "MANAGED"
    if external:
        reader.expect("LOCATION")
        body["storage_location"] = reader.string()
    if reader.accept("COMMENT"):
        body["comment"] = reader.string()
    reader.end()
    return Command(RestCall("POST", f"{API}/volumes", body), ignore_status=409 if exists else 0)


def parse_drop_volume(reader: Reader) -> Command:
    """DROP VOLUME [IF EXISTS] name."""
    reader.expect("DROP", "VOLUME")
    exists = reader.accept("IF", "EXISTS")
    name = ".".join(reader.name(3))
    reader.end()
    return Command(RestCall("DELETE", f"{API}/volumes/{name}"), ignore_status=404 if exists else 0)


def parse_show_catalogs(reader: Reader) -> Command:
    """SHOW CATALOGS: those the caller may see."""
    reader.expect("SHOW", "CATALOGS")
    reader.end()
    return Command(RestCall("GET", f"{API}/catalogs"), show="catalogs")


def parse_show_volumes(reader: Reader) -> Command:
    """SHOW VOLUMES {IN | FROM} catalog.schema."""
    reader.expect("SHOW", "VOLUMES")
    if not reader.accept("IN"):
        reader.expect("FROM")
    catalog, schema = reader.name(2)
    reader.end()
    query = {"catalog_name": catalog, "schema_name": schema}
    return Command(RestCall("GET", f"{API}/volumes", query=query), show="volumes")


GRAMMAR: list[tuple[str, Callable[[Reader], Command]]] = [
    (r"(grant|revoke)\b", parse_grant),
    (r"show\s+grants?\b", parse_show_grants),
    (r"create\s+catalog\b", parse_create_catalog),
    (r"drop\s+catalog\b", parse_drop_catalog),
    (r"create\s+(external\s+)?volume\b", parse_create_volume),
    (r"drop\s+volume\b", parse_drop_volume),
    (r"create\s+(or\s+replace\s+)?function\b", parse_create_function),
    (r"drop\s+function\b", parse_drop_function),
    (r"show\s+catalogs\s*$", parse_show_catalogs),
    (r"show\s+volumes\b", parse_show_volumes),
]


def _read_privilege(reader: Reader) -> str:
    words = [reader.word()]
    while not reader.ahead(",", "ON"):
        words.append(reader.word())
    return "_".join(words)


def _read_securable(reader: Reader) -> str:
    for words, (kind, parts) in SECURABLES.items():
        if reader.accept(*words):
            if kind == "metastore":
                raise syntax_error("Grants on the metastore are made through the REST API, which names it by id.")
            return f"{API}/permissions/{kind}/{'.'.join(reader.name(parts))}"
    return f"{API}/permissions/table/{'.'.join(reader.name(3))}"
