"""What an endpoint's configuration may say: versions of registered models on CPUs, and their shares of the traffic."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from local_workspace.gateway.errors import ApiError, bad_request, not_implemented
from local_workspace.gateway.store import Document

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
SIZES = ("Small", "Medium", "Large")
_ENTITY = ("name", "entity_name", "entity_version", "workload_size", "workload_type", "scale_to_zero_enabled")
_CONFIG = ("name", "served_entities", "traffic_config")  # the name is the endpoint's


def read_config(given: Any) -> Document:
    """Return a configuration with its defaults.

    Raises:
        ApiError: 400 naming the field, 501 for what is not served.
    """
    if not isinstance(given, dict):
        raise _invalid("an object is expected")
    refuse_others(given, _CONFIG)
    entities = given.get("served_entities")
    if not isinstance(entities, list) or not entities or not all(isinstance(one, dict) for one in entities):
        raise _invalid("served_entities must be a list that is not empty")
    served = [_read_entity(one) for one in entities]
    names = [one["name"] for one in served]
    if len(set(names)) < len(names):
        raise _invalid("names of served entities must differ")
    return {"served_entities": served, "traffic_config": {"routes": _read_routes(given.get("traffic_config"), names)}}


def read_tags(given: Any) -> dict[str, str]:
    """Return tags by key.

    Raises:
        ApiError: 400 for what is no list of tags.
    """
    tags = given or []
    if not isinstance(tags, list) or not all(isinstance(one, dict) and one.get("key") for one in tags):
        raise bad_request("tags must be a list of objects with key and value")
    return {str(one["key"]): str(one.get("value") or "") for one in tags}


def _read_entity(given: Document) -> Document:
    refuse_others(given, _ENTITY)
    model, version = given.get("entity_name"), given.get("entity_version")
    if not isinstance(model, str) or model.count(".") != 2:
        raise _invalid(f"entity_name must be catalog.schema.model, got {model!r}")
    if not isinstance(version, str) or not re.fullmatch(r"[1-9]\d*", version):
        raise _invalid(f"entity_version must be the number of a version as a text, got {version!r}")
    if given.get("workload_size") not in SIZES:
        raise _invalid(f"workload_size must be one of {', '.join(SIZES)}, got {given.get('workload_size')!r}")
    if given.get("workload_type", "CPU") != "CPU":
        raise not_implemented(f"workload_type {given['workload_type']} is not served by the local workspace")
    if not isinstance(given.get("scale_to_zero_enabled", False), bool):
        raise _invalid("scale_to_zero_enabled must be true or false")
    return {
        "name": _check_name(given.get("name") or f"{model.rpartition('.')[2]}-{version}"),
        "entity_name": model,
        "entity_version": version,
        "workload_size": given["workload_size"],
        "workload_type": "CPU",
        "scale_to_zero_enabled": given.get("scale_to_zero_enabled", False),
    }


def _read_routes(given: Any, names: list[str]) -> list[Document]:
    if given is None and len(names) == 1:
        return [{"served_model_name": names[0], "served_entity_name": names[0], "traffic_percentage": 100}]
    routes = given.get("routes") if isinstance(given, dict) else None
    if not isinstance(routes, list) or not all(isinstance(one, dict) for one in routes):
        raise _invalid("traffic_config.routes must be a list of objects")
    return _check_shares([_read_route(one, names) for one in routes])


def _read_route(given: Document, names: list[str]) -> Document:
    name, share = given.get("served_entity_name") or given.get("served_model_name"), given.get("traffic_percentage")
    if name not in names:
        raise _invalid(f"a route goes to {name!r}, which is none of {', '.join(names)}")
    if not isinstance(share, int) or isinstance(share, bool) or not 0 <= share <= 100:
        raise _invalid(f"traffic_percentage must be a whole number from 0 to 100, got {share!r}")
    return {"served_model_name": name, "served_entity_name": name, "traffic_percentage": share}


def _check_shares(routes: list[Document]) -> list[Document]:
    if sum(one["traffic_percentage"] for one in routes) != 100:
        raise _invalid("the traffic percentages must add up to 100")
    return routes


def _check_name(name: Any) -> str:
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise _invalid(f"name {name!r} must have 1 to 63 letters, digits, dashes and underscores")
    return name


def refuse_others(given: Mapping[str, Any], served: tuple[str, ...]) -> None:
    """Refuse fields that are not served.

    Raises:
        ApiError: 501 naming the field.
    """
    for name, value in given.items():
        if value is not None and name not in served:
            raise not_implemented(f"{name} of serving endpoints is not served by the local workspace")


def _invalid(reason: str) -> ApiError:
    return bad_request(f"Invalid endpoint configuration: {reason}")
