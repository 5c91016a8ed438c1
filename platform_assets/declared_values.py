"""What a resource declares, as people read it: Markdown for its page in Dagster, JSON for its metadata.

Values of secrets are in no declaration. What is called like one is hidden all the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import PurePath
from typing import Any

from lakehouse.targets import Target
from platform_assets.resource_types.grants import Grants, name_principal
from platform_assets.resource_types.model import Resource

HIDDEN = "(hidden)"
_SECRET = re.compile(r"passw(or)?d|secret|token|private_?key|access_?key|api_?key", re.IGNORECASE)
_REFERENCE = re.compile(r"\{\{secrets/[^{}]+\}\}|secretsmanager:\S+|arn:aws[\w-]*:\S+")
_IN_URL = re.compile(r"(?<=://)[^/@\s]+@")
_ACRONYMS = {"iam": "IAM", "s3": "S3", "sqs": "SQS", "kms": "KMS", "sql": "SQL", "jar": "JAR"}
_MOST_ROWS = 20  # of one field; one with more is shown as JSON


def describe_resource(resource: Resource, target: Target) -> str:
    """Return the Markdown of a resource's page: what it is, then what it declares on the target."""
    return "\n\n".join([name_resource(resource), *_describe_values(resource, target)])


def collect_fields(resource: Resource) -> dict[str, Any]:
    """Return the fields of the declaration that say something, as JSON."""
    given = {one.name: getattr(resource, one.name) for one in fields(resource) if one.name != "name"}
    defaults = {one.name: one.default for one in fields(resource) if one.default is not MISSING}
    told = {name: value for name, value in given.items() if value not in (defaults.get(name, ()), (), {}, None)}
    return {name: _as_shown(resource, name, _as_json(value)) for name, value in told.items()}


def collect_values(resource: Resource, target: Target) -> dict[str, Any]:
    """Return the state that is declared on the target, as JSON."""
    return {name: _as_shown(resource, name, value) for name, value in resource.desired(target).items()}


def name_type(type_name: str) -> str:
    """Return a resource type as people write it: IAM role."""
    words = " ".join(_ACRONYMS.get(word, word) for word in type_name.split("_"))
    return words[0].upper() + words[1:]


def name_resource(resource: Resource) -> str:
    """Say which resource it is: its type and its qualified name."""
    if isinstance(resource, Grants):
        kind, _, name = resource.name.partition(".")
        return f"Grants on {kind.replace('_', ' ')} {name}"
    return f"{name_type(resource.type_name)} {resource.name}"


def _describe_values(resource: Resource, target: Target) -> Iterator[str]:
    yield f"On target {target.name}: {_code(resource.physical_name(target))}"
    if isinstance(resource, Grants):
        rows = [(_name(target, name_principal(target, role)), ", ".join(held)) for role, held in resource.to.items()]
        yield _table(("principal", "privileges"), rows)
        yield f"Grants to principals that are not declared: {resource.foreign}."
        return
    rows = []
    for name, value in collect_values(resource, target).items():
        leaves = [] if _is_policy(value) or _is_text(value) else list(_flatten(name, value, target))
        if not leaves or len(leaves) > _MOST_ROWS:
            yield f"**{name}**\n\n{_block(value, target)}"
        else:
            rows += [(path, _name(target, leaf)) for path, leaf in leaves]
    if rows:
        yield _table(("field", "declared"), rows)
    if resource.holds_data:
        yield "It holds data: a prune deletes it only when it is named."


def _block(value: Any, target: Target) -> str:
    if _is_policy(value):
        return "\n".join(_tell_statement(one) for one in value["Statement"])
    if isinstance(value, str):
        return _fence(value)
    return _fence(json.dumps(value, indent=2, ensure_ascii=False), "json")


def _tell_statement(statement: Mapping[str, Any]) -> str:
    """Return a statement of an IAM policy as a line: who may do what, on what, if what."""
    who, actions = _list_principals(statement.get("Principal")), _codes(statement.get("Action"))
    on = f" on {_codes(statement['Resource'])}" if "Resource" in statement else ""
    conditions = [
        f"{operator} {key} = {_codes(wanted)}"
        for operator, keys in (statement.get("Condition") or {}).items()
        for key, wanted in keys.items()
    ]
    condition = f" if {' and '.join(conditions)}" if conditions else ""
    name = f"{statement['Sid']}: " if statement.get("Sid") else ""
    return f"- {name}**{statement['Effect']}** {actions}{on}{who}{condition}"


def _list_principals(principal: Any) -> str:
    if principal is None:
        return ""
    named = principal if isinstance(principal, Mapping) else {"everybody": principal}
    return " to " + ", ".join(f"{kind} {_codes(names)}" for kind, names in named.items())


def _flatten(path: str, value: Any, target: Target) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for name, one in value.items():
            yield from _flatten(f"{path}.{_name(target, name)}", one, target)
    elif isinstance(value, list | tuple) and any(isinstance(one, Mapping) for one in value):
        for number, one in enumerate(value):
            yield from _flatten(f"{path}.{number}", one, target)
    else:
        yield path, value


def _is_policy(value: Any) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get("Statement"), list)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and "\n" in value.strip()


def _as_shown(resource: Resource, name: str, value: Any) -> Any:
    """Return a field's value without what is called like a secret. Where a secret comes from is none."""
    return value if name in resource.kept_elsewhere else _hide(value, is_secret=False)


def _hide(value: Any, is_secret: bool) -> Any:
    if isinstance(value, Mapping):
        return {key: _hide(one, is_secret or bool(_SECRET.search(str(key)))) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_hide(one, is_secret) for one in value]
    if not isinstance(value, str) or _REFERENCE.fullmatch(value):
        return value
    return HIDDEN if is_secret else _IN_URL.sub(f"{HIDDEN}@", value)


def _as_json(value: Any) -> Any:
    if isinstance(value, Resource):
        return value.key
    if isinstance(value, Mapping):
        return {str(key): _as_json(one) for key, one in value.items()}
    if isinstance(value, PurePath):
        return value.name
    if is_dataclass(value):
        return {one.name: _as_json(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {key: _as_json(one) for key, one in value._asdict().items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_as_json(one) for one in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _name(target: Target, value: Any) -> str:
    """Return a value as text, a principal with the role that it has."""
    roles = {name: role for role, name in target.principals.items() if name != role}
    if isinstance(value, str) and value in roles:
        return f"{roles[value]} ({value})"
    if value in (None, "", [], (), {}):
        return "none"
    if isinstance(value, list | tuple):
        return ", ".join(_name(target, one) for one in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    cells = list(headings)
    lines = [cells, ["---"] * len(cells), *([_code(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _codes(values: Any) -> str:
    return ", ".join(_code(one) for one in ([values] if isinstance(values, str) else values or []))


def _code(text: str) -> str:
    """Return text as a code span, in which nothing is markup; a bar would still end a table's cell."""
    plain = " ".join(str(text).split()).replace("|", "\\|")
    ticks = "`" * (1 + max((len(one) for one in re.findall(r"`+", plain)), default=0))
    pad = " " if plain.startswith("`") or plain.endswith("`") else ""
    return f"{ticks}{pad}{plain}{pad}{ticks}" if plain else ""


def _fence(text: str, language: str = "") -> str:
    ticks = "`" * max(3, 1 + max((len(one) for one in re.findall(r"`+", text)), default=0))
    return f"{ticks}{language}\n{text}\n{ticks}"
