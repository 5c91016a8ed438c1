"""What a pipeline's definition may say: serverless, triggered, into Unity Catalog. All else is refused by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local_workspace.gateway.errors import ApiError, bad_request, not_implemented
from local_workspace.gateway.store import Document

SERVED = ("name", "catalog", "schema", "libraries", "configuration", "development", "tags")
FIXED = {"serverless": True, "continuous": False}  # there are no clusters here, and nothing that runs on and on
CONTROL = ("pipeline_id", "id", "allow_duplicate_names", "expected_last_modified")  # say what to do, not what it is
LIBRARIES = {"notebook": "path", "file": "path", "glob": "include"}
MOST_TAGS = 25


def read_settings(given: Mapping[str, Any]) -> Document:
    """Return the definition.

    Raises:
        ApiError: 400 naming the field, 501 for what is not served.
    """
    for name, value in given.items():
        if value is not None and name not in (*SERVED, *FIXED, *CONTROL):
            raise not_implemented(f"{name} of pipelines is not served by the local workspace")
    for name, wanted in FIXED.items():
        if bool(given.get(name)) is not wanted:
            raise not_implemented(f"{name} of pipelines must be {str(wanted).lower()} here; see docs/limits.md")
    for name in ("name", "catalog", "schema"):
        _check_text(name, given.get(name))
    if "." in given["catalog"] or "." in given["schema"]:
        raise _invalid("catalog and schema are single names, without a period")
    if not isinstance(given.get("development", False), bool):
        raise _invalid("development must be true or false")
    kept = {name: given[name] for name in SERVED if given.get(name) is not None}
    return {
        **kept,
        **FIXED,
        "development": bool(given.get("development")),
        "libraries": _read_libraries(given.get("libraries") or []),
        "configuration": _read_texts("configuration", given.get("configuration") or {}),
        "tags": _read_texts("tags", given.get("tags") or {}, MOST_TAGS),
    }


def _read_libraries(given: Any) -> list[Document]:
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise _invalid("libraries must be a list of objects")
    return [_read_library(one) for one in given]


def _read_library(given: Document) -> Document:
    kinds = [name for name, value in given.items() if value is not None]
    if kinds and kinds[0] not in LIBRARIES:
        raise not_implemented(f"{kinds[0]} of libraries is not served by the local workspace")
    if len(kinds) != 1 or not isinstance(given[kinds[0]], dict):
        raise _invalid(f"each of libraries names exactly one of {', '.join(LIBRARIES)}")
    field = LIBRARIES[kinds[0]]
    path = given[kinds[0]].get(field)
    if not isinstance(path, str) or not path.startswith("/"):
        raise _invalid(f"{field} of a {kinds[0]} must be an absolute path, got {path!r}")
    return {kinds[0]: {field: path}}


def _read_texts(name: str, given: Any, most: int | None = None) -> dict[str, str]:
    texts = isinstance(given, dict) and all(isinstance(one, str) for pair in given.items() for one in pair)
    if not texts or "" in given:
        raise _invalid(f"{name} must be an object of texts")
    if most is not None and len(given) > most:
        raise _invalid(f"there are at most {most} {name}")
    return dict(given)


def _check_text(name: str, value: Any) -> None:
    if not isinstance(value, str) or not value:
        raise _invalid(f"{name} must be a text that is not empty, got {value!r}")


def _invalid(reason: str) -> ApiError:
    return bad_request(f"Invalid pipeline settings: {reason}")
