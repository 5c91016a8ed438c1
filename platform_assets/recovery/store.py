"""Where snapshots are kept: numbered objects in the recovery bucket, each written once and never changed.

A folder for each estate, so that a replica of one bucket and snapshots of another's own fit into the same bucket.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lakehouse.targets import Target
from lakehouse.workspace import WorkspaceUnreachable
from platform_assets.recovery.snapshot import (
    InvalidSnapshot,
    Snapshot,
    SnapshotChanges,
    compare_snapshots,
    read_snapshot,
    write_snapshot,
)
from platform_assets.resource_types.model import Clients
from platform_assets.resource_types.sdk_errors import is_missing

BUCKET = "recovery"
LATEST = "latest"
_FOLDER = "snapshots"
_NUMBER = re.compile(r"/v(\d{6,})\.json$")
_TAKEN = ("PreconditionFailed", "ConditionalRequestConflict")


class NoRecoveryBucket(Exception):
    """There is no bucket to write to; the message says where it comes from."""


class SnapshotStore:
    """The snapshots of one estate (by its bucket prefix) in the recovery bucket of a target."""

    def __init__(self, clients: Clients, estate: str) -> None:
        self._clients = clients
        self._estate = estate
        self.bucket = clients.target.bucket(BUCKET)

    def place(self, number: int) -> str:
        """Return the s3:// URL of a version."""
        return f"s3://{self.bucket}/{self._key(number)}"

    def find_numbers(self) -> list[int]:
        """Return the numbers of all versions, the latest last; none without the bucket."""
        try:
            return sorted(self._list())
        except Exception as error:
            if is_missing(error):
                return []
            raise

    def read(self, number: int) -> Snapshot:
        """Return a version.

        Raises:
            InvalidSnapshot: it is not there, or damaged.
        """
        try:
            answer = self._clients.aws("s3").get_object(Bucket=self.bucket, Key=self._key(number))
        except Exception as error:
            if is_missing(error):
                raise InvalidSnapshot(f"There is no snapshot {self.place(number)}: {self._list_there()}") from error
            raise
        return read_snapshot(answer["Body"].read().decode(errors="replace"), self.place(number))

    def put(self, snapshot: Snapshot) -> tuple[int, bool, SnapshotChanges]:
        """Write a new version unless the latest says the same; return its number, whether it is new, what changed.

        Of two at once the second sees what the first has written. A damaged latest version is followed by a whole one.

        Raises:
            NoRecoveryBucket: there is nowhere to write to.
        """
        while True:
            number, is_new, changes = self.compare(snapshot)
            if not is_new or self._write(number, write_snapshot(snapshot)):
                return number, is_new, changes

    def compare(self, snapshot: Snapshot) -> tuple[int, bool, SnapshotChanges]:
        """Return what `put` would, and write nothing."""
        number, latest = self._read_comparable()
        if latest is not None and latest.content == snapshot.content:
            return number, False, SnapshotChanges()
        return number + 1, True, compare_snapshots(latest, snapshot)

    def _read_comparable(self) -> tuple[int, Snapshot | None]:
        numbers = self.find_numbers()
        if not numbers:
            return 0, None
        try:
            return numbers[-1], self.read(numbers[-1])
        except InvalidSnapshot:
            return numbers[-1], None

    def _write(self, number: int, text: str) -> bool:
        from botocore.exceptions import ClientError

        try:
            self._clients.aws("s3").put_object(
                Bucket=self.bucket,
                Key=self._key(number),
                Body=text.encode(),
                ContentType="application/json",
                IfNoneMatch="*",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in _TAKEN:
                return False
            if is_missing(error):
                raise NoRecoveryBucket(
                    f"There is no bucket {self.bucket} to write to: `lakehouse apply -s +s3_bucket/{BUCKET}` makes it"
                ) from error
            raise
        return True

    def _list(self) -> Iterator[int]:
        pages = self._clients.aws("s3").get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self.bucket, Prefix=f"{_FOLDER}/{self._estate}/"):
            found: list[Any] = page.get("Contents", [])
            yield from (int(match[1]) for one in found if (match := _NUMBER.search(one["Key"])))

    def _list_there(self) -> str:
        numbers = self.find_numbers()
        if not numbers:
            return "there is none, `lakehouse export` makes one"
        return f"there are v{numbers[0]} to v{numbers[-1]}"

    def _key(self, number: int) -> str:
        return f"{_FOLDER}/{self._estate}/v{number:06}.json"


def fetch_snapshot(wanted: str, target: Target, source: Target) -> tuple[str, Snapshot]:
    """Return where a snapshot for a recovery target lies, and the snapshot.

    `wanted` is a file, `latest`, or a version such as v12, which is looked for in the recovery bucket of the target
    itself, where replication puts it, and in that of the source, which may be lost.

    Raises:
        InvalidSnapshot: there is none, or it cannot be read.
    """
    if wanted != LATEST and not re.fullmatch(r"v\d+", wanted):
        return wanted, _read_file(Path(wanted))
    stores, unreachable = _open_stores((target, source), source.bucket_prefix)
    found = {number: store for numbers, store in reversed(stores) for number in numbers}
    number = max(found, default=0) if wanted == LATEST else int(wanted.removeprefix("v"))
    if number not in found:
        there = ", ".join(f"v{one}" for one in sorted(found)[-5:]) or "none"
        raise InvalidSnapshot(
            f"There is no snapshot {wanted} of target {source.name}; found: {there}. `lakehouse export` makes one"
            + "".join(f"\n{reason}" for reason in unreachable)
        )
    return found[number].place(number), found[number].read(number)


def _open_stores(targets: Sequence[Target], estate: str) -> tuple[list[tuple[list[int], SnapshotStore]], list[str]]:
    """Return the stores that answer with the numbers in them, and why others do not."""
    from botocore.exceptions import BotoCoreError, ClientError

    found, unreachable = [], []
    for target in targets:
        try:
            store = SnapshotStore(Clients(target), estate)
            found.append((store.find_numbers(), store))
        except (BotoCoreError, ClientError, WorkspaceUnreachable) as error:
            unreachable.append(f"The recovery bucket of {target.name} cannot be read: {error}")
    return found, unreachable


def _read_file(path: Path) -> Snapshot:
    try:
        return read_snapshot(path.read_text(), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSnapshot(f"{path} cannot be read ({error}); a snapshot is a file, latest, or vNUMBER") from error
