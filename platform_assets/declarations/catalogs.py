"""Catalogs, schemas (a layer each) and volumes."""

from platform_assets.resource_types.catalog import Catalog
from platform_assets.resource_types.model import Resource
from platform_assets.resource_types.schema import Schema
from platform_assets.resource_types.volume import Volume

RESOURCES: tuple[Resource, ...] = (
    Catalog("flights", folder="managed", purpose="Flights from New York City in 2013"),
    Schema("flights.bronze", purpose="As it came"),
    Schema("flights.silver", purpose="Typed, cleaned, one row per fact"),
    Schema("flights.gold", purpose="Answers"),
    Schema("flights.ops", purpose="Artifacts, messages, checkpoints and costs of the runs"),
    Volume("flights.bronze.landing", bucket="landing", purpose="Files as they arrive"),
    Volume("flights.ops.artifacts", purpose="Wheels that runs depend on"),
    Volume("flights.ops.pipes", purpose="Messages of runs to Dagster"),
    Volume("flights.ops.checkpoints", purpose="How far streams have come"),
)
