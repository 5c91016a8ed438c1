"""S3 events as they stand in a queue's message: which objects came, or why that cannot be said.

A message holds a notification of S3, bare or in the envelope of SNS, or an event of EventBridge:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

_CREATED, _GONE = "ObjectCreated:", ("ObjectRemoved:", "LifecycleExpiration:")
_BRIDGE_CREATED, _BRIDGE_GONE = "Object Created", "Object Deleted"


@dataclass(frozen=True, order=True)
class LandedObject:
    """An object that came; `identity` tells one write of a key from the next, and is the same in each redelivery."""

    bucket: str
    key: str
    identity: str


@dataclass(frozen=True)
class Reading:
    """What a message says: objects that came, and problems that send it to the dead letters. Neither: ignore it."""

    objects: tuple[LandedObject, ...] = ()
    problems: tuple[str, ...] = ()


class _Unreadable(Exception):
    """Why a part of a message cannot be read."""


def read_message(body: str) -> Reading:
    """Read a message's body. Never raises: what is wrong is a problem of the reading."""
    try:
        document = _parse(body)
        if _is_envelope(document):
            document = _parse(document["Message"])
    except _Unreadable as error:
        return Reading(problems=(str(error),))
    if not isinstance(document, dict):
        return Reading(problems=("not an S3 event: the JSON is no object",))
    if document.get("Event") == "s3:TestEvent":
        return Reading()
    if document.get("source") == "aws.s3":
        return _read_bridge(document)
    records = document.get("Records")
    if not isinstance(records, list) or not records:
        return Reading(problems=("not an S3 event: it has no Records",))
    return _join([_read_record(record) for record in records])


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise _Unreadable(f"not JSON: {error}") from None
    except RecursionError:
        raise _Unreadable("not JSON that can be read: it is nested too deeply") from None


def _is_envelope(document: Any) -> bool:
    is_notification = isinstance(document, dict) and document.get("Type") == "Notification"
    return is_notification and isinstance(document.get("Message"), str)


def _join(readings: list[Reading]) -> Reading:
    return Reading(
        tuple(found for reading in readings for found in reading.objects),
        tuple(problem for reading in readings for problem in reading.problems),
    )


def _read_record(record: Any) -> Reading:
    try:
        name = _text(record, "eventName").removeprefix("s3:")
        if name.startswith(_GONE):
            return Reading()
        if not name.startswith(_CREATED):
            return Reading(problems=(f"event {name!a} is not about an object that came",))
        described = _part(_part(record, "s3"), "object")
        bucket, key = _text(_part(_part(record, "s3"), "bucket"), "name"), unquote_plus(_text(described, "key"))
        # S3 sends a sequencer and, of a versioned bucket, a versionId; the time tells writes apart without them
        identity = _join_texts(described, "eTag", "versionId", "sequencer"), _join_texts(record, "eventTime")
        return Reading(objects=(LandedObject(bucket, _storable(key), " ".join(identity)),))
    except _Unreadable as error:
        return Reading(problems=(str(error),))


def _read_bridge(event: Mapping[str, Any]) -> Reading:
    """Read an event of EventBridge, in which a key is not encoded."""
    try:
        kind = _text(event, "detail-type")
        if kind == _BRIDGE_GONE:
            return Reading()
        if kind != _BRIDGE_CREATED:
            return Reading(problems=(f"event {kind!a} is not about an object that came",))
        detail = _part(event, "detail")
        described = _part(detail, "object")
        bucket, key = _text(_part(detail, "bucket"), "name"), _text(described, "key")
        identity = _join_texts(described, "etag", "version-id", "sequencer"), _join_texts(event, "time")
        return Reading(objects=(LandedObject(bucket, _storable(key), " ".join(identity)),))
    except _Unreadable as error:
        return Reading(problems=(str(error),))


def _part(document: Any, name: str) -> Mapping[str, Any]:
    found = document.get(name) if isinstance(document, dict) else None
    if not isinstance(found, dict):
        raise _Unreadable(f"a record without {name!r}, or it is no object")
    return found


def _text(document: Any, name: str) -> str:
    found = document.get(name) if isinstance(document, dict) else None
    if not isinstance(found, str):
        raise _Unreadable(f"a record without {name!r}, or it is no text")
    return _storable(found)


def _join_texts(document: Mapping[str, Any], *names: str) -> str:
    found = [document.get(name, "") for name in names]
    if not all(isinstance(part, str | int) for part in found):
        raise _Unreadable(f"a record of which one of {', '.join(names)} is no text")
    return _storable(" ".join(map(str, found)))


def _storable(text: str) -> str:
    """Return a text that S3 could have sent: no key has half of a character that takes two in UTF-16."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _Unreadable(f"a text that is no Unicode: {text[:200]!a}") from None
    return text
