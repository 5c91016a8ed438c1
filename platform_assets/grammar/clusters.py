"""Definitions of cluster policies: a limitation for each attribute of a cluster.

https://docs.databricks.com/aws/en/admin/clusters/policy-definition
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lakehouse.grammar.texts import choice_problems

_OPTIONAL = frozenset({"defaultValue", "isOptional"})
# The type of a limitation: what it needs (one of), and what it may say beside that.
LIMITATIONS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "fixed": (frozenset({"value"}), frozenset()),
    "forbidden": (frozenset(), frozenset()),
    "allowlist": (frozenset({"values"}), _OPTIONAL),
    "blocklist": (frozenset({"values"}), _OPTIONAL),
    "regex": (frozenset({"pattern"}), _OPTIONAL),
    "range": (frozenset({"minValue", "maxValue"}), _OPTIONAL),
    "unlimited": (frozenset(), _OPTIONAL),
}
ATTRIBUTES = frozenset(
    {
        *("autotermination_minutes", "cluster_name", "cluster_type", "data_security_mode", "dbus_per_hour"),
        *("driver_instance_pool_id", "driver_node_type_id", "enable_elastic_disk", "enable_local_disk_encryption"),
        *("instance_pool_id", "is_single_node", "kind", "node_type_id", "num_workers", "runtime_engine"),
        *("single_user_name", "spark_version", "use_ml_runtime"),
    }
)
# The first parts of attributes that go on after a period.
GROUPS = frozenset(
    {
        *("autoscale", "aws_attributes", "cluster_log_conf", "custom_tags", "docker_image", "init_scripts"),
        *("spark_conf", "spark_env_vars", "ssh_public_keys", "workload_type"),
    }
)


def definition_problems(definition: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield what in a definition is no limitation of an attribute."""
    for path, limitation in definition.items():
        first, _, rest = path.partition(".")
        if not ((first in ATTRIBUTES and not rest) or (first in GROUPS and rest)):
            names = (*sorted(ATTRIBUTES), *(f"{group}.…" for group in sorted(GROUPS)))
            yield f"{path[:80]!r} is no attribute of a cluster; there are {', '.join(names)}"
        yield from (f"the limitation of {path[:80]}: {problem}" for problem in _limitation_problems(limitation))


def _limitation_problems(limitation: Mapping[str, Any]) -> Iterator[str]:
    type_ = str(limitation.get("type"))
    if type_ not in LIMITATIONS:
        yield from choice_problems("type", type_, LIMITATIONS.keys())
        return
    needed, optional = LIMITATIONS[type_]
    if needed and not needed & limitation.keys():
        yield f"the type {type_} needs {' or '.join(sorted(needed))}"
    if unknown := sorted(limitation.keys() - needed - optional - {"type", "hidden"}):
        yield f"the type {type_} takes no {unknown[0]}"
    yield from _value_problems(limitation)


def _value_problems(limitation: Mapping[str, Any]) -> Iterator[str]:
    values = limitation.get("values", [""])
    if not isinstance(values, list) or not values:
        yield "values is a list that is not empty"
    for name in ("minValue", "maxValue"):
        if not isinstance(limitation.get(name, 0), int | float):
            yield f"{name} is a number"
    try:
        re.compile(str(limitation.get("pattern", "")))
    except re.error as error:
        yield f"pattern is no regular expression: {error}"
