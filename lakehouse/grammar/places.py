"""Where a declaration stands, the file and line that made a resource; and the files that declarations name."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Sequence
from pathlib import Path

_ROOT = Path(__file__).parent.parent.parent


def find_declaration(inner: Sequence[Path]) -> str:
    """Return file and line of the innermost caller that is below none of the inner paths, relative to the project."""
    skipped = (dataclasses.__file__, "<", *map(str, inner))
    frame = inspect.currentframe()
    frame = frame.f_back if frame else None
    while frame is not None:
        if not frame.f_code.co_filename.startswith(skipped):
            return f"{_shorten(frame.f_code.co_filename)}:{frame.f_lineno}"
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
