"""MLflow experiments and who may do what with them. https://docs.databricks.com/api/workspace/experiments"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from lakehouse.grammar.texts import byte_problems, control_problems, length_problems
from lakehouse.targets import Target
from platform_assets.resource_types.listing import Listing
from platform_assets.resource_types.model import Clients, State
from platform_assets.resource_types.object_levels import permit, rebuild_levels
from platform_assets.resource_types.ownership import NotOurs, is_own, mark_labels, may_take, own_labels, read_mark
from platform_assets.resource_types.rebuilding import Rebuilding
from platform_assets.resource_types.sdk_errors import unless_missing
from platform_assets.resource_types.workspace_object import EstateObject, ensure_folder, estate_folder

if TYPE_CHECKING:
    from databricks.sdk.service import ml

_NOTE = "mlflow.note.content"  # what the page of an experiment shows as its description
_OWN = "mlflow."
_PAGE = 1000
_LONGEST_KEY, _LONGEST_VALUE = 250, 5000  # bytes


@dataclass(frozen=True)
class Experiment(EstateObject):
    """An MLflow experiment in the estate's folder of the workspace. Its runs are nothing of the estate's.

    A deleted one lies in the trash, from which declaring it again brings it back. Tags of others are left.
    """

    purpose: str = ""
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)

    type_name = "experiment"
    mark_field = "tags"
    permissions_type = "experiments"
    holds_data = True

    def find_problems(self, target: Target) -> Iterator[str]:
        """Its path, permissions, tags."""
        yield from super().find_problems(target)
        for key, value in {**self.tags, _NOTE: self.purpose}.items():
            if key.startswith(_OWN) and key != _NOTE:
                yield f"the tag {key[:40]} is MLflow's own: take a key that does not start with {_OWN}"
            yield from length_problems(f"the key of tag {key[:40]!r}", key, _LONGEST_KEY)
            yield from byte_problems(f"the key of tag {key[:40]!r}", key, _LONGEST_KEY)
            yield from byte_problems(f"the value of tag {key[:40]!r}", value, _LONGEST_VALUE)
            yield from control_problems(f"the tag {key[:40]!r}", key + value)

    def desired(self, target: Target) -> State:
        """The tags, the description among them, and who may do what."""
        return {"tags": {**self.tags, _NOTE: self.purpose, **mark_labels(target)}, "permissions": self.levels(target)}

    def read(self, clients: Clients) -> State | None:
        """Get by name, then the permissions; one in the trash is not there."""
        found = self._find(clients)
        if found is None or _is_trashed(found):
            return None
        wanted = (*self.tags, _NOTE, *mark_labels(clients.target))
        tags = {str(one.key): one.value or "" for one in found.tags or [] if one.key in wanted}
        return self.with_permissions(clients, str(found.experiment_id), {"tags": {_NOTE: "", **tags}})

    def read_whole(self, clients: Clients) -> State | None:
        """Read with all tags but MLflow's own."""
        found = self._find(clients)
        tags = [str(one.key) for one in (found.tags if found else None) or []]
        return replace(self, tags={key: "" for key in tags if not key.startswith(_OWN)}).read(clients)

    def rebuild(self, state: State, rebuilding: Rebuilding) -> Experiment:
        """Tags and description."""
        tags = {key: one for key, one in state["tags"].items() if key not in (_NOTE, *own_labels(state["tags"]))}
        levels = rebuild_levels(rebuilding, state)
        return replace(self, purpose=state["tags"][_NOTE], tags=tags, permissions=levels)

    def create(self, clients: Clients, desired: State) -> None:
        """Make the folder if there is none, create or restore from the trash; then tags and permissions.

        Raises:
            NotOurs: one of somebody else's lies in the trash.
        """
        from databricks.sdk.service.ml import ExperimentTag

        name, api = self.physical_name(clients.target), clients.workspace.experiments
        ensure_folder(clients, name.rpartition("/")[0])
        found = self._find(clients)
        if found is None:
            labels = own_labels(desired["tags"])
            api.create_experiment(name, tags=[ExperimentTag(key, value) for key, value in labels.items()])
        elif not may_take(self, clients.target, found.name, _tags(found)):
            raise NotOurs(
                f"{name} is in the trash and does not carry the mark of this estate: delete it for good there"
            )
        elif _is_trashed(found):
            api.restore_experiment(str(found.experiment_id))
        kept = own_labels(desired["tags"]) if found is None else _tags(found)
        self.update(clients, desired, {"tags": {_NOTE: "", **kept}, "permissions": {}})

    def update(self, clients: Clients, desired: State, before: State) -> None:
        """Set the tags that differ; permissions are added."""
        found = self._find(clients)
        if found is None:
            return
        identity, held = str(found.experiment_id), before.get("tags", desired["tags"])
        for key, value in desired["tags"].items():
            if held.get(key) != value:
                clients.workspace.experiments.set_experiment_tag(identity, key, value)
        if "permissions" in before:
            permit(clients.workspace, self.permissions_type, identity, desired["permissions"])

    def delete(self, clients: Clients) -> None:
        """Delete: into the trash, with its runs, if it carries the mark."""
        found = self._find(clients)
        if found is not None and not _is_trashed(found) and is_own(self, clients.target, found.name, _tags(found)):
            unless_missing(lambda: clients.workspace.experiments.delete_experiment(str(found.experiment_id)))

    @classmethod
    def find_owned(cls, listing: Listing) -> Iterator[Experiment]:
        """List those in the estate's folder that carry the mark."""
        folder = f"{estate_folder(listing.clients.target)}/"
        for found in listing.clients.workspace.experiments.list_experiments(max_results=_PAGE):
            if (found.name or "").startswith(folder) and read_mark(_tags(found)) == mark_labels(listing.clients.target):
                yield cls((found.name or "").removeprefix(folder))

    def find_answer(self, clients: Clients) -> ml.Experiment | None:
        """Get by name."""
        return self._find(clients)

    def _find(self, clients: Clients) -> ml.Experiment | None:
        name, api = self.physical_name(clients.target), clients.workspace.experiments
        answer = unless_missing(lambda: api.get_by_name(name))
        return answer.experiment if answer else None


def _tags(found: ml.Experiment) -> dict[str, str]:
    return {str(one.key): one.value or "" for one in found.tags or []}


def _is_trashed(found: ml.Experiment) -> bool:
    return found.lifecycle_stage == "deleted"
