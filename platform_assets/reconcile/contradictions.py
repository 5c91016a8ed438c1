"""Declarations that are each sound and do not fit together: what one opens is not what another leads to. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from platform_assets.resource_types.external_location import ExternalLocation
from platform_assets.resource_types.iam_role import StorageRole
from platform_assets.resource_types.model import Resource
from platform_assets.resource_types.s3_bucket import S3Bucket
from platform_assets.resource_types.sqs_queue import SqsQueue
from platform_assets.resource_types.storage_credential import StorageCredential
from platform_assets.resource_types.view import View


def find_contradictions(resources: Sequence[Resource]) -> Iterator[str]:
    """Yield locations that their role cannot open, buckets whose queue takes no events of theirs, unordered views."""
    by_key = {one.key: one for one in resources}
    for one in resources:
        problems: Iterator[str] = iter(())
        if isinstance(one, ExternalLocation):
            problems = _find_closed(one, by_key)
        if isinstance(one, S3Bucket) and one.events_to is not None:
            problems = _find_deaf(one, by_key)
        if isinstance(one, View):
            problems = _find_unordered(one, by_key)
        yield from (f"{one.key}: {problem} (declared at {one.declared_at})" for problem in problems)


def _find_closed(location: ExternalLocation, by_key: Mapping[str, Resource]) -> Iterator[str]:
    credential, bucket = by_key[f"storage_credential/{location.credential}"], by_key[f"s3_bucket/{location.bucket}"]
    assert isinstance(credential, StorageCredential) and isinstance(bucket, S3Bucket)
    role = by_key[f"iam_role/{credential.role}"]
    assert isinstance(role, StorageRole)
    if bucket.name not in role.buckets:
        yield f"{role.key} of its credential does not open {bucket.key}: add it to the role's buckets"
    if bucket.role != role.name:
        yield f"{bucket.key} lets in iam_role/{bucket.role} and not {role.key} of its credential: name one role in both"
    if bucket.key_name != role.key_name:
        yield f"{role.key} does not open kms_key/{bucket.key_name} of {bucket.key}: name one key in both"
    if location.provided_sqs is not None and location.provided_sqs not in role.queues:
        yield f"{role.key} may not read sqs_queue/{location.provided_sqs}: add it to the role's queues"


def _find_deaf(bucket: S3Bucket, by_key: Mapping[str, Resource]) -> Iterator[str]:
    queue = by_key[f"sqs_queue/{bucket.events_to}"]
    if isinstance(queue, SqsQueue) and queue.events_of != bucket.name:
        yield f"{queue.key} takes no events of it: say events_of={bucket.name!r} of the queue"


def _find_unordered(view: View, by_key: Mapping[str, Resource]) -> Iterator[str]:
    """Yield declared views that a view reads by their names: nothing then makes them first, and it may read itself."""
    identities = {one.identity: one for one in by_key.values() if isinstance(one, View)}
    for name in view.tables_read:
        if read := identities.get(f"table/{name.catalog}/{name.schema}/{name.table}".lower()):
            yield f"it reads {read.key} by its name: name the declaration in its reads; no view reads itself"
