"""What a policy's definition may say: a limitation per attribute of the Clusters API.

https://docs.databricks.com/aws/en/admin/clusters/policy-definition
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from local_workspace.gateway.decoding import read_json_text
from local_workspace.gateway.errors import ApiError, bad_request

# The type of a limitation, what it needs (one of) and what it may have beside `hidden`.
_OPTIONAL = frozenset({"defaultValue", "isOptional"})
TYPES: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "fixed": (frozenset({"value"}), frozenset()),
    "forbidden": (frozenset(), frozenset()),
    "allowlist": (frozenset({"values"}), _OPTIONAL),
    "blocklist": (frozenset({"values"}), _OPTIONAL),
    "regex": (frozenset({"pattern"}), _OPTIONAL),
    "range": (frozenset({"minValue", "maxValue"}), _OPTIONAL),
    "unlimited": (frozenset(), _OPTIONAL),
}
# Attribute paths, and the first parts of those that go on after a period.
ATTRIBUTES = {
    *("autotermination_minutes", "cluster_name", "cluster_type", "data_security_mode", "dbus_per_hour"),
    *("driver_instance_pool_id", "driver_node_type_id", "enable_elastic_disk", "enable_local_disk_encryption"),
    *("instance_pool_id", "is_single_node", "kind", "node_type_id", "num_workers", "runtime_engine"),
    *("single_user_name", "spark_version", "use_ml_runtime"),
}
GROUPS = {
    *("autoscale", "aws_attributes", "cluster_log_conf", "custom_tags", "docker_image", "init_scripts"),
    *("spark_conf", "spark_env_vars", "ssh_public_keys", "workload_type"),
}


def parse_definition(text: Any) -> dict[str, Any]:
    """Return a definition's limitations by attribute path.

    Raises:
        ApiError: 400 naming attribute and field.
    """
    definition = read_json_text(text, "Invalid policy definition: it")
    for path, limitation in definition.items():
        _check_path(path)
        _check_limitation(path, limitation)
    return definition


def _check_path(path: str) -> None:
    first, _, rest = path.partition(".")
    if (first in ATTRIBUTES and not rest) or (first in GROUPS and rest):
        return
    raise _malformed(f"{path!r} is no attribute of a cluster")


def _check_limitation(path: str, limitation: Any) -> None:
    if not isinstance(limitation, dict) or limitation.get("type") not in TYPES:
        raise _malformed(f"{path}: type must be one of {', '.join(TYPES)}")
    needed, optional = TYPES[limitation["type"]]
    if needed and not needed & limitation.keys():
        raise _malformed(f"{path}: type {limitation['type']} needs {' or '.join(sorted(needed))}")
    unknown = limitation.keys() - needed - optional - {"type", "hidden"}
    if unknown:
        raise _malformed(f"{path}: type {limitation['type']} takes no {sorted(unknown)[0]}")
    _check_values(path, limitation)


def _check_values(path: str, limitation: Mapping[str, Any]) -> None:
    values = limitation.get("values", [""])
    if not isinstance(values, list) or not values:
        raise _malformed(f"{path}: values must be a list that is not empty")
    for name in ("minValue", "maxValue"):
        if not isinstance(limitation.get(name, 0), int | float):
            raise _malformed(f"{path}: {name} must be a number")
    try:
        re.compile(str(limitation.get("pattern", "")))
    except re.error as error:
        raise _malformed(f"{path}: pattern is no regular expression: {error}") from None


def _malformed(message: str) -> ApiError:
    return bad_request(f"Invalid policy definition: {message}")
