"""Where a declaration stands, the file and line that made a resource; and the files that declarations name."""

from __future__ import annotations

import dataclasses
import inspect
from pathlib import Path

_ROOT = Path(__file__).parent.parent.parent
_INNER = (f"{_ROOT / 'platform_assets' / 'resource_types'}/", f"{_ROOT / 'platform_assets' / 'grammar'}/")


def find_declaration() -> str:
    """Return file and line of the innermost caller that is no part of the resource types, relative to the project."""
    frame = inspect.currentframe()
    while frame is not None:
        name = frame.f_code.co_filename
        if name != dataclasses.__file__ and not name.startswith(("<", *_INNER)):
            return f"{_shorten(name)}:{frame.f_lineno}"
        frame = frame.f_back
    return "an unknown place"


def is_source(path: Path) -> bool:
    """Say whether a file is there; of a name that no file can have, that there is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _shorten(name: str) -> str:
    return name.removeprefix(f"{_ROOT}/")
