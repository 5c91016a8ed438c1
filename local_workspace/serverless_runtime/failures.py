"""Words a failure of user code as the service does: `Type: message`, and a trace of the user's own frames."""

from __future__ import annotations

import traceback
from pathlib import Path
from types import TracebackType

from local_workspace.serverless_runtime.assignment import TaskReport

RUNTIME_DIR = str(Path(__file__).parent)
_HIDDEN = (RUNTIME_DIR, "<frozen runpy>", "<frozen importlib")


class RunCancelled(BaseException):
    """SIGTERM arrived: unwinds user code so that its `finally` blocks run."""


def report_failure(error: BaseException) -> TaskReport:
    """Return the report of user code that raised."""
    return TaskReport(ok=False, error=word_error(error), error_trace=format_trace(error), failure="workload")


def word_error(error: BaseException) -> str:
    """Return `Type: message`, without the JVM's stack of a Spark error."""
    message = str(error).partition("\n\nJVM stacktrace:")[0].rstrip()
    name = type(error).__name__
    return f"{name}: {message}" if message else name


def format_trace(error: BaseException) -> str:
    """Return the traceback from the first user frame on; causes are kept."""
    shown = traceback.TracebackException(type(error), error, user_frames(error.__traceback__), compact=True)
    text = "".join(shown.format())
    return text.partition("\n\nJVM stacktrace:")[0].rstrip() + "\n"


def user_frames(trace: TracebackType | None) -> TracebackType | None:
    """Skip this runtime's own frames at the start of a traceback."""
    first = trace
    while first is not None and first.tb_frame.f_code.co_filename.startswith(_HIDDEN):
        first = first.tb_next
    return first or trace
