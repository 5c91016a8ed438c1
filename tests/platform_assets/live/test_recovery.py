"""Disaster recovery on two real workspaces in two regions: export, rebuild, drill; and what each of them refuses."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from databricks.sdk.service.catalog import PermissionsChange, Privilege
from databricks.sdk.service.workspace import ImportFormat, Language

from lakehouse.targets import Target
from lakehouse.workspace import open_aws
from platform_assets.declarations import RESOURCES
from platform_assets.estate import apply_estate, carry_out
from platform_assets.reconcile.apply import Status, apply_plan
from platform_assets.recovery.drill import Drill, export_estate, plan_rebuild, remove_created, run_drill
from platform_assets.recovery.proof import prove_equal
from platform_assets.recovery.snapshot import InvalidSnapshot, write_snapshot
from platform_assets.recovery.store import SnapshotStore, fetch_snapshot
from platform_assets.recovery.taking import EstateNotReadable, take_snapshot
from platform_assets.resource_types.cluster_policy import ClusterPolicy
from platform_assets.resource_types.directory import Directory
from platform_assets.resource_types.grants import Grants
from platform_assets.resource_types.group import Group
from platform_assets.resource_types.model import Clients, Resource
from platform_assets.resource_types.schema import Schema
from platform_assets.resource_types.secret_scope import SecretScope
from platform_assets.resource_types.service_principal import ServicePrincipal
from platform_assets.resource_types.sql_warehouse import SqlWarehouse
from platform_assets.resource_types.workspace_file import WorkspaceFile
from tests.platform_assets.live.conftest import Gateway, NewTarget
from tests.platform_assets.live.test_convergence import Killed, KilledClients

VALUE = "this-value-is-in-no-snapshot"
MORE: tuple[Resource, ...] = (
    ServicePrincipal("robot"),
    Group("engineers", members=("service_principal/robot", "pipeline")),
    SqlWarehouse("small", users=("analysts", "group/engineers")),
    ClusterPolicy("small", {"node_type_id": {"type": "fixed", "value": "m5d.large"}}, users=("analysts",)),
    SecretScope("keys", {"api": "secretsmanager:api"}, readers=("pipeline",)),
    Directory("reports", permissions={"analysts": "CAN_READ"}),
    WorkspaceFile("ABOUT.md", permissions={"analysts": "CAN_READ"}),
    Schema("flights.more", purpose="Named `flights`.`x` and lakehouse-local, which stay"),
    Grants("schema.flights.more", {"group/engineers": ("USE_SCHEMA", "SELECT")}),
)
ESTATE = (*RESOURCES, *MORE)
_numbers = itertools.count(1)
NewRecovery = Callable[[], Target]


@pytest.fixture
def new_recovery(recovery_target: Target) -> NewRecovery:
    """Makes recovery targets on which nothing is yet."""

    def make() -> Target:
        number = next(_numbers)
        return replace(recovery_target, bucket_prefix=f"lakehouse-spare{number}", catalog_prefix=f"spare{number}_")

    return make


@pytest.fixture(scope="module")
def primary(new_target: NewTarget) -> Target:
    """An estate with every type that needs no SQL; somebody has changed it by hand."""
    target = new_target()
    put_secret(target)
    assert apply_estate(target, resources=ESTATE).failures == ()
    change_by_hand(target)
    return target


@pytest.fixture(scope="module")
def drilled(primary: Target, recovery_target: Target) -> tuple[Target, Drill]:
    """What a drill made of it, and where; tests leave both as they find them."""
    target = replace(recovery_target, bucket_prefix="lakehouse-spare", catalog_prefix="spare_")
    put_secret(target)
    return target, run_drill(primary, target, lambda needs_sql: None, declared=ESTATE)


def put_secret(target: Target) -> None:
    """Secrets are replicated by their manager; here that is done by hand."""
    secrets = open_aws(target, "admin").client("secretsmanager")
    secrets.create_secret(Name=f"{target.bucket_prefix}/api", SecretString=VALUE)


def change_by_hand(target: Target) -> None:
    """A comment, a grant, a revoke, a bucket and a job that are no longer as declared."""
    clients, catalog = Clients(target), target.catalog("flights")
    clients.workspace.schemas.update(f"{catalog}.gold", comment="Mine")
    changes = [
        PermissionsChange(principal="analysts", add=[Privilege.SELECT]),
        PermissionsChange(principal=target.principals["pipeline"], remove=[Privilege.MODIFY]),
    ]
    clients.workspace.grants.update("schema", f"{catalog}.silver", changes=changes)
    clients.aws("s3").put_bucket_versioning(
        Bucket=target.bucket("lake"), VersioningConfiguration={"Status": "Suspended"}
    )
    (job,) = clients.workspace.jobs.list(name=f"{target.bucket_prefix}-test-jar-job")
    settings = {"job_id": job.job_id, "new_settings": {"max_concurrent_runs": 3}}
    clients.workspace.api_client.do("POST", "/api/2.2/jobs/update", body=settings)


def test_the_drill_makes_an_equal_estate_of_what_is_there(primary: Target, drilled: tuple[Target, Drill]) -> None:
    target, drill = drilled
    assert drill.report.failures == () and drill.proof is not None
    assert (list(drill.proof.differences), drill.proof.pending) == ([], ())
    assert drill.passed
    assert drill.report.count(Status.CREATED) == drill.proof.resources == len(ESTATE)
    assert list(drill.seconds) == ["export", "bring_up", "plan", "apply", "prove"]
    clients, catalog = Clients(target), target.catalog("flights")
    assert clients.workspace.schemas.get(f"{catalog}.gold").comment == "Mine"
    versioning = clients.aws("s3").get_bucket_versioning(Bucket=target.bucket("lake"))
    assert versioning["Status"] == "Suspended"
    granted = clients.workspace.grants.get("schema", f"{catalog}.silver").privilege_assignments or []
    held = {str(one.principal): {str(name.value) for name in one.privileges or []} for one in granted}
    assert held["analysts"] == {"SELECT"}
    assert held[target.principals["pipeline"]] == {"USE_SCHEMA", "CREATE_TABLE", "SELECT"}
    place = clients.aws("s3").get_bucket_location(Bucket=target.bucket("lake"))["LocationConstraint"]
    assert place == "eu-west-1" != primary.region
    assert clients.workspace.metastores.summary().region == "eu-west-1"


def test_nothing_has_changed_so_there_is_no_new_version_and_no_write(
    primary: Target, drilled: tuple[Target, Drill], gateway: Gateway
) -> None:
    since, store = gateway.now(), SnapshotStore(Clients(primary), primary.bucket_prefix)
    before = store.find_numbers()
    done = export_estate(primary, declared=ESTATE)
    assert (done.is_new, done.number, store.find_numbers()) == (False, before[-1], before)
    assert gateway.writes(since) == []
    plan = plan_rebuild(done.snapshot, drilled[0])
    assert plan.is_empty and plan.undeclared == ()


def test_a_change_is_a_new_version_that_names_it_and_dry_run_writes_none(primary: Target) -> None:
    api, name = Clients(primary).workspace.schemas, f"{primary.catalog('flights')}.bronze"
    before = export_estate(primary, declared=ESTATE).number
    api.update(name, comment="Other")
    try:
        dry = export_estate(primary, dry_run=True, declared=ESTATE)
        done = export_estate(primary, declared=ESTATE)
        assert dry.is_new and (dry.number, dry.changes) == (done.number, done.changes)
        assert (done.number, done.is_new) == (before + 1, True)
        assert (done.changes.changed, done.changes.added, done.changes.removed) == (("schema/flights/bronze",), (), ())
    finally:
        api.update(name, comment="As it came")
    assert export_estate(primary, declared=ESTATE).number == before + 2, "as before, which is news after a change"


def test_no_value_of_a_secret_is_in_it_and_others_are_denied(primary: Target) -> None:
    done = export_estate(primary, declared=ESTATE)
    assert VALUE not in write_snapshot(done.snapshot)
    assert done.snapshot.entries["secret_scope/keys"].state["secrets"] == {"api": f"{primary.bucket_prefix}/api"}
    bucket, key = done.place.removeprefix("s3://").split("/", 1)
    stored = Clients(primary).aws("s3").get_object(Bucket=bucket, Key=key)
    assert stored["ServerSideEncryption"] == "aws:kms" and stored["VersionId"] != "null"
    for role in ("pipeline", "analyst"):
        with pytest.raises(ClientError, match="AccessDenied|Forbidden"):
            Clients(primary, role).aws("s3").get_object(Bucket=bucket, Key=key)


def test_what_is_others_and_what_was_edited_in_place_is_named(primary: Target) -> None:
    clients, stranger = Clients(primary), "outsider@lakehouse.example"
    given = (
        ("schema", f"{primary.catalog('flights')}.gold", Privilege.SELECT),
        ("external_location", primary.account_wide("landing"), Privilege.READ_FILES),
    )
    path, body = f"/Shared/{primary.bucket_prefix}/count_range", {"language": Language.PYTHON, "overwrite": True}
    for kind, name, privilege in given:
        change = PermissionsChange(principal=stranger, add=[privilege])
        clients.workspace.grants.update(kind, name, changes=[change])
    clients.workspace.workspace.import_(path, content="cHJpbnQoMSk=", format=ImportFormat.SOURCE, **body)  # type: ignore[arg-type]
    try:
        left_out = take_snapshot(clients, ESTATE).left_out
        assert stranger in left_out["grants/schema/flights/gold"]
        said = f"it is granted to no role of the target or group of ours, only to {stranger}"
        assert left_out["grants/external_location/landing"] == said
        assert "what is declared is rebuilt" in left_out["notebook/count_range"]
    finally:
        for kind, name, privilege in given:
            change = PermissionsChange(principal=stranger, remove=[privilege])
            clients.workspace.grants.update(kind, name, changes=[change])
        assert apply_estate(primary, ["notebook/count_range"], resources=ESTATE).failures == ()


def test_what_cannot_be_read_stops_the_export(primary: Target, gateway: Gateway) -> None:
    before = SnapshotStore(Clients(primary), primary.bucket_prefix).find_numbers()
    gateway.add_fault(method="GET", path="/api/2.0/workspace/export", status=403, error_code="PERMISSION_DENIED")
    with pytest.raises(EstateNotReadable, match="would not be whole.\nworkspace_file/.*PermissionDenied"):
        export_estate(primary, declared=ESTATE)
    gateway.clear_faults()
    assert SnapshotStore(Clients(primary), primary.bucket_prefix).find_numbers() == before


def test_what_differs_in_the_recovered_estate_is_found_named_and_mended(
    primary: Target, drilled: tuple[Target, Drill]
) -> None:
    target, drill = drilled
    assert drill.export is not None
    snapshot, clients, catalog = drill.export.snapshot, Clients(target), target.catalog("flights")
    clients.workspace.schemas.update(f"{catalog}.ops", comment="Altered")
    clients.aws("sqs").set_queue_attributes(
        QueueUrl=clients.aws("sqs").get_queue_url(QueueName=target.queue("landing-events"))["QueueUrl"],
        Attributes={"VisibilityTimeout": "7"},
    )
    clients.workspace.volumes.delete(f"{catalog}.ops.pipes")
    clients.workspace.schemas.create("extra", catalog, properties=dict(Schema("x").desired(target)["properties"]))
    proof = prove_equal(snapshot, Clients(primary), clients)
    differing = {str(one).split(":")[0] for one in proof.differences}
    assert differing == {
        *("schema/flights/ops", "sqs_queue/landing-events", "volume/flights/ops/pipes", "schema/flights/extra"),
        "grants/volume/flights/ops/pipes",
    }
    comment = f"schema/flights/ops: comment: {snapshot.entries['schema/flights/ops'].state['comment']} -> Altered"
    assert comment in map(str, proof.differences)
    assert {"local-dr: schema/flights/ops", "local-dr: schema/flights/extra"} <= set(proof.pending)
    assert not proof.equal
    clients.workspace.schemas.delete(f"{catalog}.extra")
    assert carry_out(target, plan_rebuild(snapshot, target)).failures == ()
    assert prove_equal(snapshot, Clients(primary), clients).equal


def test_a_kill_in_the_middle_and_again_makes_the_same(primary: Target, new_recovery: NewRecovery) -> None:
    target = new_recovery()
    put_secret(target)
    done = export_estate(primary, declared=ESTATE)
    for _ in range(5):
        with pytest.raises(Killed):
            apply_plan(plan_rebuild(done.snapshot, target), KilledClients(target))
    half = plan_rebuild(done.snapshot, target)
    assert 0 < len(half.changed) < len(ESTATE)
    report = carry_out(target, half)
    assert report.failures == ()
    assert prove_equal(done.snapshot, Clients(primary), Clients(target)).equal
    left = remove_created(report, target)
    assert set(left) <= {one.key for one in ESTATE if one.holds_data}, "what is empty goes again"


def test_a_secret_that_is_not_there_stops_its_scope_alone(primary: Target, new_recovery: NewRecovery) -> None:
    target = new_recovery()
    snapshot = take_snapshot(Clients(primary), ESTATE)
    some = {key: one for key, one in snapshot.entries.items() if key.startswith(("secret_scope", "directory"))}
    report = carry_out(target, plan_rebuild(replace(snapshot, entries=some), target))
    assert {one.key: one.status for one in report.results} == {
        "directory/reports": Status.CREATED,
        "secret_scope/keys": Status.FAILED,
    }
    assert f"{target.bucket_prefix}/api" in report.failures[0].error


def test_a_corrupted_snapshot_is_refused_nothing_is_done_and_the_next_export_is_whole(
    new_target: NewTarget, new_recovery: NewRecovery
) -> None:
    source, target = new_target(), new_recovery()
    assert apply_estate(source, ["+s3_bucket/recovery"]).failures == ()
    done = export_estate(source)
    bucket, key = done.place.removeprefix("s3://").split("/", 1)
    s3 = Clients(source).aws("s3")
    s3.put_object(Bucket=bucket, Key=key, Body=write_snapshot(done.snapshot).replace("Enabled", "Suspended").encode())
    for wanted in ("latest", "v1"):
        with pytest.raises(InvalidSnapshot, match=f"^{done.place} was changed since it was.*another version"):
            fetch_snapshot(wanted, target, source)
    with pytest.raises(InvalidSnapshot, match=r"no snapshot v7 of target local; found: v1\. `lakehouse export`"):
        fetch_snapshot("v7", target, source)
    again = export_estate(source)
    assert (again.number, again.is_new) == (2, True)
    place, snapshot = fetch_snapshot("latest", target, source)
    assert (place, snapshot.content) == (again.place, done.snapshot.content)


def test_a_replica_is_taken_where_the_source_is_lost(
    primary: Target, drilled: tuple[Target, Drill], tmp_path: Path
) -> None:
    target, drill = drilled
    assert drill.export is not None
    lost = replace(primary, profiles_home=tmp_path)
    with pytest.raises(InvalidSnapshot, match="found: none.*\n.*The recovery bucket of local cannot be read"):
        fetch_snapshot("latest", target, lost)
    key = drill.export.place.partition(f"{primary.bucket('recovery')}/")[2]
    s3, bucket = Clients(target).aws("s3"), target.bucket("recovery")
    s3.put_object(Bucket=bucket, Key=key, Body=write_snapshot(drill.export.snapshot).encode())
    place, snapshot = fetch_snapshot("latest", target, lost)
    assert place == f"s3://{bucket}/{key}" and snapshot.content == drill.export.snapshot.content
    own = export_estate(target, declared=ESTATE)
    assert own.place.startswith(f"s3://{bucket}/snapshots/{target.bucket_prefix}/"), "its own are told apart"
