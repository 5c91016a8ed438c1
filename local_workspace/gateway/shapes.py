"""Checks the types of a request's fields before its handler sees them; which there are, request_shapes.json says.

As in the service, null is the same as absent, numbers and truth values may be written as texts, and fields that are
not known pass: what to make of them is the handler's business.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from local_workspace.gateway.errors import bad_request

Fields = Mapping[str, str]
_WHOLE = re.compile(r"-?\d{1,19}")
_NUMBER = re.compile(r"-?\d{1,40}(\.\d{1,40})?([eE][+-]?\d{1,3})?")
_INT64 = range(-(2**63), 2**63)


def fit_body(route: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of a route, as METHOD TEMPLATE, with its fields in their types.

    Raises:
        ApiError: 400 naming the field that has another type.
    """
    return _fit_object("", _shape_of(route, "body"), body)


def check_query(route: str, query: Mapping[str, str]) -> None:
    """Refuse a query whose numbers and truth values are none.

    Raises:
        ApiError: 400 naming the field.
    """
    shape = _shape_of(route, "query")
    for name, value in query.items():
        if value and shape.get(name) in ("whole", "number", "flag"):
            _fit(name, shape[name], value)


@cache
def load_shapes() -> dict[str, Any]:
    """Return the fields of all objects by name, and of all routes, as METHOD TEMPLATE, by body and query."""
    shapes: dict[str, Any] = json.loads(Path(__file__).with_name("request_shapes.json").read_text())
    return shapes


def _shape_of(route: str, place: str) -> Fields:
    fields: Fields = load_shapes()["routes"].get(route, {}).get(place, {})
    return fields


def _fit_object(path: str, shape: Fields, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _misfit(path, "an object", value)
    prefix = f"{path}." if path else ""
    return {
        name: _fit(f"{prefix}{name}", shape[name], inner) if name in shape else inner
        for name, inner in value.items()
        if inner is not None or name not in shape
    }


def _fit(path: str, kind: str, value: Any) -> Any:
    if kind.startswith("["):
        if not isinstance(value, list):
            raise _misfit(path, "a list", value)
        return [_fit(f"{path}[{number}]", kind[1:-1], one) for number, one in enumerate(value)]
    if kind.startswith("{"):
        return {name: _fit(f"{path}.{name}", kind[1:-1], one) for name, one in _fit_object(path, {}, value).items()}
    if kind in _SCALARS:
        return _SCALARS[kind](path, value)
    return value if kind == "any" else _fit_object(path, load_shapes()["objects"][kind], value)


def _text(path: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _misfit(path, "a text", value)
    return value


def _whole(path: str, value: Any) -> int:
    found = int(value) if isinstance(value, str) and _WHOLE.fullmatch(value) else value
    if isinstance(found, bool) or not isinstance(found, int) or found not in _INT64:
        raise _misfit(path, "a whole number", value)
    return found


def _number(path: str, value: Any) -> float:
    found = float(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else value
    if isinstance(found, bool) or not isinstance(found, int | float) or abs(found) == float("inf"):
        raise _misfit(path, "a number", value)
    return found


def _flag(path: str, value: Any) -> bool:
    found = {"true": True, "false": False}.get(value.lower(), value) if isinstance(value, str) else value
    if not isinstance(found, bool):
        raise _misfit(path, "true or false", value)
    return found


_SCALARS: dict[str, Callable[[str, Any], Any]] = {"text": _text, "whole": _whole, "number": _number, "flag": _flag}


def _misfit(path: str, expected: str, value: Any) -> Exception:
    shown = repr(value)
    return bad_request(f"{path} must be {expected}, got {shown if len(shown) <= 80 else shown[:80] + '…'}")
