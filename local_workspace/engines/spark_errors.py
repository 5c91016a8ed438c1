"""What a Spark error is really about: the server wraps a refused path in errors that name neither who nor what.

Clients see the outermost message only; this adds the one that says it.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

DENIAL = "[INSUFFICIENT_PERMISSIONS]"
EMPTY_WRAPPER = "Exception thrown in awaitResult"


def show_reasons() -> None:
    """Let errors of this process's Spark Connect sessions say their reason."""
    core: Any = import_module("pyspark.sql.connect.client.core")
    original = core.convert_exception
    if getattr(original, "shows_reasons", False):
        return

    def convert(info: Any, message: str, details: Any, *arguments: Any, **options: Any) -> Any:
        if details is not None and details.HasField("root_error_idx"):
            add_reason(details.errors, details.root_error_idx)
        return original(info, message, details, *arguments, **options)

    convert.shows_reasons = True  # type: ignore[attr-defined]
    core.convert_exception = convert


def add_reason(errors: Any, root: int) -> None:
    """Append the telling cause to the message of the outermost error."""
    messages = list(_messages(errors, root))
    denial = next((message for message in messages if DENIAL in message), "")
    reason = denial[denial.find(DENIAL) :] if denial else ""
    if not reason and messages[0].startswith(EMPTY_WRAPPER):
        reason = messages[-1]
    if reason and reason not in messages[0]:
        errors[root].message = f"{messages[0].rstrip()} {reason}"


def _messages(errors: Any, index: int) -> Iterator[str]:
    while True:
        yield errors[index].message
        if not errors[index].HasField("cause_idx"):
            return
        index = errors[index].cause_idx
