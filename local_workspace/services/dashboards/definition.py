"""The serialized definition of a dashboard: JSON whose datasets are queries and whose pages show them. Pure."""

from __future__ import annotations

import json
from typing import Any

from local_workspace.gateway.decoding import read_json_text
from local_workspace.gateway.errors import bad_request

MAX_BYTES = 10 * 1024 * 1024
# The service's own; it puts it on pages that do not say what they are.
CANVAS = "PAGE_TYPE_CANVAS"


def read_definition(text: Any) -> str:
    """Return a definition as the service keeps it: with the type of each page, and a line break at its end.

    Raises:
        ApiError: 400 for what is no definition.
    """
    if not isinstance(text, str):
        raise bad_request("serialized_dashboard must be a text")
    if len(text.encode()) > MAX_BYTES:
        raise bad_request("serialized_dashboard is limited to 10 MB")
    definition = read_json_text(text, "serialized_dashboard")
    for name in ("datasets", "pages"):
        _check_named(definition.get(name, []), name)
    if not definition.get("pages"):
        return text.rstrip("\n") + "\n"
    for page in definition["pages"]:
        page.setdefault("pageType", CANVAS)
    return json.dumps(definition) + "\n"


def _check_named(items: Any, where: str) -> None:
    if not isinstance(items, list) or not all(isinstance(one, dict) for one in items):
        raise bad_request(f"serialized_dashboard: {where} must be a list of objects")
    names = [one.get("name") for one in items]
    for name in names:
        if not isinstance(name, str) or not name:
            raise bad_request(f"serialized_dashboard: each of {where} needs a name")
        if names.count(name) > 1:
            raise bad_request(f"serialized_dashboard: {name!r} is twice in {where}")
