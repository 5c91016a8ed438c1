"""Files of this repository in a volume: put, mended, pruned, and nobody's to change who may only read."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from databricks.sdk.errors import NotFound, PermissionDenied

from lakehouse.names import volume_path
from lakehouse.targets import Target
from lakehouse.workspace import open_workspace
from platform_assets.declarations import RESOURCES
from platform_assets.estate import apply_estate, plan_estate
from platform_assets.reconcile.explain import explain_plan
from platform_assets.reconcile.plan import Action, Plan, Prune
from platform_assets.resource_types import volume_file
from platform_assets.resource_types.grants import Grants
from platform_assets.resource_types.model import Clients, InvalidDeclaration, Resource
from platform_assets.resource_types.volume import Volume
from platform_assets.resource_types.volume_file import VolumeFile
from tests.platform_assets.live.conftest import Gateway, NewTarget, apply_with
from tests.platform_assets.live.test_drift import drop_external_id

REFERENCE = Volume("flights.ops.reference", purpose="Lookup tables", files=True)
AIRLINES, RATES = VolumeFile("airlines.csv", REFERENCE), VolumeFile("2013/rates.csv", REFERENCE)
READ = Grants("volume.flights.ops.reference", {"pipeline": ("READ_VOLUME",)})
USE = Grants("schema.flights.ops", {"pipeline": ("USE_SCHEMA",)})
ENTER = Grants("catalog.flights", {"pipeline": ("USE_CATALOG",)})
STORAGE = ("kms_key", "sqs_queue", "s3_bucket", "iam_role", "storage_credential", "external_location", "catalog")
BASE = tuple(one for one in RESOURCES if one.type_name in STORAGE or one.key == "schema/flights/ops")
FILES: tuple[Resource, ...] = (*BASE, REFERENCE, ENTER, USE, READ, AIRLINES, RATES)


@pytest.fixture(scope="module")
def made(new_target: NewTarget) -> Target:
    return new_target()


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the files of this repository lie while the test runs."""
    monkeypatch.setattr(volume_file, "SOURCES", tmp_path / "platform_assets" / "volume_files")
    folder = volume_file.SOURCES / REFERENCE.name
    (folder / "2013").mkdir(parents=True)
    (folder / "airlines.csv").write_bytes(b"UA,United\n")
    (folder / "2013" / "rates.csv").write_bytes(b"")
    return folder


@pytest.fixture
def target(made: Target, sources: Path) -> Iterator[Target]:
    """All of it applied, and as declared when the test has begun."""
    report = apply_estate(made, resources=FILES, prune=Prune(enabled=True))
    assert report.failures == ()
    yield made


def read_as(target: Target, role: str, one: VolumeFile) -> bytes:
    found = open_workspace(target, role).files.download(one.physical_name(target)).contents
    assert found
    return found.read()


def write_as(target: Target, role: str, path: str) -> None:
    open_workspace(target, role).files.upload(path, io.BytesIO(b"by hand"), overwrite=True)


def find_later(plan: Plan) -> set[str]:
    return {step.key for step in plan.changed if step.action is Action.LATER}


def test_files_are_put_once_and_replaced_when_they_change(target: Target, gateway: Gateway, sources: Path) -> None:
    assert (read_as(target, "pipeline", AIRLINES), read_as(target, "pipeline", RATES)) == (b"UA,United\n", b"")
    since = gateway.now()
    assert apply_estate(target, resources=FILES).changed_nothing
    assert gateway.writes(since) == []
    (sources / "airlines.csv").write_bytes(b"UA,United\nAA,American\n")
    (step,) = plan_estate(target, resources=FILES).changed
    assert (step.key, step.action.value) == ("volume_file/flights/ops/reference/airlines.csv", "update")
    assert apply_estate(target, resources=FILES).failures == ()
    assert read_as(target, "pipeline", AIRLINES).endswith(b"American\n")


def test_what_a_hand_changed_or_deleted_is_named_and_put_back(target: Target) -> None:
    write_as(target, "deployer", AIRLINES.physical_name(target))
    Clients(target).workspace.files.delete(RATES.physical_name(target))
    shown = explain_plan(plan_estate(target, resources=FILES))
    assert "~ volume_file/flights/ops/reference/airlines.csv\n      content: " in shown
    assert "+ volume_file/flights/ops/reference/2013/rates.csv\n      content: e3b0c44298fc" in shown
    assert apply_estate(target, resources=FILES).failures == ()
    assert read_as(target, "pipeline", AIRLINES) == b"UA,United\n"
    assert plan_estate(target, resources=FILES).is_empty


def test_who_may_only_read_changes_nothing_and_others_read_nothing(target: Target) -> None:
    path = AIRLINES.physical_name(target)
    with pytest.raises(PermissionDenied, match="User does not have WRITE.VOLUME on Volume"):
        write_as(target, "pipeline", path)
    with pytest.raises(PermissionDenied, match="WRITE.VOLUME"):
        open_workspace(target, "pipeline").files.delete(path)
    for role in ("analyst", "outsider"):
        with pytest.raises(PermissionDenied, match="USE.CATALOG|USE.SCHEMA|READ.VOLUME"):
            read_as(target, role, AIRLINES)
    Clients(target).workspace.files.delete(path)
    (failure,) = apply_with(Clients(target, "pipeline"), (AIRLINES,)).failures
    assert failure.error.startswith(f"{AIRLINES.key} ({path}): PermissionDenied: User does not have WRITE")


def test_what_is_no_longer_declared_goes_with_prune_and_what_lies_beside_it_stays(target: Target) -> None:
    beside = f"{volume_path(target, REFERENCE.name)}/by-a-run.csv"
    write_as(target, "deployer", beside)
    fewer = tuple(one for one in FILES if one is not RATES)
    assert plan_estate(target, resources=fewer, find_undeclared=True).undeclared == (RATES.key,)
    assert apply_estate(target, resources=fewer).failures == ()
    assert read_as(target, "pipeline", RATES) == b""
    assert apply_estate(target, resources=fewer, prune=Prune(enabled=True)).failures == ()
    with pytest.raises(NotFound):
        read_as(target, "pipeline", RATES)
    assert Clients(target).workspace.files.get_metadata(beside).content_length == 7
    assert plan_estate(target, resources=fewer, find_undeclared=True).undeclared == ()


def test_a_volume_that_cannot_be_opened_does_not_hide_why(target: Target) -> None:
    drop_external_id(Clients(target))
    deadline = time.monotonic() + 30  # keys that were vended before work for two seconds more
    while AIRLINES.key not in (waiting := find_later(plan_estate(target, resources=FILES, find_undeclared=True))):
        assert time.monotonic() < deadline, f"the role still opens the volume, but for {waiting}"
        time.sleep(0.5)
    assert apply_estate(target, resources=FILES).failures == ()
    assert plan_estate(target, resources=FILES, find_undeclared=True).is_empty


def test_lost_answers_are_made_good(target: Target, gateway: Gateway) -> None:
    for one in (AIRLINES, RATES):
        Clients(target).workspace.files.delete(one.physical_name(target))
    gateway.add_fault(path="/api/2.0/fs/files/*", drop="after", times=2)
    assert apply_estate(target, resources=FILES).failures == ()
    assert plan_estate(target, resources=FILES).is_empty


@pytest.mark.parametrize("name", ["", "/a", "a//b", "../a", "a/.."])
def test_a_name_that_is_no_path_is_no_declaration(name: str) -> None:
    with pytest.raises(InvalidDeclaration, match=r"volume_file/flights/ops/reference/.*: a name is a path such as"):
        VolumeFile(name, REFERENCE)


def test_a_volume_that_does_not_say_so_takes_no_files_and_no_file_is_made_up(sources: Path) -> None:
    with pytest.raises(InvalidDeclaration, match="say files=True of volume/flights/ops/artifacts"):
        VolumeFile("airlines.csv", Volume("flights.ops.artifacts"))
    lost = VolumeFile("lost.csv", REFERENCE)
    with pytest.raises(InvalidDeclaration, match=f"no file platform_assets/volume_files/{REFERENCE.name}/lost.csv"):
        _ = lost.content
