"""Reads what a client sent, strictly: path, query and JSON body; what has no one meaning is refused with 400.

Bodies are JSON whatever the content type says, but for routes that take bytes or a form.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn
from urllib.parse import parse_qsl, unquote

from local_workspace.gateway.errors import ApiError, bad_request

MAX_JSON_BYTES = 64 * 1024 * 1024
MAX_DEPTH = 64  # of objects and lists in each other; the deepest of the API is a dozen
MAX_QUERY_BYTES = 64 * 1024
MAX_QUERY_FIELDS = 1000
# A slash that was sent as %2F is a character of a name, not a border. No path holds a NUL, so that stands for it.
SLASH_IN_NAME = "\0"
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_INT64 = range(-(2**63), 2**63)


def malformed(message: str) -> ApiError:
    """Build the 400 of a request that cannot be read."""
    return bad_request(message, "MALFORMED_REQUEST")


def read_path(raw: bytes) -> str:
    """Return the path with its escapes decoded once, and `SLASH_IN_NAME` for each escaped slash.

    Raises:
        ApiError: 400 for a broken escape, for what is not UTF-8, and for a NUL.
    """
    return "/".join(_unquote(part, "path").replace("/", SLASH_IN_NAME) for part in _ascii(raw, "path").split("/"))


def read_query(raw: bytes) -> list[tuple[str, str]]:
    """Return the query's fields in their order.

    Raises:
        ApiError: 400 for a broken escape, for what is not UTF-8, for a NUL, and for too much of it.
    """
    text = _ascii(raw, "query")
    if len(text) > MAX_QUERY_BYTES:
        raise malformed(f"The query is limited to {MAX_QUERY_BYTES} bytes, got {len(text)}")
    _unquote(text, "query")
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_QUERY_FIELDS)
    except ValueError as error:
        raise malformed(f"Could not read the query: {error}") from None


def read_json(raw: bytes) -> dict[str, Any]:
    """Return the body's object; a body without content is an empty one.

    Raises:
        ApiError: 400 for what is no JSON object, or is one with two meanings: a key twice, NaN, numbers and texts
            that cannot be kept, more depth than the API has.
    """
    if len(raw) > MAX_JSON_BYTES:
        raise malformed(f"A JSON body is limited to {MAX_JSON_BYTES} bytes, got {len(raw)}")
    try:
        text = raw.decode()
        if not text.strip():
            return {}
        body = json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant)
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        raise malformed(f"Could not parse the request body as JSON: {error}") from None
    if not isinstance(body, dict):
        raise malformed("The request body must be a JSON object")
    _check_values(body)
    return body


def read_json_text(text: Any, what: str) -> dict[str, Any]:
    """Return the object of a field that holds JSON as a text; `what` names the field.

    Raises:
        ApiError: 400 for all that `read_json` refuses, and for an empty text.
    """
    if not isinstance(text, str) or not text.strip():
        raise bad_request(f"{what} must be a text with a JSON object")
    try:
        return read_json(text.encode())
    except ApiError as error:
        raise bad_request(f"{what} is no JSON object: {error.message}") from None


def _ascii(raw: bytes, place: str) -> str:
    try:
        return raw.decode("ascii")
    except UnicodeDecodeError:
        raise malformed(f"The {place} of the request must be ASCII, other characters escaped as %XX") from None


def _unquote(text: str, place: str) -> str:
    if _BAD_ESCAPE.search(text):
        raise malformed(f"The {place} of the request has a % without two hexadecimal digits: {text[:200]!r}")
    try:
        decoded = unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise malformed(f"The {place} of the request is not UTF-8: {text[:200]!r}") from None
    if "\0" in decoded:
        raise malformed(f"The {place} of the request has a NUL character")
    return decoded


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise malformed(f"The request body has the field {twice[:200]!r} more than once")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise malformed(f"The request body has {name}, which is no JSON number")


def _check_values(body: dict[str, Any]) -> None:
    level: list[Any] = [body]
    for _ in range(MAX_DEPTH):
        level = [inner for value in level for inner in _inside(value)]
        if not level:
            return
    raise _too_deep()


def _inside(value: Any) -> Iterator[Any]:
    """Yield what a list or an object holds, its names among that; refuse a scalar that cannot be kept."""
    if isinstance(value, dict):
        yield from _chain(value.keys(), value.values())
    elif isinstance(value, list):
        yield from value
    else:
        _check_scalar(value)


def _chain(*parts: Iterable[Any]) -> Iterator[Any]:
    for part in parts:
        yield from part


def _check_scalar(value: Any) -> None:
    if isinstance(value, str):
        if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
            raise malformed(f"The request body has a NUL character or half a surrogate pair in {value[:60]!a}")
    elif isinstance(value, float):
        if value in (float("inf"), float("-inf")):
            raise malformed("The request body has a number that is too large")
    elif isinstance(value, int) and value not in _INT64:
        raise malformed("The request body has a whole number of more than 64 bits")


def _too_deep() -> ApiError:
    return malformed(f"The request body has more than {MAX_DEPTH} lists and objects in each other")
