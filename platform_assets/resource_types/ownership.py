"""How a resource says that this estate made it: tags and properties where there are any, else its comment.

The mark names the estate, not only the tool: targets may share an AWS account and a metastore.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lakehouse.targets import Target

MANAGER = "lakehouse"


def mark_labels(target: Target) -> dict[str, str]:
    """Return the tags or properties of what this estate made."""
    return {"managed_by": MANAGER, "estate": target.bucket_prefix}


def mark_comment(target: Target, text: str = "") -> str:
    """Return a comment that ends with the mark."""
    mark = ", ".join(f"{key}={value}" for key, value in mark_labels(target).items())
    return f"{text} ({mark})" if text else mark


def unmark_comment(target: Target, comment: str | None) -> str:
    """Return the text of a comment, without this estate's mark at its end."""
    mark, text = mark_comment(target), comment or ""
    return "" if text == mark else text.removesuffix(f" ({mark})")


def own_labels(labels: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the labels that are the mark's; others belong to others and are left alone."""
    return {key: str(value) for key, value in (labels or {}).items() if key in ("managed_by", "estate")}


def own_tags(tags: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return the same from AWS's form."""
    return own_labels({tag["Key"]: tag["Value"] for tag in tags})


def is_own_comment(comment: str | None, target: Target) -> bool:
    """Say whether a comment ends with the mark of this estate."""
    return (comment or "").rstrip(")").endswith(mark_comment(target))
