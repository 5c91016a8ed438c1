"""`lakehouse import` on a real workspace: the applied estate as Python whose plan is empty, and what has no words."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from databricks.sdk.errors import PermissionDenied
from databricks.sdk.service.catalog import VolumeType
from databricks.sdk.service.workspace import ImportFormat

from lakehouse.cli.estate_import import FileIsNotOurs, require_writable, write_module
from lakehouse.targets import Target
from lakehouse.workspace import open_aws
from platform_assets.declarations import RESOURCES
from platform_assets.estate import apply_estate, plan_estate
from platform_assets.reconcile.importing import Import, NotReadable, import_resources
from platform_assets.reconcile.rendering import render_declarations
from platform_assets.resource_types.function import Parameter
from platform_assets.resource_types.grants import Grants
from platform_assets.resource_types.model import Clients, Resource
from platform_assets.resource_types.ownership import mark_comment
from platform_assets.resource_types.schema import Schema
from platform_assets.resource_types.secret_scope import SecretScope, scope_name
from platform_assets.resource_types.view import View
from platform_assets.resource_types.workspace_object import estate_folder
from tests.platform_assets.live.conftest import Gateway
from tests.platform_assets.workspace_estate import ABOUT, CATALOG, COUNTS, DOUBLE, MODEL, TEAM, WORKSPACE

TWICE = View("more.s.twice", "SELECT {double}(n) AS n FROM {counts}", {"double": DOUBLE, "counts": COUNTS}, "Twice")
MORE: tuple[Resource, ...] = (
    *WORKSPACE,
    CATALOG,
    Schema("more.s", purpose='"Quoted"\nand broken'),
    COUNTS,
    DOUBLE,
    TWICE,
    MODEL,
    Grants("view.more.s.twice", {"analysts": ("SELECT",)}),
    Grants("function.more.s.double", {TEAM.key: ("EXECUTE",)}),
    Grants("registered_model.more.s.guess", {"analysts": ("EXECUTE",)}),
)
DECLARED = (*RESOURCES, *MORE)
IMPORTED = {one.key for one in DECLARED if one.references is not None}


@pytest.fixture(scope="module")
def target(applied: Target) -> Iterator[Target]:
    keys = [one.key for one in MORE]
    assert apply_estate(applied, keys, resources=DECLARED).failures == ()
    yield applied
    for one in reversed(WORKSPACE):
        one.delete(Clients(applied))
    Clients(applied).workspace.catalogs.delete(CATALOG.physical_name(applied), force=True)


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
    for one in (TWICE, *WORKSPACE):
        assert set(by_key[one.key].dependencies) == set(one.dependencies), one.key
        assert by_key[one.key].desired(target) == one.desired(target)


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


def test_contents_that_are_nowhere_here_are_refused_and_kept_apart_from_theirs(target: Target) -> None:
    api, folder = Clients(target).workspace, estate_folder(target)
    content = base64.b64encode(b"x").decode()
    api.workspace.import_(f"{folder}/mine.txt", content=content, format=ImportFormat.RAW)
    api.workspace.import_(f"{folder}/ABOUT.md", content=content, format=ImportFormat.RAW, overwrite=True)
    api.secrets.create_scope(scope_name(target, "copies"))
    api.secrets.put_secret(scope_name(target, "copies"), "api", string_value="x")
    api.secrets.put_secret(scope_name(target, "copies"), f"lakehouse.estate.{target.bucket_prefix}", string_value="x")
    theirs = api.experiments.create_experiment(f"/Users/{target.principals['deployer']}/theirs").experiment_id
    try:
        found = import_resources(Clients(target))
        assert "secret_scope/copies" in {one.key for one in found.resources}, "secrets that a hand put there stay its"
        assert "experiment/theirs" not in {one.key for one in found.resources}
        assert list(found.refused) == ["workspace_file/ABOUT.md", "workspace_file/mine.txt", "pipeline/small"]
        assert found.refused["pipeline/small"] == "needs workspace_file/ABOUT.md, which is not declared"
        assert "platform_assets/workspace_files/mine.txt is not there" in found.refused["workspace_file/mine.txt"]
        assert found.refused["workspace_file/ABOUT.md"].startswith("content is ")
    finally:
        api.experiments.delete_experiment(str(theirs))
        api.workspace.delete(f"{folder}/mine.txt")
        api.secrets.delete_scope(scope_name(target, "copies"))
        assert apply_estate(target, [ABOUT.key], resources=DECLARED).failures == ()


def test_a_scope_of_copies_is_refused(target: Target) -> None:
    copies = SecretScope("copies", {"api": "secretsmanager:imported"})
    name = f"{target.bucket_prefix}/imported"
    open_aws(target, "admin").client("secretsmanager").create_secret(Name=name, SecretString="x")
    assert apply_estate(target, resources=(copies,)).failures == ()
    try:
        refused = import_resources(Clients(target)).refused
        assert refused == {copies.key: "secret api is a copy, and the API does not say of what: declare its source"}
    finally:
        copies.delete(Clients(target))


@pytest.mark.parametrize("role", ["analyst", "outsider"])
def test_who_may_not_read_the_estate_imports_none_of_it(target: Target, role: str) -> None:
    with pytest.raises((PermissionDenied, NotReadable), match="PERMISSION_DENIED|does not have|Denied"):
        import_resources(Clients(target, role))


def test_what_cannot_be_read_is_named(target: Target, gateway: Gateway) -> None:
    path = "/api/2.0/permissions/directories/*"
    gateway.add_fault(method="GET", path=path, status=403, error_code="PERMISSION_DENIED")
    with pytest.raises(NotReadable, match="^directory/reports .*PermissionDenied: Injected fault"):
        import_resources(Clients(target))


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
