"""Tells the gateway whether what it has learnt from AWS still holds: a file that grows with every change of a rule.

A rule is an identity with its policies, a key, or a setting of a bucket. The moto process notes a change before it
answers; the gateway looks at the file's size, in microseconds, where it would have to ask for all policies anew.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

VENDED_ROLES = "uc-vended-"  # how the roles begin that only carry keys given out: nothing is decided by them
_VENDED = re.compile(rf"(?:^|&)RoleName={VENDED_ROLES}".encode())
_NO_RULES = ("sts", "sqs", "secretsmanager")


class RuleChanges:
    """The changes of rules in the AWS whose state is under `directory`."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "rules"

    def note(self) -> None:
        """Count one more."""
        with self._path.open("ab") as file:
            file.write(b".")

    def count(self) -> int | None:
        """Return how many there were, None where nobody counts."""
        try:
            return self._path.stat().st_size
        except FileNotFoundError:
            return None


def changes_rules(service: str, keys: list[str], environ: Mapping[str, Any]) -> bool:
    """Say whether a write to a service, in S3 to these keys or to the bucket itself, may change what is allowed."""
    if service == "s3":
        return not keys
    return service not in _NO_RULES and not _VENDED.search(environ["local_workspace.body"])
