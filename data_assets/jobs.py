"""Jobs of the tables, selected by group and tag so that a new table joins by itself."""

from __future__ import annotations

import dagster as dg

# Two arrivals at once would write the same gold tables; deploy/dagster.yaml lets one run at a time have this tag.
ONE_AT_A_TIME = {"lakehouse/one_at_a_time": "arrival"}

ALL_TABLES = dg.AssetSelection.groups("flights_bronze", "flights_silver", "flights_gold")

arrival = dg.define_asset_job(
    "arrival",
    selection=ALL_TABLES,
    tags=ONE_AT_A_TIME,
    description="Bronze to gold over a range of days: what the arrival sensor and range backfills run",
)

whole_tables = dg.define_asset_job(
    "whole_tables",
    selection=ALL_TABLES & dg.AssetSelection.tag("load", "whole"),
    description="The tables that are loaded as a whole, and take only what is new: weather and reference data",
)
