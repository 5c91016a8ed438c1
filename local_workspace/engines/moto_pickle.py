"""How the moto child's state is written down: object bodies as files, the rest of moto's objects as pickles.

Runs inside the moto process only. When and where it is written is moto_state.py's.
"""

from __future__ import annotations

import io
import itertools
import pickle
import threading
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from cryptography.hazmat.primitives import serialization
from moto.backends import get_backend
from moto.core.base_backend import BaseBackend
from moto.s3 import models as s3_models
from moto.s3.utils import _VersionedKeyStore

from local_workspace.engines.moto_corrections import replace_attribute

BODIES_PER_DIRECTORY = 1000


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


class StatePickler(pickle.Pickler):
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
            return live_backend, (type(obj).__module__.split(".")[1], obj.account_id, obj.region_name)
        if isinstance(obj, threading.Condition):
            return threading.Condition, ()
        if type(obj).__module__ == "_thread":
            return threading.RLock if "RLock" in type(obj).__name__ else threading.Lock, ()
        if hasattr(obj, "private_bytes"):
            return _load_private_key, (_dump_private_key(obj),)
        return NotImplemented


def live_backend(service: str, account: str, region: str) -> Any:
    """Return moto's backend itself, which is never pickled, only what it holds."""
    return get_backend(service)[account][region]  # type: ignore[call-overload]


def keep_bodies_as_files(bodies: Bodies) -> None:
    """Make moto keep the values of objects in files of ours."""
    StoredBody.bodies = bodies
    replace_attribute(s3_models, "tempfile", SimpleNamespace(SpooledTemporaryFile=StoredBody))
    replace_attribute(s3_models.FakeKey, "__getstate__", _key_state)
    replace_attribute(s3_models.FakeKey, "__setstate__", _set_key_state)


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
