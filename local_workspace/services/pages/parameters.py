"""What a task is given, readable: a packed Dagster Pipes message is shown as the JSON that it holds."""

from __future__ import annotations

import binascii
import json
import zlib
from base64 import b64decode
from collections.abc import Iterator, Mapping
from typing import Any

from local_workspace.services.pages.markup import Html, element, preformatted, table

_LONGEST = 200_000  # characters of JSON; a small text can unpack to very much


def list_parameters(task: Mapping[str, Any]) -> Html:
    """Return a table of a task's settings, the parameters of a script with a row each."""
    return table(("Name", "Value"), list(_read_rows(task)), "none")


def _read_rows(task: Mapping[str, Any]) -> Iterator[tuple[object, object]]:
    for name, value in task.items():
        if isinstance(value, Mapping):
            yield from ((f"{name}.{key}", _show(one)) for key, one in value.items())
        elif isinstance(value, list):
            yield from ((f"{name}[{place}]", _show(one)) for place, one in enumerate(value))
        else:
            yield name, _show(value)


def _show(value: Any) -> object:
    if not isinstance(value, str):
        return preformatted(json.dumps(value, indent=2, ensure_ascii=False))
    unpacked = unpack(value)
    if unpacked is None:
        return value
    return element("details", element("summary", "Packed by Dagster Pipes; show what it holds"), preformatted(unpacked))


def unpack(text: str) -> str | None:
    """Return the JSON that a text holds as base64 of zlib, as Dagster Pipes passes it; None of any other text."""
    try:
        stream = zlib.decompressobj()
        content = stream.decompress(b64decode(text, validate=True), _LONGEST)
        return json.dumps(json.loads(content), indent=2, ensure_ascii=False) if stream.eof else None
    except (binascii.Error, zlib.error, ValueError):
        return None
