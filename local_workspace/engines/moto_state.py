"""Durable state of the moto child: what is saved when, and how it comes back.

Runs inside the moto process only. Every acknowledged change survives kill -9: identities, keys, queues and secrets
are written with each change, objects are noted in a journal (moto_journal.py) until the next snapshot holds them.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import os
import pickle
import threading
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from moto.backends import get_backend
from moto.s3.models import s3_backends

from local_workspace.engines.moto_journal import Journal
from local_workspace.engines.moto_pickle import Bodies, StatePickler, keep_bodies_as_files, live_backend

FORMAT = 3


class Part(NamedTuple):
    """A file of the state and the services it holds."""

    file: str
    services: tuple[str, ...]


OBJECTS = Part("state.pickle", ("s3",))
CONTROL = Part("control.pickle", ("iam", "sts", "kms", "sqs", "secretsmanager"))


class SnapshotMismatch(Exception):
    """The stored state was written by another version of moto or of this module."""


class MotoState:
    """Saves and restores moto's backends under one directory.

    `control.pickle` holds identities, keys, queues and secrets and is written with every change of them;
    `state.pickle` holds buckets and objects and is written after bursts of writes, which `journal.*` hold till then.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._bodies = Bodies(directory / "objects")
        self._journal = Journal(directory)
        self._control_lock = threading.Lock()
        self._asked, self._saved = itertools.count(1), 0
        keep_bodies_as_files(self._bodies)

    def save(self) -> None:
        """Write all of it, then drop the bodies that nothing references any more."""
        self.save_control()
        self._save_objects(self._bodies.next_number(), self._journal.start_next())

    def save_control(self) -> None:
        """Write all but the objects. Of many at once a few write: what began after a change was made holds it."""
        number = next(self._asked)
        with self._control_lock:
            if self._saved < number:
                latest = next(self._asked)
                self._write(CONTROL, _collect(CONTROL.services))
                self._saved = latest

    def note_objects(self, account: str, bucket: str, keys: list[str]) -> None:
        """Make a write to S3 durable, and the message about it when the bucket notifies a queue."""
        self._journal.note(account, bucket, keys)
        found = s3_backends[account]["aws"].buckets.get(bucket)
        if found is not None and found.notification_configuration is not None:
            self.save_control()

    def save_in_fork(self) -> int:
        """Save a point in time from a forked copy while this process goes on; return the copy's pid."""
        below, journal = self._bodies.next_number(), self._journal.start_next()
        with self._control_lock:
            pid = os.fork()
        if pid:
            return pid
        status = 1
        try:
            self._save_objects(below, journal)
            status = 0
        finally:
            os._exit(status)

    def restore(self) -> None:
        """Load what was saved, if anything was.

        Raises:
            SnapshotMismatch: another version wrote it.
        """
        for stale in self._directory.glob("*.tmp"):
            stale.unlink()
        _install(self._read(CONTROL) or {})
        objects = self._read(OBJECTS) or {"journal": 0, "backends": {}}
        _install(objects["backends"])
        self._journal.replay(objects["journal"])
        _register_buckets()
        self._journal.start_next()

    def _save_objects(self, below: int, journal: int) -> None:
        """Write the objects; what is older than the snapshot's own body and journal numbers may then go."""
        referenced = self._write(OBJECTS, {"journal": journal, "backends": _collect(OBJECTS.services)})
        self._bodies.remove_unreferenced(referenced, below)
        self._journal.remove_before(journal)

    def _write(self, part: Part, state: Any) -> set[int]:
        buffer = io.BytesIO()
        pickler = StatePickler(buffer)
        pickler.dump(state)
        temporary = self._directory / f"{part.file}.{os.getpid()}.tmp"
        with open(temporary, "wb", opener=_open_private) as file:
            file.write(_header() + buffer.getbuffer())
        temporary.replace(self._directory / part.file)
        return pickler.referenced

    def _read(self, part: Part) -> Any:
        path = self._directory / part.file
        if not path.exists():
            return None
        with path.open("rb") as file:
            header = file.readline()
            if header != _header():
                raise SnapshotMismatch(
                    f"{path} was written as {header.decode().strip()}, this is {_header().decode().strip()}; "
                    "run `lakehouse local reset` to start over"
                )
            return pickle.load(file)


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)  # it holds keys and secrets


def _collect(services: tuple[str, ...]) -> dict[str, dict[str, dict[str, dict[str, Any]]]]:
    return {
        service: {
            account: {region: dict(vars(backend)) for region, backend in list(regions.items())}
            for account, regions in list(get_backend(service).items())  # type: ignore[call-overload]
        }
        for service in services
    }


def _install(state: dict[str, dict[str, dict[str, dict[str, Any]]]]) -> None:
    for service, accounts in state.items():
        for account, regions in accounts.items():
            for region, attributes in regions.items():
                vars(live_backend(service, account, region)).update(attributes)


def _register_buckets() -> None:
    """moto knows which account holds a bucket from a table on the side, filled only when a bucket is made."""
    for account, regions in list(s3_backends.items()):
        for partition, backend in list(regions.items()):
            for name in backend.buckets:
                s3_backends.bucket_accounts[name] = (partition, account)


@cache
def _header() -> bytes:
    return json.dumps({"format": FORMAT, "moto": version("moto")}).encode() + b"\n"


def reap(pid: int) -> int | None:
    """Return the exit status of a forked save that has ended, None while it runs."""
    with contextlib.suppress(ChildProcessError):
        done, status = os.waitpid(pid, os.WNOHANG)
        return os.waitstatus_to_exitcode(status) if done else None
    return 0
