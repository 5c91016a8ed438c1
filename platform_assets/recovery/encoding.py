"""Declarations as JSON and back. Nothing is executed: types are looked up by name, fields are those of the type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from typing import Any

from lakehouse.names import TableName, parse_table_name
from lakehouse.wheels import STEPS, Wheel
from platform_assets.reconcile.rendering import list_fields
from platform_assets.resource_types.function import Parameter
from platform_assets.resource_types.model import Resource
from platform_assets.resource_types.query_parameters import QueryParameter
from platform_assets.resource_types.registry import TYPES
from platform_assets.resource_types.s3_lifecycle import LifecycleRule
from platform_assets.resource_types.table_columns import Column
from platform_assets.resource_types.workspace_assignment import AccountPrincipal

_TYPES = {one.type_name: one for one in TYPES}
_Row = type[Column] | type[Parameter] | type[QueryParameter] | type[LifecycleRule] | type[AccountPrincipal]
_ROWS: Mapping[str, _Row] = {
    "column": Column,
    "parameter": Parameter,
    "query_parameter": QueryParameter,
    "lifecycle_rule": LifecycleRule,
    "principal": AccountPrincipal,
}
_WHEELS = {wheel.package: wheel for wheel in (STEPS,)}
_SIGN = "$"


class UnknownDeclaration(Exception):
    """A declaration that this code has no type or field for; the message says which."""


def encode_fields(resource: Resource) -> dict[str, Any]:
    """Return the fields that are not as they are by default, as JSON values."""
    return {name: _encode(value) for name, value in list_fields(resource)}


def decode_resource(type_name: str, name: str, fields: Mapping[str, Any], known: Mapping[str, Resource]) -> Resource:
    """Return the declaration; what it refers to is in `known`, by key.

    Raises:
        UnknownDeclaration: there is no such type, field or reference.
    """
    if type_name not in _TYPES:
        raise UnknownDeclaration(f"there is no type {type_name}")
    try:
        return _TYPES[type_name](name, **{field: _decode(value, known) for field, value in fields.items()})
    except (KeyError, TypeError) as error:
        raise UnknownDeclaration(f"{type_name} {name}: {error}") from error


def _encode(value: Any) -> Any:
    if isinstance(value, Resource):
        return {f"{_SIGN}resource": value.key}
    if isinstance(value, TableName):
        return {f"{_SIGN}table": str(value)}
    if isinstance(value, Wheel):
        return {f"{_SIGN}wheel": value.package}
    for name, row in _ROWS.items():
        if isinstance(value, row):
            parts = [getattr(value, one.name) for one in fields(value)] if is_dataclass(value) else value
            return {f"{_SIGN}{name}": [_encode(part) for part in parts]}
    if isinstance(value, date):
        return {f"{_SIGN}date": value.isoformat()}
    if isinstance(value, Mapping):
        return {str(key): _encode(one) for key, one in value.items()}
    if isinstance(value, list):
        return {f"{_SIGN}list": [_encode(one) for one in value]}
    return [_encode(one) for one in value] if isinstance(value, tuple) else value


def _decode(value: Any, known: Mapping[str, Resource]) -> Any:
    if isinstance(value, list):
        return tuple(_decode(one, known) for one in value)
    if not isinstance(value, Mapping):
        return value
    sign = next(iter(value), "")
    if sign.startswith(_SIGN):
        return _decode_signed(sign.removeprefix(_SIGN), value[sign], known)
    return {key: _decode(one, known) for key, one in value.items()}


def _decode_signed(sign: str, value: Any, known: Mapping[str, Resource]) -> Any:
    if sign in _ROWS:
        return _ROWS[sign](*_decode(value, known))
    readers: dict[str, Callable[[], Any]] = {
        "resource": lambda: known[value],
        "table": lambda: parse_table_name(value),
        "wheel": lambda: _WHEELS[value],
        "date": lambda: date.fromisoformat(value),
        "list": lambda: list(_decode(value, known)),
    }
    return readers[sign]()
