"""PATCH requests of SCIM (RFC 7644, 3.5.2) as changes of fields; which fields there are is the caller's to say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from local_workspace.gateway.errors import bad_request

PATCH_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
_ONE_VALUE = re.compile(r'(members|entitlements)\[value eq "([^"]+)"\]')
_OPERATIONS = ("add", "remove", "replace")


@dataclass(frozen=True)
class Change:
    """One field's change; `value` None with remove means all of it."""

    operation: Literal["add", "remove", "replace"]
    field: str
    value: Any


def parse_patch(body: Mapping[str, Any]) -> list[Change]:
    """Return the changes in their order.

    Raises:
        ApiError: 400 naming what is wrong.
    """
    if PATCH_SCHEMA not in (body.get("schemas") or ()):
        raise bad_request(f"schemas must hold {PATCH_SCHEMA!r}", "INVALID_PARAMETER_VALUE")
    operations = body.get("Operations")
    if not isinstance(operations, list) or not operations:
        raise bad_request('Operations must be a list like [{"op": "add", "path": "members", "value": [...]}]')
    return [change for operation in operations for change in _parse_operation(operation)]


def parse_values(field: str, value: Any) -> list[str]:
    """Return the values of a field like `[{"value": "12"}]`.

    Raises:
        ApiError: 400 for anything else.
    """
    if not isinstance(value, list) or not all(isinstance(one, dict) and one.get("value") for one in value):
        raise bad_request(f'{field} must be a list like [{{"value": "12"}}], got {value!r}')
    return [str(one["value"]) for one in value]


def _parse_operation(operation: Any) -> Iterator[Change]:
    name = str(operation.get("op", "")).lower() if isinstance(operation, dict) else ""
    if name not in _OPERATIONS:
        raise bad_request(f"op must be one of {', '.join(_OPERATIONS)}, got {operation!r}")
    path, value = operation.get("path"), operation.get("value")
    if not path:
        if name == "remove" or not isinstance(value, dict):
            raise bad_request(f"An operation without a path needs a value with fields, got {operation!r}")
        yield from (Change(name, field, inner) for field, inner in value.items())  # type: ignore[arg-type]
    elif found := _ONE_VALUE.fullmatch(path):
        if name != "remove":
            raise bad_request(f"Only remove takes the path {path!r}")
        yield Change("remove", found.group(1), [{"value": found.group(2)}])
    else:
        yield Change(name, str(path), value)  # type: ignore[arg-type]
