"""Durable state of the moto child: object bodies as files, the rest as one snapshot of moto's backends.

Runs inside the moto process only. A body is written once, when it is put, so a snapshot holds only metadata
and is cheap enough to take after every burst of writes. Serving requests is in moto_child.py.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import os
import pickle
import threading
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from cryptography.hazmat.primitives import serialization
from moto.backends import get_backend
from moto.core.base_backend import BaseBackend
from moto.core.common_models import BaseModel
from moto.s3 import models as s3_models
from moto.s3.utils import _VersionedKeyStore

SERVICES = ("s3", "sqs", "iam", "kms", "sts")
FORMAT = 1
BODIES_PER_DIRECTORY = 1000


class SnapshotMismatch(Exception):
    """The stored state was written by another version of moto or of this module."""


class Bodies:
    """Files of object bodies, numbered upwards; a body never changes once it is written."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._numbers = itertools.count(max(self._stored(), default=0) + 1)

    def write(self, data: bytes) -> int:
        """Store a body and return its number."""
        number = next(self._numbers)
        path = self._path(number)
        try:
            path.write_bytes(data)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return number

    def open(self, number: int) -> io.BufferedReader:
        """Open a body for reading."""
        return self._path(number).open("rb")

    def next_number(self) -> int:
        """Return a number above all that are written by now."""
        return next(self._numbers)

    def remove_unreferenced(self, referenced: set[int], below: int) -> None:
        """Remove the bodies numbered under `below` that no object holds any more."""
        for number in self._stored():
            if number < below and number not in referenced:
                self._path(number).unlink(missing_ok=True)

    def _stored(self) -> Iterable[int]:
        return (int(path.name) for path in self._directory.glob("*/*"))

    def _path(self, number: int) -> Path:
        return self._directory / str(number // BODIES_PER_DIRECTORY) / str(number)


class StoredBody:
    """Stands in for the temporary file in which moto's FakeKey keeps its value."""

    bodies: Bodies

    def __init__(self, _max_size: int = 0, **_options: Any) -> None:
        self.number: int | None = None
        self._position = 0

    def seek(self, position: int) -> int:
        """Move to an absolute position."""
        self._position = position
        return position

    def truncate(self) -> None:
        """Forget the content; the file goes with the next snapshot."""
        self.number = None

    def write(self, data: bytes) -> int:
        """Store the whole content; moto writes a value in one call."""
        if self.number is not None:
            raise NotImplementedError("a stored body is written once")
        self.number = self.bodies.write(data)
        return len(data)

    def read(self, size: int = -1) -> bytes:
        """Read from the position on."""
        if self.number is None:
            return b""
        with self.bodies.open(self.number) as file:
            file.seek(self._position)
            data = file.read(size)
        self._position += len(data)
        return data

    def close(self) -> None:
        """Nothing is held open."""


class MotoState:
    """Saves and restores moto's backends under one directory."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._path = directory / "state.pickle"
        self._bodies = Bodies(directory / "objects")
        _keep_bodies_as_files(self._bodies)

    def save(self) -> None:
        """Write the snapshot atomically, then drop the bodies that nothing references any more."""
        below = self._bodies.next_number()
        buffer = io.BytesIO()
        pickler = _StatePickler(buffer)
        pickler.dump(_collect())
        temporary = self._path.with_name(f"state.{os.getpid()}.tmp")
        temporary.write_bytes(_header() + buffer.getbuffer())
        temporary.replace(self._path)
        self._bodies.remove_unreferenced(pickler.referenced, below)

    def save_in_fork(self) -> int:
        """Save a point in time from a forked copy while this process goes on; return the copy's pid."""
        pid = os.fork()
        if pid:
            return pid
        status = 1
        try:
            self.save()
            status = 0
        finally:
            os._exit(status)

    def restore(self) -> bool:
        """Load the snapshot; say whether there was one.

        Raises:
            SnapshotMismatch: another version wrote it.
        """
        for stale in self._path.parent.glob("state.*.tmp"):
            stale.unlink()
        if not self._path.exists():
            return False
        with self._path.open("rb") as file:
            header = file.readline()
            if header != _header():
                raise SnapshotMismatch(
                    f"{self._path} was written as {header.decode().strip()}, "
                    f"this is {_header().decode().strip()}; "
                    "run `lakehouse local reset` to start over"
                )
            _install(pickle.load(file))
        return True


class _StatePickler(pickle.Pickler):
    """Pickles what backends hold: locks start anew, private keys travel as PEM, bodies as their number."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file, protocol=5)
        self.referenced: set[int] = set()

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, StoredBody):
            self.referenced.add(obj.number or 0)
            return _restore_body, (obj.number,)
        if isinstance(obj, _VersionedKeyStore):  # its items() shows only the latest version of each key
            versions = [(key, obj.getlist(key)) for key in list(obj)]
            return _VersionedKeyStore, (), versions, None, None, _set_versions
        if isinstance(obj, BaseBackend):
            return _live_backend, (type(obj).__module__.split(".")[1], obj.account_id, obj.region_name)
        if isinstance(obj, threading.Condition):
            return threading.Condition, ()
        if type(obj).__module__ == "_thread":
            return threading.RLock if "RLock" in type(obj).__name__ else threading.Lock, ()
        if hasattr(obj, "private_bytes"):
            return _load_private_key, (_dump_private_key(obj),)
        return NotImplemented


def _collect() -> dict[str, dict[str, dict[str, dict[str, Any]]]]:
    return {
        service: {
            account: {region: dict(vars(backend)) for region, backend in list(regions.items())}
            for account, regions in list(get_backend(service).items())  # type: ignore[call-overload]
        }
        for service in SERVICES
    }


def _live_backend(service: str, account: str, region: str) -> Any:
    return get_backend(service)[account][region]  # type: ignore[call-overload]


def _install(state: dict[str, dict[str, dict[str, dict[str, Any]]]]) -> None:
    for service, accounts in state.items():
        for account, regions in accounts.items():
            for region, attributes in regions.items():
                vars(_live_backend(service, account, region)).update(attributes)


def _header() -> bytes:
    return json.dumps({"format": FORMAT, "moto": version("moto")}).encode() + b"\n"


def _keep_bodies_as_files(bodies: Bodies) -> None:
    StoredBody.bodies = bodies
    _replace(s3_models, "tempfile", SimpleNamespace(SpooledTemporaryFile=StoredBody))
    _replace(s3_models.FakeKey, "__getstate__", _key_state)
    _replace(s3_models.FakeKey, "__setstate__", _set_key_state)
    # moto remembers every instance ever made, for its dashboard: a leak in a server that runs for days.
    _replace(BaseModel, "__new__", lambda cls, *_args, **_kwargs: object.__new__(cls))


def _replace(owner: Any, name: str, replacement: Any) -> None:
    if not hasattr(owner, name):
        raise SnapshotMismatch(f"moto {version('moto')} has no {owner.__name__}.{name}; see uv.lock for the tested one")
    setattr(owner, name, replacement)


def _key_state(key: s3_models.FakeKey) -> dict[str, Any]:
    return {name: value for name, value in vars(key).items() if name != "lock"}


def _set_key_state(key: s3_models.FakeKey, state: dict[str, Any]) -> None:
    vars(key).update(state, lock=threading.Lock())


def _restore_body(number: int | None) -> StoredBody:
    body = StoredBody()
    body.number = number
    return body


def _set_versions(store: _VersionedKeyStore, versions: list[tuple[str, list[Any]]]) -> None:
    for key, objects in versions:
        store.setlist(key, objects)


def _dump_private_key(key: Any) -> bytes:
    pem = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return bytes(key.private_bytes(*pem))


def _load_private_key(pem: bytes) -> Any:
    return serialization.load_pem_private_key(pem, None)


def reap(pid: int) -> int | None:
    """Return the exit status of a forked save that has ended, None while it runs."""
    with contextlib.suppress(ChildProcessError):
        done, status = os.waitpid(pid, os.WNOHANG)
        return os.waitstatus_to_exitcode(status) if done else None
    return 0
