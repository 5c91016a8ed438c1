"""Snapshots as data: what is declared survives JSON, names are translated, what is damaged or foreign is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from lakehouse.names import parse_table_name
from lakehouse.targets import REMOTE, InvalidTarget, Target, local_target
from lakehouse.wheels import STEPS, STEPS_VOLUME
from platform_assets.declarations import RESOURCES
from platform_assets.reconcile.declared import order_keys
from platform_assets.reconcile.diff import diff_states
from platform_assets.recovery.encoding import encode_fields
from platform_assets.recovery.proof import compare_estates
from platform_assets.recovery.restoring import require_recovers, restore_resources
from platform_assets.recovery.snapshot import (
    Entry,
    InvalidSnapshot,
    Snapshot,
    compare_snapshots,
    read_snapshot,
    write_snapshot,
)
from platform_assets.recovery.store import fetch_snapshot
from platform_assets.recovery.translation import translate_state
from platform_assets.resource_types.alert import Alert
from platform_assets.resource_types.catalog import Catalog
from platform_assets.resource_types.cluster_policy import ClusterPolicy
from platform_assets.resource_types.control_plane_role import ControlPlaneRole
from platform_assets.resource_types.directory import Directory
from platform_assets.resource_types.experiment import Experiment
from platform_assets.resource_types.grants import Grants
from platform_assets.resource_types.group import Group
from platform_assets.resource_types.model import Resource
from platform_assets.resource_types.pipeline import Pipeline
from platform_assets.resource_types.query import Query
from platform_assets.resource_types.query_parameters import QueryParameter
from platform_assets.resource_types.registry import TYPES
from platform_assets.resource_types.schema import Schema
from platform_assets.resource_types.secret_scope import SecretScope
from platform_assets.resource_types.service_principal import ServicePrincipal
from platform_assets.resource_types.serving_endpoint import ServingEndpoint
from platform_assets.resource_types.sql_warehouse import SqlWarehouse
from platform_assets.resource_types.token_policy import TokenPolicy
from platform_assets.resource_types.user import User
from platform_assets.resource_types.volume_file import VolumeFile
from platform_assets.resource_types.wheel_upload import WheelUpload
from platform_assets.resource_types.workspace_assignment import AccountPrincipal, WorkspaceAssignment
from platform_assets.resource_types.workspace_file import WorkspaceFile
from tests.platform_assets.live.random_estates import RandomEstate, estates
from tests.platform_assets.test_rebuilding import MORE, REFERENCE

LOCAL, LOCAL_DR = (local_target(Path("/nowhere"), name) for name in ("default", "default-dr"))
PROD, DR = (
    replace(
        REMOTE[name],
        aws_account=account,
        databricks_account=f"{account}-uuid",
        catalog_prefix=prefix,
        principals={"deployer": f"{name}-d", "pipeline": f"{name}-p", "analysts": "analysts"},
        bucket_principals=tuple(f"arn:aws:iam::{account}:role/{name}-{role}" for role in ("z", "a")),
        workspace_ids={name: number, "dev": 5},
    )
    for name, account, prefix, number in (("prod", "111122223333", "", 70), ("dr", "444455556666", "dr_", 71))
)
PAIRS = [(LOCAL, LOCAL_DR), (PROD, DR)]
LIMITS: dict[str, Any] = {"node_type_id": {"type": "allowlist", "values": ["a", "b"]}}
LATE = Query(
    "late",
    text="SELECT count(*) AS n FROM {days} WHERE carrier = :carrier AND flight_date > :first",
    reads={"days": parse_table_name("flights.gold.daily_carrier_performance")},
    parameters=(QueryParameter("carrier", "UA", choices=("UA", "AA")), QueryParameter("first", date(2013, 1, 1))),
    schema=next(one for one in RESOURCES if isinstance(one, Schema) and one.name == "flights.gold"),
)
ABOUT = WorkspaceFile("ABOUT.md", permissions={"analysts": "CAN_READ"})
NETWORK = "vpc-0123456789abcdef0", "sg-0123456789abcdef0"
ROBOT = ServicePrincipal("robot")
EVER = Query("ever", text="SELECT 1 AS n")
IDENTITIES: tuple[Resource, ...] = (
    ROBOT,
    User("bo@example.com", "Bo", ("workspace-access",), active=False),
    Group("engineers", members=("service_principal/robot", "user/bo@example.com", "pipeline", "a@example.com")),
    WorkspaceAssignment("robot", ROBOT, "ADMIN"),
    WorkspaceAssignment("analysts", AccountPrincipal("group", "analysts")),
    SqlWarehouse("small", users=("analysts", "group/engineers")),
    ClusterPolicy("small", LIMITS, users=("analysts",)),
    SecretScope("keys", {"api": "secretsmanager:api"}, readers=("pipeline", "group/engineers")),
    Directory("reports", permissions={"analysts": "CAN_READ"}),
    ABOUT,
    Catalog("shared", folder="shared", isolated=True, read_by=("dev",)),
    Schema("shared.s"),
    Experiment("delays", tags={"team": "data"}, permissions={"analysts": "CAN_READ"}),
    Pipeline("late", "flights.gold", (ABOUT,), {"rows": "10"}, permissions={"analysts": "CAN_VIEW"}),
    ServingEndpoint("delay", "flights.gold.delay", 1, permissions={"group/engineers": "CAN_QUERY"}),
    TokenPolicy(longest_days=30, users=("analysts", "group/engineers")),
    VolumeFile("ABOUT.md", REFERENCE),
    ControlPlaneRole("control-plane", dict.fromkeys(("local", "local-dr", "prod", "dr"), NETWORK)),
    LATE,
    EVER,
    Alert("late", query=EVER, column="n", threshold=10.0, schedule="0 0 6 * * ?", told=("a@example.com",)),
    Grants("schema.shared.s", {"group/engineers": ("USE_SCHEMA",), "pipeline": ("SELECT",)}, foreign="revoke"),
)
ESTATE = (*RESOURCES, *MORE)
ALL = (*ESTATE, *IDENTITIES)


def snap(resources: tuple[Resource, ...], target: Target, found: dict[str, dict[str, Any]] | None = None) -> Snapshot:
    """A snapshot of an estate that is as declared, but for what was found otherwise."""
    by_key = {one.key: one for one in resources}
    entries = {}
    for key in order_keys(resources):
        one, other = by_key[key], (found or {}).get(key, {})
        state = json.loads(json.dumps({**one.desired(target), **other}))
        entries[key] = Entry(one.type_name, one.name, encode_fields(one), state, tuple(other))
    return Snapshot("2026-01-01T00:00:00+00:00", "1.0+abc", "http://here", target, entries, {})


def again(snapshot: Snapshot) -> Snapshot:
    return read_snapshot(write_snapshot(snapshot), "s3://there/v000001.json")


def test_every_type_is_tried() -> None:
    assert {type(one) for one in ALL} == set(TYPES)


@pytest.mark.parametrize(("source", "target"), PAIRS, ids=["local", "prod"])
def test_what_is_declared_survives_and_means_the_same_elsewhere(source: Target, target: Target) -> None:
    known = ALL if source is PROD else tuple(one for one in ALL if "shared" not in one.key)
    read = again(snap(known, source))
    assert (read.entries, read.content) == (snap(known, source).entries, snap(known, source).content)
    restored = {one.key: one for one in restore_resources(read)}
    assert restored.keys() == {one.key for one in known}
    for one in known:
        assert restored[one.key] == one
        assert restored[one.key].desired(target) == one.desired(target)


@pytest.mark.parametrize(("source", "target"), [*PAIRS, (DR, PROD)], ids=["local", "prod", "back"])
def test_translated_states_are_those_the_declarations_make(source: Target, target: Target) -> None:
    """Two ways to the same: by prefixes in a text, and by the declaration on the other target."""
    catalogs = ("flights", "shared")
    for one in ALL if source is not LOCAL else ESTATE:
        there = translate_state(one.desired(source), source, target, catalogs)
        assert diff_states(one.desired(target), there) == (), one.key
        assert one.desired(source) == translate_state(one.desired(source), source, source, catalogs)


@settings(max_examples=150, deadline=None)
@given(estates())
def test_random_estates_survive_and_are_translated(estate: RandomEstate) -> None:
    source, target = PROD, DR
    read = again(snap(estate.resources, source))
    restored = {one.key: one for one in restore_resources(read)}
    catalogs = [one.name for one in estate.resources if one.type_name == "catalog"]
    for one in estate.resources:
        assert restored[one.key] == one
        assert translate_state(one.desired(source), source, target, catalogs) == one.desired(target)


def test_text_of_people_is_not_translated() -> None:
    comment = "See lakehouse-prod-landing in account 111122223333, `flights`.`x`"
    assert translate_state({"comment": comment}, PROD, DR, ("flights",)) == {"comment": comment}
    assert translate_state("arn:aws:s3:::lakehouse-producer", PROD, DR) == "arn:aws:s3:::lakehouse-producer"


def test_what_was_changed_by_hand_is_carried() -> None:
    found = {
        "s3_bucket/lake": {"versioning": "Suspended"},
        "job/test-jar-job": {"max_concurrent_runs": 3},
        "grants/schema/flights/gold": {PROD.principals["pipeline"]: []},
    }
    restored = {one.key: one for one in restore_resources(again(snap(RESOURCES, PROD, found)))}
    for key, other in found.items():
        plain = next(one for one in RESOURCES if one.key == key)
        there = translate_state(other, PROD, DR)
        assert restored[key].desired(DR) == {**plain.desired(DR), **there}
        assert type(restored[key]).__name__ == type(plain).__name__
        assert isinstance(restored[key], type(plain))


def test_content_is_known_again_whenever_and_by_whom_it_was_found() -> None:
    one = snap(RESOURCES, LOCAL)
    assert replace(one, made_at="2030-01-01T00:00:00+00:00", code="other").content == one.content
    assert snap(RESOURCES, LOCAL_DR).content != one.content
    found = snap(RESOURCES, LOCAL, {"schema/flights/gold": {"comment": "mine"}})
    assert found.content != one.content
    assert replace(one, left_out={"volume/x": "why"}).content != one.content
    changes = compare_snapshots(one, replace(found, entries=dict(list(found.entries.items())[1:])))
    assert (changes.added, changes.changed) == ((), ("schema/flights/gold",))
    assert changes.removed == (next(iter(one.entries)),)
    assert compare_snapshots(None, one).added == tuple(one.entries)


def bend(**changes: Any) -> str:
    document = json.loads(write_snapshot(snap(RESOURCES, LOCAL)))
    return json.dumps({**document, **changes})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is damaged or cut off"),
        (write_snapshot(snap(RESOURCES, LOCAL))[:-100], "is damaged or cut off"),
        ("[]", "is no snapshot that `lakehouse export` wrote"),
        ('{"kind": "lakehouse plan"}', "is no snapshot"),
        (bend(format=2), r"has format 2, this code reads 1: use the code that made it, 1.0\+abc, or a newer one"),
        (bend(made_at="2020"), "its digest is another.*take another version"),
        (bend(resources={}), "its digest is another"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_remedy(text: str, said: str) -> None:
    with pytest.raises(InvalidSnapshot, match=f"^here.*{said}"):
        read_snapshot(text, "here")


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (Entry("lake", "x", {}, {}), "there is no type lake"),
        (Entry("schema", "a.b", {"colour": "red"}, {}), "unexpected keyword argument 'colour'"),
        (Entry("view", "a.b.c", {"query": "SELECT 1", "reads": {"x": {"$resource": "table/a"}}}, {}), "table/a"),
        (Entry("schema", "a.b", {}, {"comment": "", "properties": {}}), "properties is {} in the snapshot"),
        (Entry("wheel", STEPS.package, {"volume": STEPS_VOLUME, "wheel": {"$wheel": "other"}}, {}), "other"),
    ],
)
def test_what_this_code_cannot_rebuild_is_refused_with_the_code_that_can(entry: Entry, said: str) -> None:
    snapshot = replace(snap((), LOCAL), entries={"some/key": entry})
    with pytest.raises(InvalidSnapshot, match=f"{said}.*rebuild with the code that made the snapshot, 1.0.abc"):
        restore_resources(snapshot)


def test_a_wheel_that_this_code_builds_otherwise_is_refused() -> None:
    wheel = next(one for one in RESOURCES if isinstance(one, WheelUpload))
    resources = tuple(RESOURCES)
    snapshot = snap(resources, LOCAL)
    entry = snapshot.entries[wheel.key]
    older = replace(entry, state={**entry.state, "version": "1.0+older"})
    with pytest.raises(InvalidSnapshot, match=r"version is 1.0\+older in the snapshot, and this code makes it"):
        restore_resources(replace(snapshot, entries={**snapshot.entries, wheel.key: older}))


@pytest.mark.parametrize(
    ("target", "source", "said"),
    [
        (PROD, DR, "Target prod recovers nothing: it lacks `recovers`"),
        (DR, LOCAL, "Target dr recovers prod, and the snapshot is of local"),
        (replace(DR, region=PROD.region), PROD, "region must be another than that of prod"),
        (replace(DR, bucket_prefix=PROD.bucket_prefix), PROD, "bucket_prefix must be another"),
    ],
)
def test_a_target_that_does_not_stand_in_is_refused(target: Target, source: Target, said: str) -> None:
    require_recovers(DR, PROD)
    with pytest.raises(InvalidTarget, match=f"{said}.*Nothing was done"):
        require_recovers(target, source)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidSnapshot, match="cannot be read.*a snapshot is a file, latest, or vNUMBER"):
        fetch_snapshot(str(tmp_path / "v1.json"), LOCAL_DR, LOCAL)
    path = tmp_path / "kept.json"
    path.write_text(write_snapshot(snap(RESOURCES, LOCAL)))
    where, read = fetch_snapshot(str(path), LOCAL_DR, LOCAL)
    assert (where, read.content) == (str(path), snap(RESOURCES, LOCAL).content)


def test_equal_estates_have_no_difference_and_each_other_field_is_named() -> None:
    here, there = snap(ESTATE, LOCAL), snap(ESTATE, LOCAL_DR)
    assert list(compare_estates(here, there)) == []
    other = snap((*ESTATE, Schema("flights.more")), LOCAL_DR, {"s3_bucket/lake": {"versioning": "Suspended"}})
    assert [str(one) for one in compare_estates(here, other)] == [
        "s3_bucket/lake: versioning: Enabled -> Suspended",
        "schema/flights/more: resource: not there -> there",
    ]
    assert [str(one) for one in compare_estates(other, here)][-1] == "schema/flights/more: resource: there -> not there"
