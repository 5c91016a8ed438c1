"""Model serving endpoints, and who may query them. https://docs.databricks.com/api/workspace/servingendpoints"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from lakehouse.grammar.texts import choice_problems, length_problems, range_problems
from lakehouse.names import physical_name
from lakehouse.object_permissions import read_granted
from lakehouse.targets import Target
from platform_assets.grammar.names import simple_name_problems
from platform_assets.grammar.permissions import level_problems
from platform_assets.grammar.unity_catalog import name_problems
from platform_assets.resource_types.grants import select_groups
from platform_assets.resource_types.listing import Listing
from platform_assets.resource_types.model import Clients, Resource, State
from platform_assets.resource_types.object_levels import (
    OTHERS_REPORTED,
    describe_levels,
    name_levels,
    permit,
    rebuild_levels,
)
from platform_assets.resource_types.ownership import is_own, mark_labels, may_take, note_spelling, own_labels
from platform_assets.resource_types.rebuilding import NotExpressible, Rebuilding
from platform_assets.resource_types.sdk_errors import unless_missing

if TYPE_CHECKING:
    from databricks.sdk.service.serving import (
        EndpointCoreConfigOutput,
        EndpointPendingConfig,
        EndpointTag,
        ServedEntityOutput,
        ServingEndpointDetailed,
    )

_KIND = "serving-endpoints"
_CPU = "CPU"
_KEPT = ("environment_vars", "instance_profile_arn", "min_provisioned_concurrency", "max_provisioned_concurrency")
_CAPTURED = ("catalog_name", "schema_name", "table_name_prefix", "enabled")


def served_name(model: str, version: int) -> str:
    """Return what the version of a model is called in an endpoint."""
    return f"{model.rpartition('.')[2].lower()}-{version}"


@dataclass(frozen=True)
class ServingEndpoint(Resource):
    """An endpoint that serves one version of a registered model, such as flights.gold.delay, on CPUs.

    `permissions`: CAN_VIEW, CAN_QUERY or CAN_MANAGE of a role, or of a declared group by its key. Whoever applies it
    needs EXECUTE on the model. Apply does not wait until the endpoint is ready.
    """

    model: str
    version: int
    size: Literal["Small", "Medium", "Large"] = "Small"
    scale_to_zero: bool = True
    permissions: Mapping[str, str] = field(default_factory=dict, hash=False)

    type_name = "serving_endpoint"
    mark_field = "tags"
    group = "platform_compute"
    references = {}
    reported = OTHERS_REPORTED

    def find_problems(self, target: Target) -> Iterator[str]:
        """Its name, what it serves, who may do what."""
        yield from simple_name_problems(self.name, self.physical_name(target), 63)
        yield from name_problems(self.model, "catalog.schema.model", physical_name(target, self.model))
        yield from length_problems("the name of what it serves", served_name(self.model, self.version), 63)
        yield from choice_problems("size", self.size, ("Small", "Medium", "Large"))
        yield from range_problems("version", self.version, 1, 2**31 - 1)
        yield from level_problems(self.type_name, self.permissions, target.name, target.principals)

    @property
    def dependencies(self) -> tuple[str, ...]:
        """The model, and declared groups."""
        model = (f"registered_model/{self.model.replace('.', '/')}",) if self.model else ()
        return (*model, *select_groups(self.permissions), *self.after)

    def physical_name(self, target: Target) -> str:
        """Return the endpoint's name."""
        return f"{target.bucket_prefix}-{self.name}"

    def desired(self, target: Target) -> State:
        """What is served and its share of the traffic, by the served entity's name; the mark; who may do what."""
        served = served_name(self.model, self.version)
        return {
            "served_entities": {
                served: {
                    "entity_name": physical_name(target, self.model),
                    "entity_version": str(self.version),
                    "workload_type": _CPU,
                    "workload_size": self.size,
                    "scale_to_zero_enabled": self.scale_to_zero,
                }
            },
            "traffic": {served: 100},
            "tags": mark_labels(target),
            "permissions": name_levels(target, self.permissions),
        }

    def read(self, clients: Clients) -> State | None:
        """Get, and the permissions. A configuration that is being rolled out counts; who made it always manages it."""
        found = self.find_answer(clients)
        if found is None:
            return None
        if not may_take(self, clients.target, found.name, _labels(found.tags)):
            spelled = note_spelling(found.name, self.physical_name(clients.target))
            return {"tags": own_labels(_labels(found.tags)), **spelled}
        granted = unless_missing(lambda: read_granted(clients.workspace, _KIND, str(found.id)))
        if granted is None:
            return None
        wanted = name_levels(clients.target, self.permissions)
        given = {name: level for name, level in granted.items() if name != found.creator or name in wanted}
        return {**_as_state(found), **describe_levels(given, wanted)}

    def create(self, clients: Clients, desired: State) -> None:
        """Create, then the permissions."""
        from databricks.sdk.service.serving import EndpointCoreConfigInput

        name, config = self.physical_name(clients.target), EndpointCoreConfigInput(**_config(desired))
        clients.workspace.serving_endpoints.create(name, config=config, tags=_as_tags(desired["tags"]))
        self.update(clients, desired, {"permissions": {}})

    def update(self, clients: Clients, desired: State, before: State) -> None:
        """Update the configuration, patch the tags, add permissions: what differs."""
        found, api = self.find_answer(clients), clients.workspace.serving_endpoints
        if found is None:
            return
        name = self.physical_name(clients.target)
        if before.keys() & {"served_entities", "traffic"}:
            api.update_config(name, **_config(desired, found.pending_config or found.config))
        if "tags" in before:
            api.patch(name, add_tags=_as_tags(desired["tags"]))
        if "permissions" in before:
            permit(clients.workspace, _KIND, str(found.id), desired["permissions"])

    def delete(self, clients: Clients) -> None:
        """Delete, if it carries the mark."""
        found = self.find_answer(clients)
        if found is not None and is_own(self, clients.target, found.name, _labels(found.tags)):
            unless_missing(lambda: clients.workspace.serving_endpoints.delete(self.physical_name(clients.target)))

    def rebuild(self, state: State, rebuilding: Rebuilding) -> ServingEndpoint:
        """The one model that it serves, and who may do what.

        Raises:
            NotExpressible: it serves several, or what is no version of a registered model, or not on CPUs.
        """
        served = list(state["served_entities"].values())
        if others := sorted({str(one["workload_type"]) for one in served} - {_CPU}):
            raise NotExpressible(f"it serves on {', '.join(others)}, and declarations say CPUs alone")
        if len(served) != 1 or not str(served[0]["entity_version"]).isdigit():
            raise NotExpressible("it does not serve just one version of one registered model")
        return replace(
            self,
            model=rebuilding.strip_catalog(str(served[0]["entity_name"])),
            version=int(served[0]["entity_version"]),
            size=served[0]["workload_size"],
            scale_to_zero=served[0]["scale_to_zero_enabled"],
            permissions=rebuild_levels(rebuilding, state),
        )

    @classmethod
    def find_owned(cls, listing: Listing) -> Iterator[ServingEndpoint]:
        """List; the mark is in the tags."""
        target = listing.clients.target
        prefix = f"{target.bucket_prefix}-"
        for found in listing.clients.workspace.serving_endpoints.list():
            if own_labels(_labels(found.tags)) == mark_labels(target) and (found.name or "").startswith(prefix):
                yield cls((found.name or "").removeprefix(prefix), model="", version=0)

    def find_answer(self, clients: Clients) -> ServingEndpointDetailed | None:
        """Get."""
        name = self.physical_name(clients.target)
        return unless_missing(lambda: clients.workspace.serving_endpoints.get(name))


def _as_state(found: ServingEndpointDetailed) -> dict[str, Any]:
    config = found.pending_config or found.config
    routes = config.traffic_config.routes if config and config.traffic_config else None
    return {
        "served_entities": {
            one.name: {
                "entity_name": one.entity_name,
                "entity_version": one.entity_version,
                "workload_type": one.workload_type.value if one.workload_type else _CPU,
                "workload_size": one.workload_size,
                "scale_to_zero_enabled": bool(one.scale_to_zero_enabled),
            }
            for one in (config.served_entities if config else None) or []
        },
        "traffic": {one.served_entity_name or one.served_model_name: one.traffic_percentage for one in routes or []},
        "tags": own_labels(_labels(found.tags)),
    }


def _config(desired: State, found: EndpointPendingConfig | EndpointCoreConfigOutput | None = None) -> dict[str, Any]:
    """Return the configuration, with what a hand gave the one that was found and nobody declares."""
    from databricks.sdk.service.serving import (
        AutoCaptureConfigInput,
        Route,
        ServedEntityInput,
        ServingModelWorkloadType,
        TrafficConfig,
    )

    held = {one.name: one for one in (found.served_entities if found else None) or []}
    served = [
        ServedEntityInput(name=name, **{**_read_others(held.get(name)), **one, "workload_type": kind})
        for name, one in desired["served_entities"].items()
        for kind in [ServingModelWorkloadType(one["workload_type"])]
    ]
    routes = [Route(share, served_model_name=name) for name, share in desired["traffic"].items()]
    config = {"served_entities": served, "traffic_config": TrafficConfig(routes)}
    if found is None or found.auto_capture_config is None:
        return config
    capture = {name: getattr(found.auto_capture_config, name) for name in _CAPTURED}
    return {**config, "auto_capture_config": AutoCaptureConfigInput(**capture)}


def _read_others(found: ServedEntityOutput | None) -> dict[str, Any]:
    held = {name: getattr(found, name, None) for name in _KEPT}
    return {name: one for name, one in held.items() if one}


def _as_tags(labels: Mapping[str, str]) -> list[EndpointTag]:
    from databricks.sdk.service.serving import EndpointTag

    return [EndpointTag(key, value) for key, value in labels.items()]


def _labels(tags: list[EndpointTag] | None) -> dict[str, str]:
    return {tag.key: str(tag.value) for tag in tags or []}
