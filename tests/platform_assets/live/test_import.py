"""`lakehouse import` on a real workspace: the applied estate as Python whose plan is empty, and what has no words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from databricks.sdk.service.catalog import VolumeType

from lakehouse.cli.estate_import import FileIsNotOurs, require_writable, write_module
from lakehouse.targets import Target
from platform_assets.declarations import RESOURCES
from platform_assets.estate import apply_estate, plan_estate
from platform_assets.reconcile.importing import Import, import_resources
from platform_assets.reconcile.rendering import render_declarations
from platform_assets.resource_types.catalog import Catalog
from platform_assets.resource_types.function import Function, Parameter
from platform_assets.resource_types.grants import Grants
from platform_assets.resource_types.model import Clients, Resource
from platform_assets.resource_types.ownership import mark_comment
from platform_assets.resource_types.registered_model import RegisteredModel
from platform_assets.resource_types.schema import Schema
from platform_assets.resource_types.table import Table
from platform_assets.resource_types.table_columns import Column
from platform_assets.resource_types.view import View
from tests.platform_assets.live.conftest import Gateway

COUNTS = Table(
    "more.s.counts", (Column("id", "BIGINT", "It's", nullable=False), Column("n", "DECIMAL")), clustered_by=("id",)
)
DOUBLE = Function("more.s.double", (Parameter("n", "INT"),), "INT", "n * 2")
TWICE = View("more.s.twice", "SELECT {double}(n) AS n FROM {counts}", {"double": DOUBLE, "counts": COUNTS}, "Twice")
MORE: tuple[Resource, ...] = (
    Catalog("more", folder="more", isolated=True),
    Schema("more.s", purpose='"Quoted"\nand broken'),
    COUNTS,
    DOUBLE,
    TWICE,
    RegisteredModel("more.s.guess", purpose="Guesses"),
    Grants("view.more.s.twice", {"analysts": ("SELECT",)}),
    Grants("function.more.s.double", {"analysts": ("EXECUTE",)}),
    Grants("registered_model.more.s.guess", {"analysts": ("EXECUTE",)}),
)
DECLARED = (*RESOURCES, *MORE)
IMPORTED = {one.key for one in DECLARED if one.references is not None}


@pytest.fixture(scope="module")
def target(applied: Target) -> Iterator[Target]:
    keys = [one.key for one in MORE]
    assert apply_estate(applied, keys, resources=DECLARED).failures == ()
    yield applied
    Clients(applied).workspace.catalogs.delete(MORE[0].physical_name(applied), force=True)


def load(found: Import, target: Target, path: Path) -> tuple[Resource, ...]:
    write_module(path, render_declarations(found.resources, target.name))
    names: dict[str, tuple[Resource, ...]] = {}
    exec(compile(path.read_text(), path, "exec"), {}, names)
    return names["RESOURCES"]


def test_the_plan_of_what_is_imported_is_empty(target: Target, gateway: Gateway, tmp_path: Path) -> None:
    since = gateway.now()
    found = import_resources(Clients(target))
    assert found.refused == {}
    loaded = load(found, target, tmp_path / "estate.py")
    assert {one.key for one in loaded} == IMPORTED
    assert plan_estate(target, resources=loaded).is_empty
    assert gateway.writes(since) == []
    by_key = {one.key: one for one in loaded}
    assert by_key[DOUBLE.key] == replace(DOUBLE, parameters=(Parameter("n", "int"),), returns="int")
    assert by_key[TWICE.key].dependencies == TWICE.dependencies


def test_what_is_not_ours_is_left_and_what_has_no_words_is_refused(target: Target, tmp_path: Path) -> None:
    api, schema = Clients(target).workspace, f"{target.catalog('more')}.s"
    place = f"s3://{target.bucket('lake')}/folders"
    api.schemas.create("theirs", target.catalog("more"))
    mark = mark_comment(target)
    api.volumes.create(*schema.split("."), "part", VolumeType.EXTERNAL, comment=mark, storage_location=f"{place}/part")
    try:
        found = import_resources(Clients(target))
        assert found.refused == {
            "volume/more/s/part": "it is over the folder folders/part of a bucket; "
            "declared volumes are over whole buckets"
        }
        loaded = load(found, target, tmp_path / "estate.py")
        assert "schema/more/theirs" not in {one.key for one in loaded}
        assert plan_estate(target, resources=loaded).is_empty
    finally:
        api.volumes.delete(f"{schema}.part")
        api.schemas.delete(f"{target.catalog('more')}.theirs")


def test_what_needs_something_that_has_no_words_goes_with_it(target: Target) -> None:
    api, location = Clients(target).workspace, target.account_wide("artifacts")
    api.external_locations.update(location, read_only=True)
    try:
        found = import_resources(Clients(target))
        assert found.refused["external_location/artifacts"] == "read_only is true, and can only be declared as false"
    finally:
        api.external_locations.update(location, read_only=False)


def test_only_its_own_files_are_written_over(tmp_path: Path) -> None:
    path = tmp_path / "estate.py"
    write_module(path, render_declarations([], "local"))
    require_writable(path)
    theirs = tmp_path / "theirs.py"
    theirs.write_text("RESOURCES = ()\n")
    for other in (theirs, tmp_path, tmp_path / "nowhere" / "estate.py"):
        with pytest.raises(FileIsNotOurs, match="give --out another one"):
            require_writable(other)
