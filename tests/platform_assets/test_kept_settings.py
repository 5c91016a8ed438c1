"""What a hand gave an object and nobody declares is sent again where an update would set it back."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import Mock

import pytest
from databricks.sdk.service.serving import (
    AutoCaptureConfigOutput,
    EndpointCoreConfigOutput,
    ServedEntityOutput,
    ServingEndpointDetailed,
    ServingModelWorkloadType,
)
from databricks.sdk.service.sql import Channel, ChannelName, EndpointInfo, SpotInstancePolicy

from lakehouse.targets import local_target
from platform_assets.resource_types.model import Clients, Resource
from platform_assets.resource_types.ownership import why_not_ours
from platform_assets.resource_types.rebuilding import NotExpressible, Rebuilding
from platform_assets.resource_types.serving_endpoint import ServingEndpoint, _as_state
from platform_assets.resource_types.sql_warehouse import SqlWarehouse

TARGET = local_target(Path("/nowhere"))


def clients_of(**apis: Mock) -> Clients:
    return cast(Clients, SimpleNamespace(target=TARGET, workspace=SimpleNamespace(**apis)))


def desired(resource: Resource) -> dict[str, Any]:
    return {**resource.desired(TARGET)}


def test_a_warehouse_keeps_what_is_not_declared_and_starts_no_more_clusters_than_it_may() -> None:
    warehouse, api = SqlWarehouse("bi"), Mock()
    preview = Channel(name=ChannelName.CHANNEL_NAME_PREVIEW)
    found = EndpointInfo(
        id="1",
        name=warehouse.physical_name(TARGET),
        channel=preview,
        min_num_clusters=3,
        spot_instance_policy=SpotInstancePolicy.RELIABILITY_OPTIMIZED,
    )
    api.list.return_value = [found]
    warehouse.update(clients_of(warehouses=api), desired(warehouse), {"cluster_size": "Small"})
    sent = api.edit.call_args.kwargs
    assert (sent["channel"], sent["spot_instance_policy"]) == (preview, found.spot_instance_policy)
    assert (sent["cluster_size"], sent["min_num_clusters"], sent["max_num_clusters"]) == ("2X-Small", 1, 1)
    assert "instance_profile_arn" not in sent


def test_an_endpoint_keeps_the_variables_of_what_it_serves_and_where_its_answers_are_noted() -> None:
    endpoint, api = ServingEndpoint("late", "flights.gold.late", 2), Mock()
    served = ServedEntityOutput(name="late-2", workload_size="Large", environment_vars={"A": "{{secrets/a/b}}"})
    noted = AutoCaptureConfigOutput(catalog_name="flights", schema_name="ops", enabled=True)
    config = EndpointCoreConfigOutput(served_entities=[served], auto_capture_config=noted)
    api.get.return_value = ServingEndpointDetailed(name=endpoint.physical_name(TARGET), config=config)
    endpoint.update(clients_of(serving_endpoints=api), desired(endpoint), {"served_entities": {}})
    sent = api.update_config.call_args.kwargs
    (entity,) = sent["served_entities"]
    assert (entity.environment_vars, entity.workload_size) == (served.environment_vars, "Small")
    assert (sent["auto_capture_config"].schema_name, sent["auto_capture_config"].enabled) == ("ops", True)


def test_an_endpoint_of_which_a_hand_changed_nothing_else_is_sent_nothing_else() -> None:
    endpoint, api = ServingEndpoint("late", "flights.gold.late", 2), Mock()
    api.get.return_value = ServingEndpointDetailed(name=endpoint.physical_name(TARGET))
    endpoint.update(clients_of(serving_endpoints=api), desired(endpoint), {"served_entities": {}})
    assert api.update_config.call_args.kwargs.keys() == {"served_entities", "traffic_config"}


def test_an_endpoint_on_gpus_is_a_change_that_is_shown_and_no_declaration() -> None:
    endpoint = ServingEndpoint("late", "flights.gold.late", 2)
    served = ServedEntityOutput(
        name="late-2",
        entity_name="m",
        entity_version="2",
        workload_size="Small",
        workload_type=ServingModelWorkloadType.GPU_SMALL,
    )
    state = _as_state(ServingEndpointDetailed(config=EndpointCoreConfigOutput(served_entities=[served])))
    assert state["served_entities"]["late-2"]["workload_type"] == "GPU_SMALL"
    assert desired(endpoint)["served_entities"]["late-2"]["workload_type"] == "CPU"
    with pytest.raises(NotExpressible, match="GPU_SMALL"):
        endpoint.rebuild(state, cast(Rebuilding, None))


def test_an_endpoint_in_another_case_is_not_ours() -> None:
    endpoint, api = ServingEndpoint("late", "flights.gold.late", 2), Mock()
    api.get.return_value = ServingEndpointDetailed(name=endpoint.physical_name(TARGET).upper(), tags=[])
    state = endpoint.read(clients_of(serving_endpoints=api))
    assert state is not None
    assert "does not tell the case" in str(why_not_ours(endpoint, state, TARGET))
