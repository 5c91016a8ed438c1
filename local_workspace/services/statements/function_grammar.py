"""The grammar of CREATE FUNCTION and DROP FUNCTION: SQL functions of one value. Pure.

What the local workspace cannot compute is refused as what a workspace does not serve, not as an error of syntax.
https://docs.databricks.com/sql/language-manual/sql-ref-syntax-ddl-create-sql-function.html
"""

from __future__ import annotations

import re
from typing import Any

from local_workspace.services.statements.commands import API, Command, RestCall
from local_workspace.services.statements.failures import StatementFailed, syntax_error
from local_workspace.services.statements.reader import Reader

# a type in SQL -> its name in the API
TYPES = {
    **{name: name.upper() for name in ("boolean", "date", "double", "float", "int", "string", "binary", "timestamp")},
    "bigint": "LONG",
    "long": "LONG",
    "smallint": "SHORT",
    "short": "SHORT",
    "tinyint": "BYTE",
    "byte": "BYTE",
    "integer": "INT",
    "real": "FLOAT",
    "dec": "DECIMAL",
    "decimal": "DECIMAL",
    "numeric": "DECIMAL",
    "array": "ARRAY",
    "map": "MAP",
    "struct": "STRUCT",
    "variant": "VARIANT",
    "timestamp_ntz": "TIMESTAMP_NTZ",
    "char": "CHAR",
    "varchar": "STRING",
    "interval": "INTERVAL",
}
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`[^`]*`", re.DOTALL)
_READS_TABLES = re.compile(r"\bselect\b|\(\s*(table|values|from)\b", re.IGNORECASE)


def parse_create_function(reader: Reader) -> Command:
    """CREATE [OR REPLACE] FUNCTION [IF NOT EXISTS] name ([parameter type [COMMENT 'text'], ...]) ... RETURN body."""
    reader.expect("CREATE")
    replaces = reader.accept("OR", "REPLACE")
    reader.expect("FUNCTION")
    exists = reader.accept("IF", "NOT", "EXISTS")
    if replaces and exists:
        raise syntax_error("CREATE OR REPLACE FUNCTION does not go with IF NOT EXISTS.")
    catalog, schema, name = reader.name(3)
    parameters = _read_parameters(reader)
    function = {"name": name, "catalog_name": catalog, "schema_name": schema, **_read_characteristics(reader)}
    function |= {"input_params": {"parameters": parameters}, "routine_definition": _read_body(reader)}
    body: dict[str, Any] = {"function_info": {**_FIXED, "specific_name": name, **function}}
    call = RestCall("POST", f"{API}/functions", {**body, **({"or_replace": True} if replaces else {})})
    return Command(call, ignore_status=409 if exists else 0, analysis=_describe_analysis(function))


def parse_drop_function(reader: Reader) -> Command:
    """DROP FUNCTION [IF EXISTS] name."""
    reader.expect("DROP", "FUNCTION")
    exists = reader.accept("IF", "EXISTS")
    name = ".".join(reader.name(3))
    reader.end()
    return Command(RestCall("DELETE", f"{API}/functions/{name}"), ignore_status=404 if exists else 0)


# What CREATE FUNCTION of SQL says without words; a body that could be anything else is refused.
_FIXED = {
    "routine_body": "SQL",
    "parameter_style": "S",
    "sql_data_access": "CONTAINS_SQL",
    "is_null_call": False,
    "security_type": "DEFINER",
}


def _read_parameters(reader: Reader) -> list[dict[str, Any]]:
    if reader.ahead("AS"):
        raise _not_served("functions of a class")
    reader.expect("(")
    parameters: list[dict[str, Any]] = []
    while not reader.accept(")"):
        if parameters:
            reader.expect(",")
        name, text = reader.identifier(), reader.until(",", ")", "COMMENT", "DEFAULT", "NOT")
        if reader.ahead("DEFAULT"):
            raise _not_served("parameters with a default")
        comment = {"comment": reader.string()} if reader.accept("COMMENT") else {}
        type_ = {"type_text": text, "type_name": _name_type(text)}
        parameters.append({"name": name, **type_, "position": len(parameters), **comment})
    return parameters


def _read_characteristics(reader: Reader) -> dict[str, Any]:
    found: dict[str, Any] = {"is_deterministic": True}
    while not reader.ahead("RETURN", "AS"):
        if reader.accept("RETURNS"):
            found |= _read_result(reader)
        elif reader.accept("COMMENT"):
            found["comment"] = reader.string()
        elif reader.accept("LANGUAGE"):
            if (language := reader.word()) != "SQL":
                raise _not_served(f"functions in {language}")
        elif reader.accept("NOT"):
            reader.expect("DETERMINISTIC")
            found["is_deterministic"] = False
        elif reader.accept("READS"):
            raise _not_served("functions that read tables")
        elif not reader.accept("DETERMINISTIC"):
            reader.expect("CONTAINS", "SQL")
    if "data_type" not in found:
        raise _not_served("functions without RETURNS")
    return found


def _read_result(reader: Reader) -> dict[str, Any]:
    if reader.ahead("TABLE"):
        raise _not_served("functions that return a table")
    text = reader.until("LANGUAGE", "NOT", "DETERMINISTIC", "COMMENT", "CONTAINS", "READS", "RETURN", "AS")
    return {"full_data_type": text, "data_type": _name_type(text)}


def _read_body(reader: Reader) -> str:
    if reader.accept("AS"):
        raise _not_served("functions whose body is a text")
    reader.expect("RETURN")
    body = reader.rest()
    if _READS_TABLES.search(_QUOTED.sub("", body)):
        raise _not_served("functions that read tables")
    return body


def _describe_analysis(function: dict[str, Any]) -> str:
    """Return a query that Spark can analyse if the body needs nothing but the parameters, and no group of rows."""
    parameters = function["input_params"]["parameters"]
    names = [f"CAST(NULL AS {one['type_text']}) AS `{one['name'].replace('`', '``')}`" for one in parameters]
    rows = f"(SELECT {', '.join(names)})" if names else "(SELECT 1)"
    body = f"CAST(({function['routine_definition']}) AS {function['full_data_type']})"
    return f"SELECT 1 FROM {rows} WHERE {body} IS NULL"


def _name_type(text: str) -> str:
    word = re.match(r"\w*", text)
    name = TYPES.get(word[0].lower()) if word else None
    if name is None:
        raise StatementFailed("UNSUPPORTED_DATATYPE", f"Unsupported data type '{text}'.", "0A000")
    return name


def _not_served(what: str) -> StatementFailed:
    return StatementFailed("UNSUPPORTED_FEATURE", f"The local workspace does not serve {what}.", "0A000")
