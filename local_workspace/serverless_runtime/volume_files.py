"""Files of Unity Catalog volumes as Python file objects: reads stream by range, writes upload on close.

Like the service's FUSE mount, appending and writing at random positions are refused (EOPNOTSUPP).
"""

from __future__ import annotations

import contextlib
import errno
import http.client
import io
import os
import stat
import tempfile
import time
import weakref
from email.utils import parsedate_to_datetime
from typing import Any

from local_workspace.serverless_runtime.gateway_client import GatewayClient, GatewayError

FILES = "/api/2.0/fs/files"
CREDENTIALS = "/api/2.1/unity-catalog/temporary-volume-credentials"
DIRECTORIES = "/api/2.0/fs/directories"
BUFFER_BYTES = 1024 * 1024
open_writers: weakref.WeakSet[VolumeWriter] = weakref.WeakSet()


def to_os_error(error: GatewayError, path: str) -> OSError:
    """Return the OSError that a mounted file system would raise; the message names what was refused."""
    number = {403: errno.EACCES, 404: errno.ENOENT, 409: errno.EEXIST}.get(error.status, errno.EIO)
    message = os.strerror(number) if error.status == 404 else error.message
    return OSError(number, message, path)  # the constructor picks PermissionError, FileNotFoundError, ...


class VolumeReader(io.RawIOBase):
    """A volume file opened for reading; holds one streaming answer at the current position."""

    def __init__(self, client: GatewayClient, path: str) -> None:
        super().__init__()
        self._client = client
        self.name = path
        self._position = 0
        self._stream: http.client.HTTPResponse | None = None
        self._size = self._open_at(0)

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that any position can be read."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move; the next read asks for the range from there."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        target = max(0, base + offset)
        if target != self._position:
            self._drop_stream()
            self._position = target
        return target

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer from the stream."""
        if self._position >= self._size:
            return 0
        if self._stream is None:
            self._open_at(self._position)
        assert self._stream is not None
        count = self._stream.readinto(buffer)
        self._position += count
        return count

    def close(self) -> None:
        """Drop the connection."""
        self._drop_stream()
        super().close()

    def _open_at(self, position: int) -> int:
        headers = {"Range": f"bytes={position}-"} if position else {}
        try:
            self._stream = self._client.open_stream(FILES + self.name, headers)
        except GatewayError as error:
            raise to_os_error(error, self.name) from None
        return position + int(self._stream.headers.get("Content-Length") or 0)

    def _drop_stream(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None


class VolumeWriter(io.FileIO):
    """A volume file opened for writing: a local file until close uploads it."""

    def __init__(self, client: GatewayClient, path: str) -> None:
        descriptor, self._spool = tempfile.mkstemp(prefix="volume-")
        os.close(descriptor)
        super().__init__(self._spool, "w+")
        self._client = client
        self._target = path
        open_writers.add(self)

    def close(self) -> None:
        """Upload; the file exists in the volume only afterwards."""
        if self.closed:
            return
        super().close()
        try:
            upload(self._client, self._spool, self._target)
        finally:
            os.unlink(self._spool)


def upload(client: GatewayClient, local_path: str, path: str) -> None:
    """Write a local file to the volume path, replacing what is there."""
    headers = {"Content-Type": "application/octet-stream", "Content-Length": str(os.stat(local_path).st_size)}
    try:
        with io.FileIO(local_path) as content:
            client.exchange("PUT", FILES + path, {"overwrite": "true"}, content, headers).read()
    except GatewayError as error:
        raise to_os_error(error, path) from None


def open_volume_file(
    client: GatewayClient,
    path: str,
    mode: str = "r",
    buffering: int = -1,
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
) -> Any:
    """Open as builtins.open does."""
    kind = mode.replace("b", "").replace("t", "")
    if kind not in ("r", "w", "x", "w+"):
        raise OSError(errno.EOPNOTSUPP, f"Mode {mode!r}: volumes take no appends or random writes", path)
    if kind == "x" and stat_path(client, path, missing_ok=True):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
    if kind == "r":
        raw: io.RawIOBase = VolumeReader(client, path)
        buffered: Any = raw if buffering == 0 else io.BufferedReader(raw, BUFFER_BYTES)
    else:
        require_writable(client, path)
        raw = VolumeWriter(client, path)
        buffered = raw if buffering == 0 else io.BufferedWriter(raw)
        if kind == "w+":
            buffered = raw if buffering == 0 else io.BufferedRandom(raw)
    if "b" in mode:
        return buffered
    text = io.TextIOWrapper(buffered, encoding, errors, newline, line_buffering=buffering == 1)
    text.mode = mode  # type: ignore[misc]
    return text


def require_writable(client: GatewayClient, path: str) -> None:
    """Refuse before a byte is written what would be refused on close, where code that forgets to close never hears it.

    Raises:
        PermissionError, FileNotFoundError: there is no right to write, or no volume.
    """
    volume = ".".join(path.strip("/").split("/")[1:4])
    try:
        client.call("POST", CREDENTIALS, body={"volume_full_name": volume, "operation": "WRITE_VOLUME"})
    except GatewayError as error:
        raise to_os_error(error, path) from None


def stat_path(client: GatewayClient, path: str, missing_ok: bool = False) -> os.stat_result | None:
    """Return the stat of a file or directory.

    Raises:
        OSError: missing (unless `missing_ok`) or forbidden.
    """
    if path.strip("/").count("/") < 3:  # /Volumes, a catalog, a schema: there is nothing to read in them
        return _stat_result(stat.S_IFDIR | 0o555, 0, 0.0)
    for api, kind in ((FILES, stat.S_IFREG | 0o644), (DIRECTORIES, stat.S_IFDIR | 0o755)):
        if api == FILES and path.strip("/").count("/") == 3:
            continue
        try:
            answer = client.exchange("HEAD", api + path)
        except GatewayError as error:
            if error.status == 404:
                continue
            raise _explained(client, error, api, path) from None
        answer.read()
        return _stat_result(kind, int(answer.headers.get("Content-Length") or 0), _modified(answer.headers))
    if missing_ok:
        return None
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)


def _explained(client: GatewayClient, error: GatewayError, api: str, path: str) -> OSError:
    """A HEAD answer has no body to say what was refused: ask again with GET."""
    with contextlib.suppress(GatewayError):
        try:
            client.open_stream(api + path, {"Range": "bytes=0-0"}).close()
        except GatewayError as explained:
            error = explained if explained.status == error.status else error
    return to_os_error(error, path)


def _modified(headers: Any) -> float:
    value = headers.get("Last-Modified")
    return parsedate_to_datetime(value).timestamp() if value else time.time()


def _stat_result(mode: int, size: int, modified: float) -> os.stat_result:
    return os.stat_result((mode, 0, 0, 1, os.getuid(), os.getgid(), size, int(modified), int(modified), int(modified)))
