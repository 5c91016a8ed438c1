"""What a statement request asks for, read and validated from its JSON; nothing here executes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local_workspace.gateway.errors import bad_request

FORMATS = ("JSON_ARRAY", "ARROW_STREAM", "CSV")
DISPOSITIONS = ("INLINE", "EXTERNAL_LINKS")
INLINE_BYTES = 25 * 1024 * 1024
EXTERNAL_BYTES = 100 * 1024**3
MAX_TEXT_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Parameter:
    """A named parameter marker's value as text; None is NULL."""

    name: str
    value: str | None
    type_text: str


@dataclass(frozen=True)
class StatementRequest:
    """A validated request; `wait_s` 0 means asynchronous."""

    text: str
    warehouse_id: str
    catalog: str | None
    schema: str | None
    parameters: tuple[Parameter, ...]
    row_limit: int | None
    byte_limit: int | None
    format: str
    disposition: str
    wait_s: float
    cancel_on_timeout: bool


def parse_request(body: Mapping[str, Any]) -> StatementRequest:
    """Read the body of POST /api/2.0/sql/statements.

    Raises:
        ApiError: 400 naming the field that is missing or wrong.
    """
    _require_unicode(body)
    text, warehouse = body.get("statement"), body.get("warehouse_id")
    if not isinstance(text, str) or not text.strip():
        raise bad_request("Missing required field: statement")
    if len(text.encode()) > MAX_TEXT_BYTES:
        raise bad_request("statement is limited to 16 MiB")
    if not warehouse:
        raise bad_request("Missing required field: warehouse_id")
    result_format = _choose(body, "format", FORMATS)
    disposition = _choose(body, "disposition", DISPOSITIONS)
    if disposition == "INLINE" and result_format != "JSON_ARRAY":
        raise bad_request(f"The format {result_format} is supported with disposition EXTERNAL_LINKS only")
    return StatementRequest(
        text=text,
        warehouse_id=str(warehouse),
        catalog=body.get("catalog") or None,
        schema=body.get("schema") or None,
        parameters=tuple(_parse_parameter(item) for item in body.get("parameters") or []),
        row_limit=_parse_limit(body, "row_limit"),
        byte_limit=_parse_limit(body, "byte_limit"),
        format=result_format,
        disposition=disposition,
        wait_s=_parse_wait(body.get("wait_timeout", "10s")),
        cancel_on_timeout=_choose(body, "on_wait_timeout", ("CONTINUE", "CANCEL")) == "CANCEL",
    )


def _require_unicode(body: Mapping[str, Any]) -> None:
    try:
        json.dumps(body, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        found = error.object[error.start]
        raise bad_request(f"The request holds {found!r}, half of a surrogate pair, which is no character.") from None


def _choose(body: Mapping[str, Any], name: str, known: tuple[str, ...]) -> str:
    value = body.get(name) or known[0]
    if value not in known:
        raise bad_request(f"{name} must be one of {', '.join(known)}, got {value!r}")
    return str(value)


def _parse_limit(body: Mapping[str, Any], name: str) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise bad_request(f"{name} must be a whole number of at least 1, got {value!r}")
    return value


def _parse_wait(text: Any) -> float:
    match = re.fullmatch(r"(\d+)s", str(text))
    seconds = int(match[1]) if match else -1
    if seconds != 0 and not 5 <= seconds <= 50:
        raise bad_request(f"wait_timeout must be 0s or between 5s and 50s, got {text!r}")
    return float(seconds)


def _parse_parameter(item: Any) -> Parameter:
    if not isinstance(item, Mapping) or not item.get("name"):
        raise bad_request("Every entry of parameters needs a name; positional markers are not supported")
    name, value = str(item["name"]), item.get("value")
    if value is not None and not isinstance(value, str):  # a JSON number has lost digits already
        raise bad_request(f"Parameter {name}: value must be a text, got {value!r}")
    return Parameter(name, value, str(item.get("type") or "STRING"))
