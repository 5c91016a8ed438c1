"""The console that commands print to: standard output, or standard error beside JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lakehouse.targets import read_settings

if TYPE_CHECKING:
    from rich.console import Console


def open_console(as_json: bool = False) -> Console:
    """Return the console; with NO_COLOR set it sends no escape sequence at all, bold text included."""
    from rich.console import Console

    # rich takes NO_COLOR as "no colours" and goes on sending bold and dim
    return Console(stderr=as_json, color_system=None if read_settings().no_color else "auto")
