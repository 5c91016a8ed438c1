"""What a notebook shows of secrets that it read: `[REDACTED]` in place of each literal value, as the service does.

A worker process serves one task, so what was read is remembered for the process. Changed values are not recognised.
https://docs.databricks.com/aws/en/security/secrets/redaction
"""

from __future__ import annotations

REDACTED = "[REDACTED]"

_values: set[str] = set()


def remember_secret(value: str) -> None:
    """Redact this value from now on."""
    if value:
        _values.add(value)


def redact(text: str) -> str:
    """Return the text without the secrets that were read; of overlapping ones the longest goes first."""
    for value in sorted(_values, key=len, reverse=True):
        text = text.replace(value, REDACTED)
    return text
