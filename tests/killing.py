"""SIGKILL for this process at a line that it executes; nothing in the source knows."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any


@contextmanager
def killed_at_line(number: int, report: Path, *sources: str) -> Iterator[None]:
    """Kill this process at the `number`-th line it executes of files that begin with one of the sources; 0: only count.

    The report then has the place of the line, or how many lines there were.
    """
    numbers, last = count(1), 0

    def trace(frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal last
        if not frame.f_code.co_filename.startswith(sources):
            return None
        if event == "line":
            last = next(numbers)
            if last == number:
                report.write_text(f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}")
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    threading.settrace(trace)
    sys.settrace(trace)
    yield
    sys.settrace(None)
    threading.settrace(None)  # type: ignore[arg-type]
    if not number:
        report.write_text(str(last))
