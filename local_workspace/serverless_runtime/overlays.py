"""An environment's installed dependencies on sys.path, in front of the base libraries.

Installing them is the gateway's work (engines/environments.py).
"""

from __future__ import annotations

import importlib
import os
import sys


def activate(overlay: str) -> None:
    """Put the overlay in front."""
    if overlay not in sys.path:
        sys.path.insert(0, overlay)
    importlib.invalidate_caches()


def replaces_loaded_modules(overlay: str) -> bool:
    """Say whether the overlay holds another copy of something already imported in this process."""
    return _overlaps(overlay, "")


def _overlaps(directory: str, prefix: str) -> bool:
    for entry in os.listdir(directory):
        name = entry.partition(".")[0] if entry.endswith((".py", ".so")) else entry
        module = sys.modules.get(prefix + name)
        if module is None or "." in name:
            continue
        if getattr(module, "__file__", None):
            return True
        if _overlaps(os.path.join(directory, entry), f"{prefix}{name}."):  # a namespace package is shared
            return True
    return False
