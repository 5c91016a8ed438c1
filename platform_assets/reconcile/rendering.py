"""Declarations as Python: defaults left out, references between them as variables, formatted by ruff."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, fields
from datetime import date
from typing import Any

from lakehouse.names import TableName
from platform_assets.resource_types.grants import Grants
from platform_assets.resource_types.model import Resource
from platform_assets.resource_types.query_parameters import QueryParameter

HEADER = '"""The estate as `lakehouse import` found it'
_LINE_LENGTH = 120


class FormatterMissing(Exception):
    """There is no ruff; the message says where it comes from."""


def render_declarations(resources: Sequence[Resource], target_name: str) -> str:
    """Return a module with `RESOURCES`; `resources` have what they need before them.

    Raises:
        FormatterMissing: ruff is not installed.
    """
    rendering = _Rendering()
    values = [(one, rendering.render(one)) for one in resources]
    variables = [f"{name_variable(one)} = {text}" for one, text in values if one.key in rendering.used]
    listed = [name_variable(one) if one.key in rendering.used else text for one, text in values]
    lines = [
        f'{HEADER} on target {target_name}."""',
        *rendering.list_imports(),
        *variables,
        f"RESOURCES: tuple[Resource, ...] = ({''.join(f'{one}, ' for one in listed)})",  # a line for each
    ]
    return _format("\n".join(lines))


def list_fields(resource: Resource | QueryParameter) -> Iterator[tuple[str, Any]]:
    """Yield the fields that are not as they are by default, but for the name."""
    for field in fields(resource):
        value = getattr(resource, field.name)
        if field.name != "name" and value != _default(field):
            yield field.name, value


def name_variable(resource: Resource) -> str:
    """Return what a resource is called in the module, such as FLIGHTS_BRONZE_SCHEMA."""
    return re.sub(r"\W", "_", f"{resource.name}_{resource.type_name}").upper()


class _Rendering:
    """Renders one resource after another; knows which of those before were referred to."""

    def __init__(self) -> None:
        self._before: dict[str, Resource] = {}
        self._imported: set[tuple[str, str]] = {(Resource.__module__, Resource.__name__)}
        self.used: set[str] = set()

    def render(self, resource: Resource) -> str:
        given = [self._name(resource)]
        for name, value in list_fields(resource):
            given.append(f"{name}={self._refer(resource, name, value)}")
        self._before[resource.key] = resource
        return f"{self._import(resource)}({', '.join(given)})"

    def list_imports(self) -> list[str]:
        modules: dict[str, list[str]] = {}
        for module, name in sorted(self._imported):
            modules.setdefault(module, []).append(name)
        return [f"from {module} import {', '.join(names)}" for module, names in modules.items()]

    def _import(self, value: Any) -> str:
        self._imported.add((type(value).__module__, type(value).__name__))
        return type(value).__name__

    def _name(self, resource: Resource) -> str:
        """A name that begins with its parent's has the parent's variable for it: the catalog in flights.bronze."""
        start = f"{resource.name.partition('.')[0]}." if isinstance(resource, Grants) else ""
        for parent in (self._before[key] for key in resource.dependencies if key in self._before):
            own = f"{start}{parent.name}"
            if resource.name == own and start:
                return f'f"{start}{{{self._use(parent)}.name}}"'
            if resource.name.startswith(f"{own}.") and parent.type_name in ("catalog", "schema"):
                return f'f"{{{self._use(parent)}.name}}{resource.name.removeprefix(own)}"'
        return repr(resource.name)

    def _refer(self, resource: Resource, name: str, value: Any) -> str:
        kind = (resource.references or {}).get(name)
        if kind is None:
            return self._value(value)
        if isinstance(value, tuple):
            return _tuple([self._refer(resource, name, one) for one in value])
        named = self._before.get(f"{kind}/{value}")
        return f"{self._use(named)}.name" if named else repr(value)

    def _use(self, resource: Resource) -> str:
        self.used.add(resource.key)
        return name_variable(resource)

    def _value(self, value: Any) -> str:
        if isinstance(value, Resource):
            return self._use(value)
        if isinstance(value, TableName):
            self._imported.add((TableName.__module__, "parse_table_name"))
            return f"parse_table_name({str(value)!r})"
        if isinstance(value, date):
            return f"{self._import(value)}({value.year}, {value.month}, {value.day})"
        if isinstance(value, QueryParameter):
            given = [f"{name}={self._value(one)}" for name, one in list_fields(value)]
            return f"{self._import(value)}({', '.join([repr(value.name), *given])})"
        if isinstance(value, Mapping):
            return f"{{{', '.join(f'{key!r}: {self._value(one)}' for key, one in value.items())}}}"
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return self._named_tuple(value)
        if isinstance(value, tuple):
            return _tuple([self._value(one) for one in value])
        return repr(value)

    def _named_tuple(self, value: Any) -> str:
        defaults = value._field_defaults
        given = [
            repr(one) if name not in defaults else f"{name}={one!r}"
            for name, one in zip(value._fields, value, strict=True)
            if name not in defaults or one != defaults[name]
        ]
        return f"{self._import(value)}({', '.join(given)})"


def _tuple(items: list[str]) -> str:
    return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"


def _default(field: Field[Any]) -> Any:
    return field.default_factory() if field.default_factory is not MISSING else field.default


def _format(text: str) -> str:
    command = [sys.executable, "-m", "ruff", "format", "--isolated", f"--line-length={_LINE_LENGTH}", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise FormatterMissing(
            f"ruff, which `make setup` brings, does not format what was found: {done.stderr.strip()}"
        )
    return done.stdout
