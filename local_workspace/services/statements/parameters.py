"""Puts a statement's named parameters in as typed literals, as Spark's own parser does before it parses.

Done here because Delta's parser, which stands before Spark's, loses the parameters of Spark Connect. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from local_workspace.gateway.errors import bad_request
from local_workspace.services.statements.requests import Parameter

# Quoted texts, quoted names and comments are passed over; a marker does not follow a name (struct<a:int>, a::int).
_PIECES = re.compile(
    r"""(?P<kept>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`]|``)*`|--[^\n]*|/\*.*?\*/)"""
    r"""|(?<![\w:)\]`]):(?P<marker>[A-Za-z_]\w*)""",
    re.DOTALL,
)
_TYPE = re.compile(
    r"(STRING|BOOLEAN|BYTE|TINYINT|SHORT|SMALLINT|INT|INTEGER|LONG|BIGINT|FLOAT|REAL|DOUBLE|DATE|TIMESTAMP"
    r"|TIMESTAMP_NTZ|TIMESTAMP_LTZ|BINARY|VOID|(DECIMAL|DEC|NUMERIC)(\s*\(\s*\d+\s*(,\s*\d+\s*)?\))?"
    r"|INTERVAL (YEAR|MONTH|DAY|HOUR|MINUTE|SECOND)( TO (MONTH|HOUR|MINUTE|SECOND))?)"
)


def bind_parameters(text: str, parameters: Iterable[Parameter]) -> str:
    """Return the statement with its markers replaced; markers without a parameter are left to Spark to refuse.

    Raises:
        ApiError: 400 for an unknown type or a name given twice.
    """
    literals: dict[str, str] = {}
    for parameter in parameters:
        if parameter.name in literals:
            raise bad_request(f"Parameter {parameter.name} is given twice")
        literals[parameter.name] = write_literal(parameter)
    if not literals:
        return text

    def replace(match: re.Match[str]) -> str:
        return literals.get(match["marker"], match[0]) if match["marker"] else match[0]

    return _PIECES.sub(replace, text)


def write_literal(parameter: Parameter) -> str:
    """Return the SQL of a parameter's value; a value that is not of the type fails as `cast` does."""
    kind = " ".join(parameter.type_text.upper().split())
    if not _TYPE.fullmatch(kind):
        raise bad_request(f"Parameter {parameter.name}: type {parameter.type_text} is not supported")
    if parameter.value is None:
        return f"CAST(NULL AS {kind})" if kind != "VOID" else "NULL"
    if kind in ("INT", "INTEGER") and re.fullmatch(r"\d{1,9}", parameter.value):
        return parameter.value
    literal = _quote(parameter.value)
    return literal if kind == "STRING" else f"CAST({literal} AS {kind})"


def _quote(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
