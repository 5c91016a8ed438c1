"""Where moto decides otherwise than AWS on a matter the project relies on: each correction with its reason.

Runs inside the moto process only. A correction whose target moto no longer has fails the start.
"""

from __future__ import annotations

import json
import threading
import time
from contextlib import nullcontext
from functools import lru_cache
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any

from moto.core import serialize
from moto.core.common_models import BaseModel
from moto.core.utils import utcnow
from moto.iam import access_control
from moto.iam.responses import IamResponse
from moto.moto_server.werkzeug_app import DomainDispatcherApplication
from moto.s3 import responses as s3_responses
from moto.s3.models import FakeBucket, FakeDeleteMarker, S3Backend
from moto.sqs import models as sqs_models
from moto.sqs.models import Message, SQSBackend
from moto.sqs.responses import SQSResponse
from moto.sts.models import sts_backends

from local_workspace.engines.moto_policies import StoredPolicy
from local_workspace.engines.moto_policy_sizes import limited_methods
from local_workspace.engines.moto_s3_request import S3Request, read_tags

REMEMBERED = 16_384
# HTTP method -> subresource in the query -> permission
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
_BUCKET_ACTIONS = {
    "HEAD": {"DEFAULT": "ListBucket"},
    "GET": {"publicAccessBlock": "GetBucketPublicAccessBlock", "encryption": "GetEncryptionConfiguration"},
    "PUT": {"publicAccessBlock": "PutBucketPublicAccessBlock", "encryption": "PutEncryptionConfiguration"},
    "DELETE": {"publicAccessBlock": "PutBucketPublicAccessBlock", "encryption": "PutEncryptionConfiguration"},
}
_EVERYBODY = ("*", {"AWS": "*"}, {"AWS": ["*"]})
_list_with_deleted = S3Backend.list_objects
_put_object = s3_responses.S3Response.put_object
_put_bucket = s3_responses.S3Response._bucket_response_put
_putting = threading.Lock()  # held by conditional writes


class CorrectionMisfits(Exception):
    """moto has changed where a correction applies."""


def apply_corrections() -> None:
    """Change moto, in this process."""
    # GetQueueUrl and calls on a queue that is not there were checked against resource "*",
    # which no policy scoped to queues ever allows.
    replace_attribute(SQSResponse, "_determine_resource", _queue_arn)
    # CreateRole was checked against "*" as well, since there is no such role yet.
    replace_attribute(IamResponse, "_resolve_resource_arn", _role_arn)
    # Some of S3's calls were checked under names that are no permissions, or under CreateBucket and ListBucket.
    for method, actions in _BUCKET_ACTIONS.items():
        s3_responses.ACTION_MAP["BUCKET"][method].update(actions)
    # Resources were taken for regular expressions, and unknown conditions for fulfilled.
    replace_attribute(access_control, "IAMPolicy", StoredPolicy)
    # Policies were enforced on signed headers only: a presigned URL or an anonymous request ended the connection;
    # and deleting many objects at once was asked of the bucket, which no policy scoped to a prefix ever allows.
    replace_attribute(access_control, "S3IAMRequest", S3Request)
    # A bucket policy's statement was applied whomever it names, under whatever Condition: a Deny of all but some
    # principals locked everybody out. Such statements are the gateway's to evaluate, when it vends credentials.
    replace_attribute(FakeBucket, "get_permission", _decide_for_everybody)
    # The tags in CreateBucket's body were not set: a bucket whose maker is killed would not say whose it is.
    replace_attribute(s3_responses.S3Response, "_bucket_response_put", _put_bucket_with_tags)
    # Policies of any size were taken.
    for owner, name, limited in limited_methods():
        replace_attribute(owner, name, limited)
    # A folder whose objects are all deleted went on being listed in a versioned bucket.
    replace_attribute(S3Backend, "list_objects", _list_existing)
    # Of two that put an object only if there is none, both were told that they had: it was looked first, put later.
    replace_attribute(s3_responses.S3Response, "put_object", _put_one_at_a_time)
    # Every instance ever made was remembered for a dashboard: a leak in a server that runs for days.
    replace_attribute(BaseModel, "__new__", lambda cls, *_args, **_kwargs: object.__new__(cls))
    # All attributes of the queue, each counting all messages, were worked out for every message of a receive:
    # 0.4 s to receive ten of 700.
    replace_attribute(SQSBackend, "is_message_valid_based_on_retention_period", _is_retained)
    # For each message sent, the time is asked for four times for every message that waits, and was worked out by
    # calendar: a tenth of what moto does while a year is landed.
    replace_attribute(sqs_models, "unix_time", time.time)
    replace_attribute(sqs_models, "unix_time_millis", lambda: time.time() * 1000)
    # Both are pure. The first lists moto's source directory twice per request, a quarter of a request's time;
    # the second parses the time of each object of each listing by guessing its format.
    remember_answers(DomainDispatcherApplication, "get_backend_for_host")
    remember_answers(serialize, "parse_to_aware_datetime")


def end_expired_sessions() -> None:
    """Forget assumed roles past their end: moto would honour their keys for ever."""
    now = utcnow()
    for partitions in list(sts_backends.values()):
        for backend in list(partitions.values()):
            alive = [role for role in backend.assumed_roles if role.expiration > now]
            if len(alive) < len(backend.assumed_roles):
                backend.assumed_roles[:] = alive


def replace_attribute(owner: Any, name: str, replacement: Any) -> None:
    """Put a replacement in the place of something of moto's.

    Raises:
        CorrectionMisfits: there is nothing of that name.
    """
    if not hasattr(owner, name):
        raise CorrectionMisfits(f"moto {version('moto')} has no {owner.__name__}.{name}; uv.lock names a tested one")
    setattr(owner, name, replacement)


def remember_answers(owner: Any, name: str) -> None:
    """Let a pure function answer from memory what it was asked before."""
    replace_attribute(owner, name, lru_cache(REMEMBERED)(getattr(owner, name, None)))  # type: ignore[arg-type]


def _decide_for_everybody(bucket: FakeBucket, action: str, resource: str) -> Any:
    if bucket.policy is None:
        return access_control.PermissionResult.NEUTRAL
    document = json.loads(bucket.policy)
    statements = document["Statement"] if isinstance(document["Statement"], list) else [document["Statement"]]
    for_all = [one for one in statements if not one.get("Condition") and one.get("Principal") in _EVERYBODY]
    return StoredPolicy(json.dumps({**document, "Statement": for_all})).is_action_permitted(action, resource)


def _list_existing(backend: S3Backend, bucket: FakeBucket, prefix: str | None, *rest: Any, **named: Any) -> Any:
    existing = {
        name: key
        for name, key in bucket.keys.items()
        if name.startswith(prefix or "") and not isinstance(key, FakeDeleteMarker)
    }
    return _list_with_deleted(backend, SimpleNamespace(keys=existing), prefix, *rest, **named)  # type: ignore[arg-type]


def _put_one_at_a_time(response: s3_responses.S3Response) -> Any:
    is_conditional = response.headers.get("If-None-Match") or response.headers.get("If-Match")
    with _putting if is_conditional else nullcontext():
        return _put_object(response)


def _put_bucket_with_tags(response: s3_responses.S3Response, request: Any, bucket_name: str, query: Any) -> Any:
    answer = _put_bucket(response, request, bucket_name, query)
    if not query and (tags := read_tags(response.body.decode())):
        response.backend.put_bucket_tagging(bucket_name, tags)
    return answer


def _queue_arn(response: SQSResponse) -> str:
    if response._get_action() in ("ListQueues", "StartMessageMoveTask"):
        return "*"
    name = response._get_param("QueueName") or response._get_queue_name()
    return f"arn:{response.partition}:sqs:{response.region}:{response.current_account}:{name}"


def _role_arn(response: IamResponse, name: str) -> str:
    new = f"arn:{response.partition}:iam::{response.current_account}:role/{name}"
    return next((role.arn for role in response.backend.get_roles() if role.name == name), new)


def _is_retained(backend: SQSBackend, queue_name: str, message: Message) -> bool:
    queue: Any = backend.get_queue(queue_name)
    return bool(queue.message_retention_period + (message.sent_timestamp or 0) / 1000 > time.time())
