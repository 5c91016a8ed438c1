"""File events of external locations: which queue tells of files that come and go. Who reads that queue is not here.

https://docs.databricks.com/api/workspace/externallocations
"""

from __future__ import annotations

import re
from typing import Any

from local_workspace.gateway.calls import Call
from local_workspace.gateway.errors import bad_request, not_implemented
from local_workspace.gateway.store import Document

_ENABLED, _QUEUE = "enable_file_events", "file_event_queue"
_KINDS = ("managed_sqs", "provided_sqs")
_OTHER_CLOUDS = ("managed_aqs", "managed_pubsub", "provided_aqs", "provided_pubsub")
_QUEUE_URL = re.compile(r"https://sqs\.([a-z0-9-]+)\.amazonaws\.com/(\d{12})/([A-Za-z0-9_-]{1,80})")


def read_file_events(call: Call) -> Document:
    """Return the fields that a request gives a location; None takes a field away.

    Events are on when a queue is given, and off when nothing is said.

    Raises:
        ApiError: 400 for what the API does not take, 501 for a queue that Databricks would make.
    """
    enabled, queue = call.body.get(_ENABLED), call.body.get(_QUEUE)
    if enabled is None and queue is None:
        return {}
    if enabled is not None and not isinstance(enabled, bool):
        raise bad_request(f"{_ENABLED} must be true or false, got {enabled!r}")
    if enabled is False:
        if queue is not None:
            raise bad_request(f"{_QUEUE} goes with {_ENABLED}, which is false")
        return {_ENABLED: False, _QUEUE: None}
    return {_ENABLED: True, _QUEUE: {"provided_sqs": {"queue_url": _read_url(queue)}}}


def validate_file_events(call: Call, credential: str, location: Document) -> None:
    """Refuse a queue that is not there, or that the role of the credential may not take messages from.

    Raises:
        ApiError: 400 with what is missing.
    """
    queue = location.get(_QUEUE)
    if queue is None or call.body.get("skip_validation"):
        return
    unity, url = call.workspace.unity, queue["provided_sqs"]["queue_url"]
    region, account, name = _split_url(url)
    role = unity.securables.load("storage_credential", credential)["aws_iam_role"]["role_arn"]
    if reason := unity.roles.refuse_queue(role, f"arn:aws:sqs:{region}:{account}:{name}"):
        raise bad_request(
            f"External location validation failed for file events from '{url}': {reason}. "
            f"Fix the role of storage credential '{credential}', or pass skip_validation=true."
        )


def _read_url(queue: Any) -> str:
    given = sorted(queue) if isinstance(queue, dict) else []
    if others := [kind for kind in given if kind in _OTHER_CLOUDS]:
        raise bad_request(f"{_QUEUE}.{others[0]} is not of this cloud; on AWS it is one of {', '.join(_KINDS)}")
    if len(given) != 1 or given[0] not in _KINDS:
        raise bad_request(f"With {_ENABLED}, {_QUEUE} must have exactly one of {', '.join(_KINDS)}; got {given}")
    if given == ["managed_sqs"]:
        raise not_implemented(
            f"{_QUEUE}.managed_sqs: the local workspace has no control plane that makes a topic and a queue in your "
            "account and keeps them; make a queue and pass provided_sqs"
        )
    url = queue["provided_sqs"].get("queue_url") if isinstance(queue["provided_sqs"], dict) else None
    _split_url(url)
    return str(url)


def _split_url(url: object) -> tuple[str, str, str]:
    """Return region, account and name of a queue."""
    if (found := _QUEUE_URL.fullmatch(str(url))) is None:
        form = "https://sqs.{region}.amazonaws.com/{account id}/{queue name}"
        raise bad_request(f"{_QUEUE}.provided_sqs.queue_url must be {form}, got {url!r}")
    region, account, name = found.groups()
    return region, account, name
