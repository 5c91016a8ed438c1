"""The landing feeder: puts the demo's files into the landing bucket, those already there are not written again.

Content is compared by a SHA-256 in the object's metadata: an ETag is no MD5 once a KMS key encrypts the bucket.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from demo.failures import DemoFailed
from demo.flights_data import DATASETS, LandingFile, check_datasets, check_days, make_files
from demo.phases import Say
from lakehouse.targets import Target
from lakehouse.workspace import open_aws

_DIGEST = "sha256"
_PARALLEL_PUTS = 8
_ABSENT = ("NoSuchBucket", "404")


class LandingFailed(DemoFailed):
    """Nothing can be landed; the message says what to do."""


@dataclass
class Landed:
    """What happened to the files of one data set."""

    written: int = 0
    unchanged: int = 0
    rows: int = 0
    bytes: int = 0

    def add(self, file: LandingFile, is_written: bool) -> None:
        """Count one file."""
        self.written += is_written
        self.unchanged += not is_written
        self.rows += file.rows
        self.bytes += len(file.body)


@dataclass
class Landing:
    """The result of landing a range of days."""

    bucket: str
    first: date
    last: date
    datasets: dict[str, Landed] = field(default_factory=dict)

    @property
    def written(self) -> int:
        """How many objects were written."""
        return sum(landed.written for landed in self.datasets.values())

    @property
    def unchanged(self) -> int:
        """How many objects were there already, with the same content."""
        return sum(landed.unchanged for landed in self.datasets.values())

    def as_json(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return {
            "bucket": self.bucket,
            "from": str(self.first),
            "to": str(self.last),
            "written": self.written,
            "unchanged": self.unchanged,
            "datasets": {name: asdict(landed) for name, landed in self.datasets.items()},
        }


def land(target: Target, first: date, last: date, say: Say, datasets: Sequence[str] = tuple(DATASETS)) -> Landing:
    """Write the files of a range of days to the landing bucket, as the deployer. Safe to repeat.

    Raises:
        UnusableInput: days or data sets that do not exist.
        LandingFailed: no bucket, no right to write to it, or nothing answers.
    """
    check_days(first, last)
    check_datasets(datasets)
    landing = Landing(target.bucket("landing"), first, last, {name: Landed() for name in datasets})
    with _explained(landing.bucket):
        client = _open_s3(target)
        present = _list_sizes(client, landing.bucket, datasets)
        files = make_files(first, last, datasets)
        for file, is_written in _put_all(files, lambda file: _put(client, landing.bucket, file, present)):
            landing.datasets[file.dataset].add(file, is_written)
            say(f"{file.key} {'written' if is_written else 'unchanged'}")
    return landing


def _open_s3(target: Target) -> Any:
    from botocore.config import Config

    config = Config(max_pool_connections=_PARALLEL_PUTS, retries={"mode": "standard", "max_attempts": 4})
    return open_aws(target, "deployer").client("s3", config=config)


def _list_sizes(client: Any, bucket: str, datasets: Sequence[str]) -> Mapping[str, int]:
    pages = client.get_paginator("list_objects_v2")
    return {
        item["Key"]: item["Size"]
        for name in datasets
        for page in pages.paginate(Bucket=bucket, Prefix=f"{name}/")
        for item in page.get("Contents", ())
    }


def _put_all(files: Iterator[LandingFile], put: Callable[[LandingFile], bool]) -> Iterator[tuple[LandingFile, bool]]:
    """Put files in parallel as they are made; a bounded number waits, so a year does not sit in memory."""
    waiting: dict[Future[bool], LandingFile] = {}
    with ThreadPoolExecutor(_PARALLEL_PUTS) as threads:
        for file in files:
            waiting[threads.submit(put, file)] = file
            if len(waiting) >= 4 * _PARALLEL_PUTS:
                yield from _take_done(waiting)
        while waiting:
            yield from _take_done(waiting)


def _take_done(waiting: dict[Future[bool], LandingFile]) -> Iterator[tuple[LandingFile, bool]]:
    for future in wait(waiting, return_when=FIRST_COMPLETED).done:
        yield waiting.pop(future), future.result()


def _put(client: Any, bucket: str, file: LandingFile, present: Mapping[str, int]) -> bool:
    digest = hashlib.sha256(file.body).hexdigest()
    if present.get(file.key) == len(file.body):
        metadata = client.head_object(Bucket=bucket, Key=file.key)["Metadata"]
        if metadata.get(_DIGEST) == digest:
            return False
    client.put_object(
        Bucket=bucket,
        Key=file.key,
        Body=file.body,
        ContentType="application/x-ndjson",
        Metadata={_DIGEST: digest},
    )
    return True


@contextmanager
def _explained(bucket: str) -> Iterator[None]:
    """Turn what AWS says into what to do."""
    from botocore.exceptions import ClientError, EndpointConnectionError

    try:
        yield
    except EndpointConnectionError as error:
        raise LandingFailed(f"S3 does not answer; is the workspace up (`lakehouse local up`)? {error}") from error
    except ClientError as error:
        if error.response["Error"]["Code"] in _ABSENT:
            raise LandingFailed(f"Bucket {bucket} does not exist: run `lakehouse apply` first") from error
        raise LandingFailed(f"Cannot land in bucket {bucket}: {error}") from error
