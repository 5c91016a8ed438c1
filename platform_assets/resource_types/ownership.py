"""Whose a thing is: ours is what carries our exact name and this estate's mark. The one place that decides it.

The mark is in tags or properties where there are any, in the comment or the external id elsewhere; it names the estate,
not only the tool: targets may share an AWS account and a metastore. Types without a mark are listed with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from lakehouse.targets import Target

if TYPE_CHECKING:
    from platform_assets.resource_types.model import Resource, State

T = TypeVar("T")
MANAGER = "lakehouse"
SPELLED = "spelled"  # the field of a state that was found under another spelling of the name
UNFINISHED = "unfinished"  # the field of what create leaves when it is killed before the mark: empty, our own
WHO = "who"  # the field of a state of somebody else's: its id and owner, as far as they are known
_TEXT = re.compile(r"\bmanaged_by=(?P<manager>[^\s,()]+), estate=(?P<estate>[^\s,()]+)\)?$")
_EXTERNAL = re.compile(rf"{MANAGER}:(?P<estate>[^:]+):")

# The place is the mark: only the deployer and admins can put anything there.
MARKED_BY_PLACE: Mapping[str, str] = {
    "directory": "the API keeps no tags of folders; it lies in the estate's folder of the deployer's home",
    "workspace_file": "the API keeps no tags of files; it lies in the estate's folder of the deployer's home",
    "repo": "the API keeps no tags of Git folders; it lies in the estate's folder of the deployer's home",
    "alert": "the API keeps no tags of alerts; it lies in the estate's folder of the deployer's home",
    "dashboard": "the API keeps no tags of dashboards; it lies in the estate's folder of the deployer's home",
    "notebook": "the API keeps no tags of notebooks; it lies in the estate's folder of /Shared",
    "volume_file": "the API keeps no tags of files; it lies in the estate's folder of a volume that is marked",
}
# Nothing says whose it is, so leaving the declaration out leaves it as it is.
UNMARKED: Mapping[str, str] = {
    "workspace_assignment": "the API keeps a principal and a level, and nothing beside them",
    "token_policy": "a workspace has just one, whoever set it",
    "grants": "they are of a securable, whose own mark counts; grants of others are reported",
    "wheel": "the name holds a digest of its sources: whoever put it there, it is the same file",
    "jar": "the name holds a digest of its sources: whoever put it there, it is the same file",
}


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
    return read_mark(comment) == mark_labels(target)


def read_mark(found: Any) -> dict[str, str]:
    """Return the mark in labels, a comment, a list of tags as key=value, or an external id; empty if there is none."""
    if isinstance(found, Mapping):
        return own_labels(found)
    if isinstance(found, list | tuple | set | frozenset):
        return own_labels(dict(str(one).split("=", 1) for one in found if "=" in str(one)))
    if match := _TEXT.search(found or ""):
        return {"managed_by": match["manager"], "estate": match["estate"]}
    if match := _EXTERNAL.match(found or ""):
        return {"managed_by": MANAGER, "estate": match["estate"]}
    return {}


def choose_own(
    found: Iterable[T], name: str, target: Target, name_of: Callable[[T], str | None], mark_of: Callable[[T], Any]
) -> T | None:
    """Return of what a filter found ours, else what stands in its way: the same name, then another case.

    Of several that are alike the first counts.
    """
    ranks: dict[int, T] = {}
    for one in found:
        called = name_of(one) or ""
        if called.casefold() == name.casefold():
            ranks.setdefault(
                0 if called == name and _carries(read_mark(mark_of(one)), target) else 1 if called == name else 2, one
            )
    return ranks[min(ranks)] if ranks else None


def is_own(resource: Resource, target: Target, name: str | None, mark: Any) -> bool:
    """Say whether what is called so and marked so is the resource: before it is deleted, this is asked again."""
    return name == resource.physical_name(target) and read_mark(mark) == mark_labels(target)


def may_take(resource: Resource, target: Target, name: str | None, mark: Any) -> bool:
    """Say whether it is the resource, or has its name and is to be taken over."""
    return name == resource.physical_name(target) and (resource.adopt or _carries(read_mark(mark), target))


def note_spelling(name: str | None, wanted: str) -> dict[str, str]:
    """Return the field of a state that says how the name is spelled, none where it is spelled as wanted."""
    return {} if name in (None, wanted) else {SPELLED: str(name)}


def why_not_ours(resource: Resource, state: State, target: Target) -> str | None:
    """Return why what was found under a resource's name must not be touched, None if it is ours or may be adopted."""
    spelled, mark = state.get(SPELLED), resource.read_mark(state)
    name, own = resource.physical_name(target), mark_labels(target)
    if spelled is None and (mark is None or _carries(mark, target) or state.get(UNFINISHED)):
        return None
    if spelled is not None:
        what = f"it is called {spelled!r}, and the service does not tell the case of letters apart"
    elif _is_others(mark or {}, own):
        what = f"it carries the mark of another ({', '.join(f'{key}={value}' for key, value in (mark or {}).items())})"
    elif resource.adopt:
        return None
    else:
        what = "it does not carry the mark of this estate"
    who = f" [{state[WHO]}]" if state.get(WHO) else ""
    others = spelled is not None or _is_others(mark or {}, own)
    remedy = "or declare another name" if others else "declare another name, or take it over with adopt=True"
    return f"{name} is there{who} and is not ours: {what}. Rename it, delete it, {remedy}"


class NotOurs(Exception):
    """What stands under the name is somebody else's; the message names it."""


class NotVisible(Exception):
    """The service says that the name is taken, and shows nothing there; the message says what to grant."""


def describe_answer(found: Any) -> str:
    """Return the id, owner and maker of what an API answered, as far as it says them."""
    says = {
        "id": ("id", "job_id", "policy_id", "pipeline_id", "experiment_id", "table_id", "volume_id", "catalog_id"),
        "owner": ("owner", "user_name"),
        "made by": ("creator_user_name", "creator_name", "creator", "created_by"),
    }
    given = {what: next((v for one in names if (v := getattr(found, one, None))), None) for what, names in says.items()}
    return ", ".join(f"{what} {value}" for what, value in given.items() if value)


def _carries(mark: Mapping[str, str], target: Target) -> bool:
    """Say whether a mark names this estate; a part that somebody took away is put back."""
    own = mark_labels(target)
    return mark.get("estate") == own["estate"] and not _is_others(mark, own)


def _is_others(mark: Mapping[str, str], own: Mapping[str, str]) -> bool:
    return any(value != own.get(key) for key, value in mark.items())
