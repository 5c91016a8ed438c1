"""Moments as the APIs have them: milliseconds since the epoch, or text in UTC."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def now_ms() -> int:
    """Return the present moment in milliseconds."""
    return int(time.time() * 1000)


def as_text(milliseconds: int) -> str:
    """Return a moment as text, such as 2013-01-01T00:00:00.000Z."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
