"""The sensor's cursor: receipts of messages whose runs were asked for, until those runs are known to exist."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass


class UnreadableCursor(Exception):
    """The cursor is not one that this sensor wrote."""


@dataclass(frozen=True)
class Pending:
    """Messages (receipts) that all led to the same runs."""

    run_keys: tuple[str, ...]
    receipts: tuple[str, ...]


def parse_cursor(text: str | None) -> list[Pending]:
    """Return what is pending.

    Raises:
        UnreadableCursor: saying how to go on.
    """
    if not text:
        return []
    try:
        return [Pending(tuple(keys), tuple(receipts)) for keys, receipts in json.loads(text)]
    except (ValueError, TypeError) as error:
        raise UnreadableCursor(
            f"The cursor of the arrival sensor cannot be read ({error}): reset it in the UI; "
            "messages that were not deleted come back by themselves"
        ) from error


def format_cursor(pending: Iterable[Pending]) -> str:
    """Return the cursor for what is pending."""
    return json.dumps([[entry.run_keys, entry.receipts] for entry in pending], separators=(",", ":"))
