"""What holds for every estate on a real workspace: one apply makes it, a second writes nothing, what was done by hand
is found and mended, a destroy leaves nothing. `make estates` tries 1,000 of them and prints their seeds; here 10."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from databricks.sdk.service.catalog import PermissionsChange, Privilege
from hypothesis import HealthCheck, Phase, given, seed, settings

from lakehouse.targets import Target
from lakehouse.workspace import open_workspace
from platform_assets.estate import apply_estate, plan_estate
from platform_assets.reconcile.apply import apply_plan
from platform_assets.reconcile.plan import Prune
from platform_assets.resource_types.external_location import ExternalLocation
from platform_assets.resource_types.iam_role import StorageRole
from platform_assets.resource_types.kms_key import KmsKey
from platform_assets.resource_types.model import Clients, Resource
from platform_assets.resource_types.ownership import mark_comment
from platform_assets.resource_types.s3_bucket import S3Bucket
from platform_assets.resource_types.storage_credential import StorageCredential
from platform_assets.resource_types.volume import Volume
from tests.platform_assets.live.conftest import Gateway, NewTarget, apply_with, plan_with
from tests.platform_assets.live.random_estates import ANALYST, RandomEstate, estates

PER_SEED = 25
FOLDED = ("catalog", "schema", "volume", "registered_model")
STORAGE: tuple[Resource, ...] = (
    KmsKey("lake"),
    S3Bucket("lake"),
    StorageRole("storage", buckets=("lake",)),
    StorageCredential("lake_storage"),
    ExternalLocation("lake", bucket="lake"),
)


@dataclass
class Tally:
    """What was tried with one seed."""

    number: int
    began: float = field(default_factory=time.monotonic)
    counts: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        names = ("estates", "resources", "by hand", "writes")
        return f"{self.number:>5}" + "".join(f"{self.counts[name]:>11}" for name in names) + f"{self.seconds:>9.1f}"

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began


@pytest.fixture(scope="module")
def place(new_target: NewTarget) -> Target:
    """A target with a bucket, a role and a location, on which the estates are made one after another."""
    target = new_target()
    assert apply_estate(target, resources=STORAGE).failures == ()
    return target


def test_estates_are_made_mended_and_destroyed(place: Target, gateway: Gateway, request: pytest.FixtureRequest) -> None:
    wanted = request.config.getoption("--estates")
    print("\n seed    estates  resources    by hand     writes  seconds")
    for number in range(-(-wanted // PER_SEED)):
        tally = Tally(number)
        try_seed(place, gateway, tally, min(PER_SEED, wanted - number * PER_SEED))
        print(tally, flush=True)
        assert tally.counts["estates"] >= min(PER_SEED, wanted - number * PER_SEED)


def try_seed(place: Target, gateway: Gateway, tally: Tally, count: int) -> None:
    @seed(tally.number)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(estates())
    def check(estate: RandomEstate) -> None:
        tally.counts.update({"estates": 1, "resources": len(estate.resources), "by hand": len(estate.hands)})
        with destroyed(place):
            check_estate(place, gateway, estate, tally)

    check()


def check_estate(place: Target, gateway: Gateway, estate: RandomEstate, tally: Tally) -> None:
    clients, resources = Clients(place), estate.resources
    before = gateway.now()
    assert [one.error for one in apply_with(clients, resources).failures] == []
    tally.counts["writes"] += len(gateway.writes(before))
    assert_done(clients, gateway, resources)
    # renamed first: a volume that loses its mark with its comment, and then its name, is rightly nobody's to delete
    for what, securable in sorted(estate.hands, key=lambda hand: hand[0] != "rename"):
        do_by_hand(place, what, securable)
    assert [one.error for one in apply_with(clients, resources).failures] == []
    assert_done(clients, gateway, resources)
    destroy(place, resources)
    assert left_over(place) == []


def assert_done(clients: Clients, gateway: Gateway, resources: tuple[Resource, ...]) -> None:
    """The plan is empty, and to apply it writes nothing."""
    before = gateway.now()
    plan = plan_with(clients, resources)
    assert plan.is_empty, plan.changed
    assert apply_plan(plan, clients).changed_nothing
    assert gateway.writes(before) == []


def do_by_hand(place: Target, what: str, touched: Resource) -> None:
    """Do it as an admin; what is gone already, by another thing done by hand, is passed over."""
    workspace, name = open_workspace(place, "admin"), touched.physical_name(place)
    is_volume, last = isinstance(touched, Volume), name.rpartition(".")[2]
    api = workspace.volumes if is_volume else workspace.registered_models
    if touched.read(Clients(place, "admin")) is None:
        return
    match what:
        case "rename":
            api.update(name, new_name=f"{last}-moved")
        case "owner":
            api.update(name, owner=ANALYST)
        case "comment":
            api.update(name, comment=mark_comment(place, "by hand"))
        case "delete":
            api.delete(name)
        case "grant" | "revoke":
            kind, some = ("volume", Privilege.READ_VOLUME) if is_volume else ("function", Privilege.EXECUTE)
            given = {"add": [some]} if what == "grant" else {"remove": [some, Privilege.ALL_PRIVILEGES]}
            workspace.grants.update(kind, name, changes=[PermissionsChange(principal=ANALYST, **given)])


def destroy(place: Target, resources: tuple[Resource, ...]) -> None:
    """Prune all that is ours, also what was renamed."""
    found = plan_estate(place, resources=STORAGE, find_undeclared=True).undeclared
    declared = {one.identity for one in resources if one.type_name != "grants"}
    assert declared <= {key.lower() if key.split("/")[0] in FOLDED else key for key in found}
    report = apply_estate(place, resources=STORAGE, prune=Prune(True, found))
    assert [one.error for one in report.failures] == []


def left_over(place: Target) -> list[str]:
    """What there is of the estates, by name."""
    admin, ours = open_workspace(place, "admin"), place.account_wide("")
    names = [one.name or "" for one in admin.catalogs.list() if (one.name or "").startswith(place.catalog_prefix)]
    names += [one.display_name or "" for one in (*admin.groups.list(), *admin.service_principals.list())]
    return [name for name in names if name.startswith((place.catalog_prefix, ours))]


@contextmanager
def destroyed(place: Target) -> Iterator[None]:
    """Leave nothing of an estate that a check failed on, so that the next is tried on its own."""
    try:
        yield
    finally:
        admin = open_workspace(place, "admin")
        for name in left_over(place):
            if name.startswith(place.catalog_prefix):
                admin.catalogs.delete(name, force=True)
        for api in (admin.groups, admin.service_principals):
            for one in api.list():
                if (one.display_name or "").startswith(place.account_wide("")):
                    api.delete(str(one.id))
