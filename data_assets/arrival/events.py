"""S3 event notifications as they stand in a queue's message: which objects came, or why that cannot be said.

Message format: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

_CREATED, _GONE = "ObjectCreated:", ("ObjectRemoved:", "LifecycleExpiration:")


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


def read_message(body: str) -> Reading:
    """Read a message's body. Never raises: what is wrong is a problem of the reading."""
    try:
        document = json.loads(body)
    except ValueError as error:
        return Reading(problems=(f"not JSON: {error}",))
    if not isinstance(document, dict):
        return Reading(problems=("not an S3 event: the JSON is no object",))
    if document.get("Event") == "s3:TestEvent":
        return Reading()
    records = document.get("Records")
    if not isinstance(records, list) or not records:
        return Reading(problems=("not an S3 event: it has no Records",))
    return _join([_read_record(record) for record in records])


def _join(readings: list[Reading]) -> Reading:
    return Reading(
        tuple(found for reading in readings for found in reading.objects),
        tuple(problem for reading in readings for problem in reading.problems),
    )


def _read_record(record: Any) -> Reading:
    try:
        name = str(record["eventName"]).removeprefix("s3:")
        if name.startswith(_GONE):
            return Reading()
        if not name.startswith(_CREATED):
            return Reading(problems=(f"event {name} is not about an object that came",))
        return Reading(objects=(_read_object(record),))
    except (KeyError, TypeError) as error:
        return Reading(problems=(f"a record without {error}",))


def _read_object(record: Mapping[str, Any]) -> LandedObject:
    bucket, described = record["s3"]["bucket"]["name"], record["s3"]["object"]
    # S3 sends a sequencer and, of a versioned bucket, a versionId; the time tells writes apart where both are missing
    parts = [described.get(part, "") for part in ("eTag", "versionId", "sequencer")]
    return LandedObject(
        bucket=str(bucket),
        key=unquote_plus(str(described["key"])),
        identity=" ".join(str(part) for part in (*parts, record.get("eventTime", ""))),
    )
