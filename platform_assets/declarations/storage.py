"""Buckets, their key, the queue that hears of arrivals, the role and credential that open them."""

from platform_assets.resource_types.external_location import ExternalLocation
from platform_assets.resource_types.iam_role import StorageRole
from platform_assets.resource_types.kms_key import KmsKey
from platform_assets.resource_types.model import Resource
from platform_assets.resource_types.s3_bucket import S3Bucket
from platform_assets.resource_types.s3_lifecycle import LifecycleRule
from platform_assets.resource_types.sqs_queue import SqsQueue
from platform_assets.resource_types.storage_credential import StorageCredential

# Without it what VACUUM deletes would stay for ever as versions of the bucket.
DELETED_FILES = LifecycleRule("deleted-files", expire_noncurrent_days=30, abort_multipart_days=7)

RESOURCES: tuple[Resource, ...] = (
    KmsKey("lake"),
    SqsQueue("landing-events-dead-letters"),
    SqsQueue("landing-events", dead_letters="landing-events-dead-letters", events_of="landing"),
    S3Bucket("landing", events_to="landing-events"),
    S3Bucket("lake", lifecycle=(DELETED_FILES,)),
    S3Bucket("artifacts"),
    S3Bucket("recovery"),  # snapshots of the estate; no location opens it to runs
    StorageRole("storage", buckets=("landing", "lake", "artifacts")),
    StorageCredential("lake_storage"),
    ExternalLocation("landing", bucket="landing"),
    ExternalLocation("lake", bucket="lake"),
    ExternalLocation("artifacts", bucket="artifacts"),
)
