"""Locations that hear of files from a declared queue: turned on, moved, turned off, and named when the role may not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from databricks.sdk.errors import PermissionDenied

from lakehouse.targets import Target
from lakehouse.workspace import open_workspace
from platform_assets.estate import apply_estate, plan_estate
from platform_assets.reconcile.explain import explain_plan
from platform_assets.reconcile.importing import import_resources
from platform_assets.resource_types.external_location import ExternalLocation
from platform_assets.resource_types.iam_role import StorageRole
from platform_assets.resource_types.kms_key import KmsKey
from platform_assets.resource_types.model import Clients, InvalidDeclaration, Resource
from platform_assets.resource_types.s3_bucket import S3Bucket
from platform_assets.resource_types.sqs_queue import SqsQueue, queue_url
from platform_assets.resource_types.storage_credential import StorageCredential
from tests.platform_assets.live.conftest import Gateway, NewTarget, apply_with, declare_alone

QUEUES = (SqsQueue("changes", events_of="lake"), SqsQueue("others"))
ROLE = StorageRole("storage", buckets=("lake",), queues=("changes", "others"))
LAKE = ExternalLocation("lake", bucket="lake", provided_sqs="changes")
BASE: tuple[Resource, ...] = (KmsKey("lake"), *QUEUES, S3Bucket("lake", events_to="changes"))
HOLDS_DATA = ("kms_key/lake", "s3_bucket/lake", "sqs_queue/changes", "sqs_queue/others")


def declare(location: ExternalLocation = LAKE, role: StorageRole = ROLE) -> tuple[Resource, ...]:
    return (*BASE, role, StorageCredential("lake_storage"), location)


@pytest.fixture
def target(new_target: NewTarget) -> Iterator[Target]:
    with declare_alone(new_target, declare(), HOLDS_DATA) as made:
        yield replace(made, iam_settle_seconds=0.0)


def heard_from(target: Target) -> str | None:
    """The queue that the location's events come from; None when there are none."""
    found = Clients(target).workspace.external_locations.get(LAKE.physical_name(target))
    if not found.enable_file_events:
        return None
    assert found.file_event_queue and found.file_event_queue.provided_sqs
    return found.file_event_queue.provided_sqs.queue_url


def test_events_come_from_the_declared_queue_and_from_none_when_none_is(target: Target, gateway: Gateway) -> None:
    for location, url in (
        (LAKE, queue_url(target, "changes")),
        (replace(LAKE, provided_sqs="others"), queue_url(target, "others")),
        (replace(LAKE, provided_sqs=None), None),
        (LAKE, queue_url(target, "changes")),
    ):
        assert apply_estate(target, resources=declare(location)).failures == ()
        assert heard_from(target) == url
        since = gateway.now()
        assert apply_estate(target, resources=declare(location)).changed_nothing
        assert gateway.writes(since) == []


def test_what_a_hand_turned_off_is_named_and_turned_on_again(target: Target, gateway: Gateway) -> None:
    Clients(target).workspace.external_locations.update(LAKE.physical_name(target), enable_file_events=False)
    shown = explain_plan(plan_estate(target, resources=declare()))
    assert "      enable_file_events: false -> true" in shown
    assert f'file_event_queue.provided_sqs: {{"queue_url": "{queue_url(target, "changes")}"}}' in shown
    gateway.add_fault(path="/api/2.1/unity-catalog/external-locations/*", drop="after", times=1)
    assert apply_estate(target, resources=declare()).failures == ()
    assert plan_estate(target, resources=declare()).is_empty


def test_a_role_without_the_queue_is_named_with_the_action(target: Target) -> None:
    role = replace(ROLE, queues=("changes",))
    contradicting = declare(replace(LAKE, provided_sqs="others"), role)
    with pytest.raises(InvalidDeclaration, match="iam_role/storage may not read sqs_queue/others"):
        plan_estate(target, resources=contradicting)
    (failure,) = apply_with(Clients(target), contradicting).failures  # as if another had changed the role meanwhile
    assert failure.key == LAKE.key
    assert f"no policy of {target.iam_role_arn('storage')} allows sqs:GetQueueAttributes" in failure.error
    assert heard_from(target) == queue_url(target, "changes")


def test_a_queue_that_databricks_makes_is_refused_here_with_the_reason(target: Target) -> None:
    managed = replace(LAKE, provided_sqs=None, managed_sqs=True)
    (failure,) = apply_estate(target, resources=declare(managed)).failures
    assert "NotImplemented: file_event_queue.managed_sqs: the local workspace has no control plane" in failure.error


def test_only_who_manages_the_location_turns_its_events_off(target: Target) -> None:
    with pytest.raises(PermissionDenied, match="MANAGE on External Location"):
        open_workspace(target, "pipeline").external_locations.update(
            LAKE.physical_name(target), enable_file_events=False
        )


def test_they_are_imported_as_they_were_declared(target: Target) -> None:
    found = import_resources(Clients(target))
    assert {LAKE, ROLE} <= set(found.resources)


def test_two_queues_are_no_declaration() -> None:
    with pytest.raises(InvalidDeclaration, match="external_location/lake: .* not from both"):
        replace(LAKE, managed_sqs=True)
