"""Declarative pipelines on serverless compute, and who may do what with them.

https://docs.databricks.com/api/workspace/pipelines
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from lakehouse.grammar.texts import control_problems, pattern_problems
from lakehouse.names import physical_name
from lakehouse.object_permissions import read_granted
from lakehouse.targets import Target
from platform_assets.grammar.names import simple_name_problems
from platform_assets.grammar.permissions import level_problems
from platform_assets.grammar.unity_catalog import name_problems
from platform_assets.resource_types.grants import select_groups
from platform_assets.resource_types.listing import Listing
from platform_assets.resource_types.model import Clients, Resource, State
from platform_assets.resource_types.notebook import Notebook
from platform_assets.resource_types.object_levels import (
    OTHERS_REPORTED,
    describe_levels,
    name_levels,
    permit,
    rebuild_levels,
)
from platform_assets.resource_types.ownership import (
    choose_own,
    is_own,
    mark_labels,
    may_take,
    note_spelling,
    own_labels,
)
from platform_assets.resource_types.rebuilding import NotExpressible, Rebuilding
from platform_assets.resource_types.sdk_errors import unless_missing
from platform_assets.resource_types.workspace_file import WorkspaceFile

if TYPE_CHECKING:
    from databricks.sdk.service.pipelines import GetPipelineResponse, PipelineSpec, PipelineStateInfo

_KIND = "pipelines"
_PAGE = 100


@dataclass(frozen=True)
class Pipeline(Resource):
    """A pipeline whose notebooks and files define tables of `schema`, such as flights.silver, when triggered.

    `permissions`: CAN_VIEW, CAN_RUN or CAN_MANAGE of a role, or of a declared group by its key. Updates have the
    rights of who created the pipeline.
    """

    schema: str
    sources: tuple[Notebook | WorkspaceFile, ...] = ()
    configuration: Mapping[str, str] = field(default_factory=dict, hash=False)
    development: bool = False
    permissions: Mapping[str, str] = field(default_factory=dict, hash=False)

    type_name = "pipeline"
    mark_field = "tags"
    group = "platform_jobs"
    references = {}
    holds_data = True  # its tables go with it
    fixed = {"catalog": "a pipeline keeps its catalog for life"}
    reported = OTHERS_REPORTED

    def find_problems(self, target: Target) -> Iterator[str]:
        """Its name, schema, configuration, who may do what."""
        yield from simple_name_problems(self.name, self.physical_name(target))
        yield from name_problems(self.schema, "catalog.schema", physical_name(target, self.schema))
        for key, value in self.configuration.items():
            yield from pattern_problems("a key of its configuration", key, r"[\w.-]+", "letters, digits, _ - and .")
            yield from control_problems(f"the configuration {key[:40]!r}", value)
        yield from level_problems(self.type_name, self.permissions, target.name, target.principals)

    @property
    def dependencies(self) -> tuple[str, ...]:
        """The schema, the sources, and declared groups."""
        schema = (f"schema/{self.schema.replace('.', '/')}",) if self.schema else ()
        return (*schema, *(one.key for one in self.sources), *select_groups(self.permissions), *self.after)

    def physical_name(self, target: Target) -> str:
        """Return the pipeline's name."""
        return f"{target.bucket_prefix}-{self.name}"

    def desired(self, target: Target) -> State:
        """The settings under the API's names, the mark, who may do what."""
        catalog, schema = physical_name(target, self.schema).split(".")
        return {
            "catalog": catalog,
            "schema": schema,
            "serverless": True,
            "continuous": False,
            "development": self.development,
            "libraries": [_as_library(one, target) for one in self.sources],
            "configuration": dict(self.configuration),
            "tags": mark_labels(target),
            "permissions": name_levels(target, self.permissions),
        }

    def read(self, clients: Clients) -> State | None:
        """List by name, Get, and the permissions."""
        found = self.find_answer(clients)
        if found is None:
            return None
        if not may_take(self, clients.target, found.name, _labels(found)):
            return {"tags": _labels(found), **note_spelling(found.name, self.physical_name(clients.target))}
        granted = unless_missing(lambda: read_granted(clients.workspace, _KIND, str(found.pipeline_id)))
        if granted is None:
            return None
        given = {name: level for name, level in granted.items() if level != "IS_OWNER"}
        return {**_as_state(found.spec), **describe_levels(given, name_levels(clients.target, self.permissions))}

    def create(self, clients: Clients, desired: State) -> None:
        """Create, then the permissions."""
        name = self.physical_name(clients.target)
        made = clients.workspace.pipelines.create(name=name, **_settings(desired))
        permit(clients.workspace, _KIND, str(made.pipeline_id), desired["permissions"])

    def update(self, clients: Clients, desired: State, before: State) -> None:
        """Update, with all settings, those of others too; permissions are added."""
        found = self.find_answer(clients)
        if found is None or found.spec is None:
            return
        identity = str(found.pipeline_id)
        if before.keys() - {"permissions"}:
            kept = {name: getattr(found.spec, name) for name in found.spec.as_dict() if name != "id"}
            settings = _settings({**desired, "tags": {**kept.get("tags", {}), **desired["tags"]}})
            clients.workspace.pipelines.update(identity, **{**kept, **settings})
        if "permissions" in before:
            permit(clients.workspace, _KIND, identity, desired["permissions"])

    def delete(self, clients: Clients) -> None:
        """Delete, if it carries name and mark; the tables of the pipeline go with it."""
        found = self.find_answer(clients)
        if found is not None and is_own(self, clients.target, found.name, _labels(found)):
            unless_missing(lambda: clients.workspace.pipelines.delete(str(found.pipeline_id)))

    def rebuild(self, state: State, rebuilding: Rebuilding) -> Pipeline:
        """Schema, sources, configuration, who may do what.

        Raises:
            NotExpressible: a source is none of the estate's.
        """
        return replace(
            self,
            schema=f"{rebuilding.strip_catalog(str(state['catalog']))}.{state['schema']}",
            sources=tuple(_find_source(one, rebuilding) for one in state["libraries"]),
            configuration=state["configuration"],
            development=state["development"],
            permissions=rebuild_levels(rebuilding, state),
        )

    @classmethod
    def find_owned(cls, listing: Listing) -> Iterator[Pipeline]:
        """List by the estate's prefix, and Get: the mark is in the tags."""
        clients, prefix = listing.clients, f"{listing.clients.target.bucket_prefix}-"
        for one in _list(clients, f"{prefix}%"):
            found = _get(clients, str(one.pipeline_id))
            if found and _labels(found) == mark_labels(clients.target) and (found.name or "").startswith(prefix):
                yield cls((found.name or "").removeprefix(prefix), schema="")

    def find_answer(self, clients: Clients) -> GetPipelineResponse | None:
        """List by name, whose case and signs a filter may ignore, and Get: ours, or what stands in its way."""
        name = self.physical_name(clients.target)
        named = [one for one in _list(clients, name) if (one.name or "").casefold() == name.casefold()]
        found = [one for one in (_get(clients, str(one.pipeline_id)) for one in named) if one]
        return choose_own(found, name, clients.target, lambda one: one.name, _labels)


def _list(clients: Clients, pattern: str) -> Iterator[PipelineStateInfo]:
    return clients.workspace.pipelines.list_pipelines(filter=f"name LIKE '{pattern}'", max_results=_PAGE)


def _get(clients: Clients, identity: str) -> GetPipelineResponse | None:
    return unless_missing(lambda: clients.workspace.pipelines.get(identity))


def _labels(found: GetPipelineResponse) -> dict[str, str]:
    return own_labels(found.spec.tags if found.spec else None)


def _as_library(source: Notebook | WorkspaceFile, target: Target) -> dict[str, Any]:
    kind = "notebook" if isinstance(source, Notebook) else "file"
    return {kind: {"path": source.physical_name(target)}}


def _find_source(library: Mapping[str, Any], rebuilding: Rebuilding) -> Notebook | WorkspaceFile:
    path = next((one.get("path") for one in library.values() if isinstance(one, Mapping)), None)
    for kind in ("notebook", "workspace_file"):
        found = rebuilding.find(kind, str(path))
        if isinstance(found, Notebook | WorkspaceFile):
            return found
    raise NotExpressible(f"its source {path or library} is no notebook or file of this estate")


def _as_state(spec: PipelineSpec | None) -> dict[str, Any]:
    found = spec.as_dict() if spec else {}
    return {
        "catalog": found.get("catalog"),
        "schema": found.get("schema"),
        "serverless": bool(found.get("serverless")),
        "continuous": bool(found.get("continuous")),
        "development": bool(found.get("development")),
        "libraries": found.get("libraries") or [],
        "configuration": found.get("configuration") or {},
        "tags": own_labels(found.get("tags")),
    }


def _settings(state: State) -> dict[str, Any]:
    from databricks.sdk.service.pipelines import PipelineLibrary

    settings = {name: value for name, value in state.items() if name != "permissions"}
    return {**settings, "libraries": [PipelineLibrary.from_dict(one) for one in state["libraries"]]}
