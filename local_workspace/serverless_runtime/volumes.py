"""/Volumes in plain Python: `open`, `os` and through them pathlib and shutil see volumes as directories.

Only calls whose path starts with /Volumes are redirected (to volume_files.py); all else stays untouched.
C libraries that open paths themselves do not see volumes; they get a file object or Spark instead.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

from local_workspace.serverless_runtime import volume_files
from local_workspace.serverless_runtime.gateway_client import GatewayClient, GatewayError
from local_workspace.serverless_runtime.volume_files import DIRECTORIES, FILES, stat_path, to_os_error

ROOT = "/Volumes"


class VolumeEntry:
    """What os.scandir yields for a volume directory."""

    def __init__(self, client: GatewayClient, document: dict[str, Any]) -> None:
        self._client = client
        self.path: str = document["path"].rstrip("/")
        self.name = document.get("name") or self.path.rpartition("/")[2]
        self._is_directory = bool(document.get("is_directory"))

    def __fspath__(self) -> str:
        return self.path

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        """Say whether it is a directory."""
        return self._is_directory

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        """Say whether it is a file."""
        return not self._is_directory

    def is_symlink(self) -> bool:
        """Volumes have no links."""
        return False

    def is_junction(self) -> bool:
        """Volumes have no links."""
        return False

    def inode(self) -> int:
        """Volumes have no inodes."""
        return 0

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result | None:
        """Return the stat."""
        return stat_path(self._client, self.path)


class VolumeListing(Iterator[VolumeEntry]):
    """An os.scandir result: iterator and context manager."""

    def __init__(self, entries: list[VolumeEntry]) -> None:
        self._entries = iter(entries)

    def __next__(self) -> VolumeEntry:
        return next(self._entries)

    def __enter__(self) -> VolumeListing:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Nothing is held open."""


class VolumeCalls:
    """The os functions on volume paths."""

    def __init__(self, client: GatewayClient) -> None:
        self._client = client

    def open(self, path: str, *args: Any, **options: Any) -> Any:
        """Open a file."""
        options.pop("closefd", None)
        options.pop("opener", None)
        return volume_files.open_volume_file(self._client, path, *args, **options)

    def stat(self, path: str, **_: Any) -> os.stat_result | None:
        """Return the stat."""
        return stat_path(self._client, path)

    def access(self, path: str, mode: int = 0, **_: Any) -> bool:
        """Say whether it is there; rights show when it is used."""
        return stat_path(self._client, path, missing_ok=True) is not None

    def listdir(self, path: str = ROOT) -> list[str]:
        """Return the names in a directory."""
        return [entry.name for entry in self.scandir(path)]

    def scandir(self, path: str = ROOT) -> VolumeListing:
        """Return the entries of a directory."""
        stat_path(self._client, path)
        entries: list[VolumeEntry] = []
        query: dict[str, str] = {}
        while True:
            page = self._call("GET", DIRECTORIES, path, query)
            entries += [VolumeEntry(self._client, item) for item in page.get("contents", [])]
            if not page.get("next_page_token"):
                return VolumeListing(entries)
            query = {"page_token": page["next_page_token"]}

    def mkdir(self, path: str, mode: int = 0o777, **_: Any) -> None:
        """Make a directory; its parent must exist."""
        if stat_path(self._client, path, missing_ok=True):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        stat_path(self._client, os.path.dirname(path))
        self._call("PUT", DIRECTORIES, path)

    def remove(self, path: str, **_: Any) -> None:
        """Delete a file."""
        self._call("DELETE", FILES, path)

    def rmdir(self, path: str, **_: Any) -> None:
        """Delete an empty directory."""
        if self.listdir(path):
            raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), path)
        self._call("DELETE", DIRECTORIES, path)

    def rename(self, source: str, target: str, **_: Any) -> None:
        """Copy, then delete: objects cannot be renamed."""
        (shutil.copytree if os.path.isdir(source) else shutil.copyfile)(source, target)
        (shutil.rmtree if os.path.isdir(source) else os.remove)(source)

    def utime(self, path: str, *_: Any, **__: Any) -> None:
        """Times are the store's own; asking is no error."""
        stat_path(self._client, path)

    def chmod(self, path: str, *_: Any, **__: Any) -> None:
        """Modes are not kept; asking is no error, as on the mount."""
        stat_path(self._client, path)

    def _call(self, method: str, api: str, path: str, query: dict[str, str] | None = None) -> dict[str, Any]:
        try:
            return self._client.call(method, api + path, query)
        except GatewayError as error:
            raise to_os_error(error, path) from None


def interpose(client: GatewayClient) -> None:
    """Redirect this process's calls on /Volumes paths. The shutil fast paths on descriptors are switched off."""
    calls = VolumeCalls(client)
    builtins.open = io.open = _redirect(builtins.open, calls.open)
    same_name = ["stat", "access", "listdir", "scandir", "mkdir", "remove", "rmdir", "utime", "chmod"]
    redirected = {name: getattr(calls, name) for name in same_name}
    redirected |= {"lstat": calls.stat, "unlink": calls.remove}
    for name, replacement in redirected.items():
        setattr(os, name, _redirect(getattr(os, name), replacement))
    for name in ("rename", "replace"):
        setattr(os, name, _redirect_pair(getattr(os, name), calls.rename))
    os.supports_follow_symlinks |= {os.stat, os.chmod, os.utime, os.access}
    os.supports_dir_fd -= {os.open}
    shutil._use_fd_functions = False  # type: ignore[attr-defined]
    shutil.rmtree.avoids_symlink_attacks = False


def close_open_writers() -> None:
    """Upload what user code left open."""
    for writer in list(volume_files.open_writers):
        writer.close()


def volume_path(path: Any) -> str | None:
    """Return the normalised path if it lies under /Volumes."""
    if isinstance(path, int) or path is None:
        return None
    try:
        text = os.fsdecode(path)
    except TypeError:
        return None
    text = text.removeprefix("dbfs:") if text.startswith("dbfs:/Volumes") else text
    if not (text == ROOT or text.startswith(ROOT + "/")):
        return None
    return os.path.normpath(text)


def _redirect(original: Callable[..., Any], replacement: Callable[..., Any]) -> Callable[..., Any]:
    def call(path: Any = ".", *args: Any, **options: Any) -> Any:
        inside = volume_path(path)
        return original(path, *args, **options) if inside is None else replacement(inside, *args, **options)

    return call


def _redirect_pair(original: Callable[..., Any], replacement: Callable[..., Any]) -> Callable[..., Any]:
    def call(source: Any, target: Any, *args: Any, **options: Any) -> Any:
        inside, outside = volume_path(source), volume_path(target)
        if inside is None and outside is None:
            return original(source, target, *args, **options)
        if inside is None or outside is None:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), str(source), None, str(target))
        return replacement(inside, outside, **options)

    return call
