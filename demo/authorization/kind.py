"""What the matrix knows of a type of object of the workspace: how one is made, got, changed, shared and deleted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from lakehouse.object_permissions import grant_levels

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

    from demo.authorization.stage import Stage

MARK = "matrix_"  # what all names start with
ROOT = "/matrix_stage"  # a folder on which nobody has a level
FOLDER = f"{ROOT}/folder"

Make = Callable[["Stage", str], str]
Act = Callable[["WorkspaceClient", str], object]
Change = Callable[["WorkspaceClient", str, str], object]
Share = Callable[["Stage", "WorkspaceClient", str, Mapping[str, str]], object]


def not_tried(*_: object) -> NoReturn:
    """Stand where no rule tries anything.

    Raises:
        NotImplementedError: a rule does.
    """
    raise NotImplementedError("a rule tries what its kind of object says nothing of")


@dataclass(frozen=True)
class Kind:
    """A type of object. `make` takes a name and returns an id or path, which the others take.

    `change` takes a text that is to be seen in it; `share` the levels by principal. `told`: the pattern of a denial,
    with {level}.
    """

    told: str
    make: Make
    delete: Act
    share: Share
    get: Act = not_tried
    change: Change = not_tried


def by_permissions_api(object_type: str, identify: Callable[[WorkspaceClient, str], object] | None = None) -> Share:
    """Return what gives levels of an object type of the Permissions API; `identify` returns an object's id there."""

    def share(stage: Stage, client: WorkspaceClient, name: str, levels: Mapping[str, str]) -> None:
        identity = str(identify(stage.admin, name)) if identify else name
        grant_levels(client, object_type, identity, levels)

    return share
