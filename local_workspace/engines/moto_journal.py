"""Journal of S3: what each write left behind, appended before the write is acknowledged.

Runs inside the moto process only. A snapshot starts a new journal and removes the older ones once it is written;
after a crash, the journals from the snapshot's on are replayed over it. Not journaled: uploads in progress.
"""

from __future__ import annotations

import io
import pickle
import re
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any
from xml.sax.saxutils import unescape

from moto.s3.models import FakeBucket, MultipartDict, s3_backends
from moto.s3.utils import _VersionedKeyStore

from local_workspace.engines.moto_pickle import StatePickler

UNJOURNALED = ("keys", "multiparts")


class Journal:
    """Numbered files of records, the last one open for appending."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._number = max((number for number, _ in self._files()), default=0)
        self._file: IO[bytes] | None = None

    def start_next(self) -> int:
        """Begin a new file and return its number; the files before it belong to the snapshot being taken."""
        with self._lock:
            if self._file is not None:
                self._file.close()
            self._number += 1
            self._file = (self._directory / f"journal.{self._number}").open("ab", buffering=0)
            return self._number

    def note(self, account: str, bucket: str, keys: Iterable[str]) -> None:
        """Append how the objects are now, or without keys how the bucket is."""
        with self._lock:
            buffer = io.BytesIO()
            for record in [_describe_key(account, bucket, key) for key in keys] or [_describe_bucket(account, bucket)]:
                StatePickler(buffer).dump(record)
            assert self._file is not None
            self._file.write(buffer.getbuffer())

    def replay(self, first: int) -> None:
        """Apply the records of the files numbered `first` and above; a record cut short was never acknowledged."""
        for number, path in sorted(self._files()):
            if number >= first:
                with path.open("rb") as file:
                    _apply_all(file)

    def remove_before(self, number: int) -> None:
        """Remove the files numbered under `number`."""
        for old, path in list(self._files()):
            if old < number:
                path.unlink(missing_ok=True)

    def _files(self) -> Iterable[tuple[int, Path]]:
        return ((int(path.suffix[1:]), path) for path in self._directory.glob("journal.*"))


def touched_objects(environ: Mapping[str, Any], body: bytes) -> tuple[str, list[str]]:
    """Return the bucket and keys an S3 write is about, from its path-style address and body."""
    path = environ["PATH_INFO"].encode("latin-1").decode(errors="replace")
    bucket, _, key = path.removeprefix("/").partition("/")
    if key:
        return bucket, [key]
    if "delete" in environ["QUERY_STRING"].split("&") or environ["QUERY_STRING"].startswith("delete="):
        return bucket, [unescape(found) for found in re.findall(r"<Key>(.*?)</Key>", body.decode(), re.DOTALL)]
    return bucket, []


def _describe_key(account: str, bucket: str, key: str) -> tuple[str, str, str | None, Any]:
    found = s3_backends[account]["aws"].buckets.get(bucket)
    versions: list[Any] | None = found.keys.getlist(key) if found is not None else None
    return account, bucket, key, versions


def _describe_bucket(account: str, bucket: str) -> tuple[str, str, str | None, Any]:
    found = s3_backends[account]["aws"].buckets.get(bucket)
    if found is None:
        return account, bucket, None, None
    return account, bucket, None, {name: value for name, value in vars(found).items() if name not in UNJOURNALED}


def _apply_all(file: IO[bytes]) -> None:
    while True:
        try:
            account, bucket, key, state = pickle.load(file)
        except (EOFError, pickle.UnpicklingError):
            return
        buckets = s3_backends[account]["aws"].buckets
        if key is not None:
            if bucket in buckets:
                _apply_key(buckets[bucket], key, state)
        elif state is None:
            buckets.pop(bucket, None)
        else:
            _apply_bucket(buckets, bucket, state)


def _apply_key(bucket: FakeBucket, key: str, versions: list[Any] | None) -> None:
    dict.pop(bucket.keys, key, None)
    if versions:
        bucket.keys.setlist(key, versions)


def _apply_bucket(buckets: dict[str, FakeBucket], name: str, state: dict[str, Any]) -> None:
    bucket_class: Any = FakeBucket
    if name not in buckets:
        buckets[name] = object.__new__(bucket_class)
        buckets[name].keys, buckets[name].multiparts = _VersionedKeyStore(), MultipartDict()
    vars(buckets[name]).update(state)
