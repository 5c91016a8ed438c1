"""The estate on a real workspace: one apply makes it, a second does nothing, and no interruption leaves it broken."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from databricks.sdk import WorkspaceClient

from lakehouse.targets import Target
from lakehouse.workspace import open_aws, open_workspace
from platform_assets.declarations import RESOURCES
from platform_assets.estate import apply_estate, plan_estate
from platform_assets.reconcile.apply import Status
from platform_assets.reconcile.plan import Prune
from platform_assets.resource_types.kms_key import key_alias
from platform_assets.resource_types.model import Clients
from platform_assets.resource_types.s3_bucket import S3Bucket
from platform_assets.resource_types.schema import Schema
from platform_assets.resource_types.volume import Volume
from tests.platform_assets.live.conftest import (
    Gateway,
    HandledClients,
    NewTarget,
    RecordingClients,
    apply_with,
    plan_with,
)

UNITY = "/api/2.1/unity-catalog"


class Killed(BaseException):
    """The process ends here."""

    count = 0

    def __init__(self) -> None:
        super().__init__()
        Killed.count += 1


class KilledClients(HandledClients):
    """Clients that are killed when a resource's first write has been done and its answer is on the way."""

    def __init__(self, target: Target) -> None:
        super().__init__(replace(target, parallel_calls=1))
        self._unity: WorkspaceClient = open_workspace.__wrapped__(target, "deployer")
        send = self._unity.api_client.do

        def send_and_die(method: str, *args: Any, **kwargs: Any) -> Any:
            answer = send(method, *args, **kwargs)
            if method not in ("GET", "HEAD"):
                raise Killed
            return answer

        self._unity.api_client.do = send_and_die  # type: ignore[method-assign]

    @property
    def workspace(self) -> WorkspaceClient:
        return self._unity

    def add_handler(self, events: Any) -> None:
        events.register("after-call", self._die)

    def _die(self, model: Any, http_response: Any, **_: Any) -> None:
        if http_response.status_code < 300 and not model.name.startswith(("Get", "List", "Head", "Describe")):
            raise Killed


def count_keys(target: Target) -> int:
    """How many usable keys were made for the alias of the estate."""
    kms = open_aws(target, "deployer").client("kms")
    alias, found = key_alias(target, "lake"), 0
    for key in kms.list_keys()["Keys"]:
        tags = {tag["TagKey"]: tag["TagValue"] for tag in kms.list_resource_tags(KeyId=key["KeyId"])["Tags"]}
        state = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"]
        found += tags.get("lakehouse:alias") == alias and state == "Enabled"
    return found


def test_the_first_apply_makes_all_and_the_second_writes_nothing(new_target: NewTarget, gateway: Gateway) -> None:
    clients = RecordingClients(new_target())
    first = apply_with(clients)
    assert first.failures == ()
    assert first.count(Status.CREATED) == len(RESOURCES)
    assert plan_with(clients).is_empty
    clients.calls.clear()
    since = gateway.now()
    assert apply_with(clients).changed_nothing
    assert gateway.writes(since) == []
    assert clients.writes == []
    assert clients.calls, "AWS was asked"


def test_each_unity_catalog_resource_is_made_by_one_call(new_target: NewTarget, gateway: Gateway) -> None:
    since = gateway.now()
    apply_estate(new_target())
    writes = gateway.writes(since)
    made = [one for one in writes if one.startswith(f"POST {UNITY}") and "temporary" not in one]
    in_unity = ("storage_credential", "external_location", "catalog", "schema", "volume")
    assert len(made) == sum(resource.type_name in in_unity for resource in RESOURCES)
    granted = [one for one in writes if one.startswith(f"PATCH {UNITY}/permissions/")]
    assert len(granted) == sum(resource.type_name == "grants" for resource in RESOURCES)


def test_an_answer_lost_after_each_kind_of_create_makes_no_duplicate(new_target: NewTarget, gateway: Gateway) -> None:
    target = new_target()
    deployer = target.principals["deployer"]
    for path in ("storage-credentials", "external-locations", "catalogs", "schemas", "volumes"):
        gateway.add_fault(method="POST", path=f"{UNITY}/{path}", principal=deployer, drop="after", times=1)
    gateway.add_fault(method="PATCH", path=f"{UNITY}/permissions/*", principal=deployer, drop="after", times=2)
    gateway.add_fault(method="PUT", path="/api/2.0/fs/files/*", principal=deployer, drop="after", times=1)
    report = apply_estate(target)
    assert [failure.error for failure in report.failures] == []
    assert [rule["hits"] for rule in gateway.faults()] == [1, 1, 1, 1, 1, 2, 1]
    assert plan_estate(target).is_empty


def test_an_error_of_the_service_fails_its_resource_and_the_next_apply_goes_on(
    new_target: NewTarget, gateway: Gateway
) -> None:
    target = new_target()
    gateway.add_fault(
        method="POST",
        path=f"{UNITY}/catalogs",
        principal=target.principals["deployer"],
        status=400,
        error_code="INVALID_STATE",
        message="not today",
    )
    report = apply_estate(target)
    statuses = {result.key: result.status for result in report.results}
    assert statuses["catalog/flights"] is Status.FAILED
    assert statuses["volume/flights/bronze/landing"] is Status.SKIPPED
    assert statuses["external_location/artifacts"] is Status.CREATED
    error = next(result.error for result in report.failures if result.key == "catalog/flights")
    assert error.startswith(f"catalog/flights ({target.catalog('flights')}): ")
    assert "not today" in error
    assert apply_estate(target).failures == ()
    assert plan_estate(target).is_empty


def test_killed_after_every_single_write_it_still_converges(new_target: NewTarget) -> None:
    target = new_target()
    for _ in range(200):
        try:
            report = apply_with(KilledClients(target))
        except Killed:
            continue
        assert report.changed_nothing
        break
    assert Killed.count > len(RESOURCES), "there are more writes than resources"
    assert plan_estate(target).is_empty
    assert count_keys(target) == 1


def test_two_applies_at_once_both_converge(new_target: NewTarget) -> None:
    target = new_target()
    with ThreadPoolExecutor(2) as threads:
        reports = list(threads.map(lambda _: apply_estate(target), range(2)))
    assert [report.failures for report in reports] == [(), ()]
    assert plan_estate(target).is_empty
    assert count_keys(target) == 1


def test_what_is_no_longer_declared_is_found_and_pruned(new_target: NewTarget) -> None:
    target = new_target()
    extra = (S3Bucket("old"), Schema("flights.old"), Volume("flights.old.box"))
    resources = (*RESOURCES, *extra)
    assert apply_estate(target, resources=resources).failures == ()
    assert plan_estate(target, resources=resources, find_undeclared=True).undeclared == ()
    found = plan_estate(target, find_undeclared=True)
    assert found.is_empty
    assert set(found.undeclared) == {resource.key for resource in extra}
    report = apply_estate(target, prune=Prune(True, {resource.key for resource in extra}))
    assert report.failures == ()
    assert report.count(Status.DELETED) == 3
    assert plan_estate(target, find_undeclared=True).undeclared == ()
    assert not {"old"} & {one.name for one in open_workspace(target, "admin").schemas.list(target.catalog("flights"))}


def test_another_targets_estate_is_not_ours_to_prune(applied: Target, new_target: NewTarget) -> None:
    """Even when its names begin like ours."""
    ours = replace(new_target(), bucket_prefix=applied.bucket_prefix.rsplit("-", 1)[0], catalog_prefix="")
    assert plan_estate(ours, resources=RESOURCES, find_undeclared=True).undeclared == ()


def test_destroyed_twice_nothing_is_left(new_target: NewTarget) -> None:
    target = new_target()
    apply_estate(target)
    clients = Clients(target)
    s3 = clients.aws("s3")
    for purpose in ("landing", "lake", "artifacts"):
        versions = s3.list_object_versions(Bucket=target.bucket(purpose)).get("Versions", [])
        for one in versions:
            s3.delete_object(Bucket=target.bucket(purpose), Key=one["Key"], VersionId=one["VersionId"])
    for _ in range(2):
        for resource in reversed(RESOURCES):
            resource.delete(clients)
    assert plan_estate(target).changed
    assert all(step.action.value == "create" for step in plan_estate(target).steps)
