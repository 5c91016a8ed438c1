"""Names: what may be a table, what leads with its type, and the physical forms."""

from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.names import (
    RESOURCE_TYPES,
    InvalidName,
    parse_table_name,
    physical_name,
    resource_key,
    table_key,
    volume_path,
)
from lakehouse.targets import local_target

DEV = replace(local_target(Path("/state")), catalog_prefix="dev_")
parts = st.from_regex(r"[a-z][a-z0-9_]{0,10}", fullmatch=True)


@given(parts, parts, parts)
def test_a_table_name_survives_the_round_trip(catalog: str, schema: str, table: str) -> None:
    full_name = f"{catalog}.{schema}.{table}"
    if catalog in RESOURCE_TYPES:
        return
    name = parse_table_name(full_name)
    assert str(name) == full_name
    assert table_key(full_name) == dg.AssetKey([catalog, schema, table])
    assert name.on(DEV) == f"dev_{full_name}"


@pytest.mark.parametrize("name", ["flights", "a.b", "a.b.c.d", "a..c", "a.b c.d", "a.b.c/d"])
def test_what_is_no_table_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidName):
        parse_table_name(name)


@pytest.mark.parametrize("resource_type", RESOURCE_TYPES)
def test_a_catalog_is_not_called_like_a_resource_type(resource_type: str) -> None:
    with pytest.raises(InvalidName, match="cannot be called like the resource type"):
        parse_table_name(f"{resource_type}.bronze.landing")


def test_a_resource_leads_with_its_type() -> None:
    assert resource_key("volume", "flights", "bronze", "landing").path == ["volume", "flights", "bronze", "landing"]
    with pytest.raises(InvalidName, match="No resource type 'bucket'"):
        resource_key("bucket", "landing")
    with pytest.raises(InvalidName, match="no dots"):
        resource_key("volume", "flights.bronze.landing")


def test_physical_names() -> None:
    assert physical_name(DEV, "flights") == "dev_flights"
    assert physical_name(DEV, "flights.bronze.landing") == "dev_flights.bronze.landing"
    assert volume_path(DEV, "flights.ops.pipes") == "/Volumes/dev_flights/ops/pipes"
