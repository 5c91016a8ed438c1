"""The console that commands print to: standard output, or standard error beside JSON."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING

from lakehouse.targets import read_settings

if TYPE_CHECKING:
    from rich.console import Console


def open_console(as_json: bool = False) -> Console:
    """Return the console; with NO_COLOR set it sends no escape sequence at all, bold text included."""
    from rich.console import Console

    # rich takes NO_COLOR as "no colours" and goes on sending bold and dim
    return Console(stderr=as_json, color_system=None if read_settings().no_color else "auto")


@contextmanager
def keep_stdout(for_json: bool) -> Iterator[None]:
    """For the block, send what this process and its children write to standard output to standard error instead.

    So that the answer stands there alone: steps that run in this process print what their remote runs printed.
    """
    if not for_json:
        yield
        return
    sys.stdout.flush()
    kept = os.dup(1)
    try:
        os.dup2(2, 1)
        with redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
