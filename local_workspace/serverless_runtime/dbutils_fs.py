"""`dbutils.fs`: files on /Volumes, s3:// locations and local file:/ paths, each with the run's own rights.

Volumes go through the interposed os functions (volumes.py); s3:// through credentials vended per path.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any, NamedTuple, TypeVar

from local_workspace.serverless_runtime.assignment import Assignment
from local_workspace.serverless_runtime.gateway_client import GatewayClient, GatewayError
from local_workspace.serverless_runtime.sources import open_s3

HEAD_BYTES = 65536
Result = TypeVar("Result")


class FileInfo(NamedTuple):
    """What `ls` yields; directories' names end with a slash."""

    path: str
    name: str
    size: int
    modificationTime: int

    def isDir(self) -> bool:
        """Say whether it is a directory."""
        return self.name.endswith("/")

    def isFile(self) -> bool:
        """Say whether it is a file."""
        return not self.isDir()


class FileSystemUtils:
    """ls, cp, mv, rm, mkdirs, put, head."""

    def __init__(self, assignment: Assignment, client: GatewayClient) -> None:
        self._assignment = assignment
        self._client = client

    def ls(self, path: str) -> list[FileInfo]:
        """Return the entries of a directory, or the file itself."""
        if is_s3(path):
            return self._list_s3(path)
        local = to_local(path)
        if not os.path.isdir(local):
            return [_describe(path, local, os.path.basename(local))]
        return [_describe(f"{path.rstrip('/')}/{name}", f"{local}/{name}", name) for name in sorted(os.listdir(local))]

    def head(self, file: str, max_bytes: int = HEAD_BYTES) -> str:
        """Return the first bytes of a file as text."""
        with self._reading(file) as stream:
            return stream.read(max_bytes).decode(errors="replace")

    def put(self, file: str, contents: str, overwrite: bool = False) -> bool:
        """Write text to a file."""
        if not overwrite and self._exists(file):
            raise FileExistsError(f"{file} already exists; pass overwrite=True to replace it")
        with self._writing(file) as stream:
            stream.write(contents.encode())
        return True

    def mkdirs(self, dir: str) -> bool:
        """Make a directory and its parents; on s3:// there is nothing to make."""
        if not is_s3(dir):
            os.makedirs(to_local(dir), exist_ok=True)
        return True

    def cp(self, source: str, target: str, recurse: bool = False) -> bool:
        """Copy a file, or with `recurse` a directory."""
        if recurse and self._is_directory(source):
            for info in self.ls(source):
                self.cp(info.path.rstrip("/"), f"{target.rstrip('/')}/{info.name.rstrip('/')}", recurse=True)
            return True
        if self._is_directory(source):
            raise IsADirectoryError(f"{source} is a directory; pass recurse=True to copy it")
        if target.endswith("/") or self._is_directory(target):
            target = f"{target.rstrip('/')}/{source.rpartition('/')[2]}"
        if not is_s3(target):
            os.makedirs(os.path.dirname(to_local(target)), exist_ok=True)
        with self._reading(source) as reader, self._writing(target) as writer:
            shutil.copyfileobj(reader, writer, 1024 * 1024)
        return True

    def mv(self, source: str, target: str, recurse: bool = False) -> bool:
        """Copy, then delete the source."""
        self.cp(source, target, recurse)
        return self.rm(source, recurse)

    def rm(self, path: str, recurse: bool = False) -> bool:
        """Delete a file, or with `recurse` a directory; False when there is nothing."""
        if not self._exists(path):
            return False
        if not self._is_directory(path):
            self._delete(path)
            return True
        entries = self.ls(path)
        if entries and not recurse:
            raise OSError(f"{path} is not empty; pass recurse=True to delete it with its content")
        for info in entries:
            self.rm(info.path.rstrip("/"), recurse=True)
        if is_s3(path):
            self._delete(path.rstrip("/") + "/")  # the directory's marker
        else:
            os.rmdir(to_local(path))
        return True

    def _delete(self, path: str) -> None:
        if not is_s3(path):
            os.remove(to_local(path))
            return
        bucket, key = split_s3(path)
        self._on_s3(path, "PATH_READ_WRITE", lambda s3: s3.delete_object(Bucket=bucket, Key=key))

    def _exists(self, path: str) -> bool:
        if not is_s3(path):
            return os.path.exists(to_local(path))
        bucket, key = split_s3(path)
        listing = self._on_s3(path, "PATH_READ", lambda s3: s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=20))
        return any(is_below(item["Key"], key) for item in listing.get("Contents", []))

    def _is_directory(self, path: str) -> bool:
        if not is_s3(path):
            return os.path.isdir(to_local(path))
        bucket, key = split_s3(path)
        prefix = key.rstrip("/") + "/" if key else ""
        listing = self._on_s3(path, "PATH_READ", lambda s3: s3.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1))
        return bool(listing.get("KeyCount"))

    def _list_s3(self, path: str) -> list[FileInfo]:
        bucket, key = split_s3(path)
        prefix = key.rstrip("/") + "/" if key else ""

        def list_all(s3: Any) -> list[FileInfo]:
            found: list[FileInfo] = []
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, Delimiter="/"):
                folders = [item["Prefix"] for item in page.get("CommonPrefixes", [])]
                found += [FileInfo(f"s3://{bucket}/{folder}", folder[len(prefix) :], 0, 0) for folder in folders]
                for item in page.get("Contents", []):
                    if item["Key"] != prefix:
                        changed = int(item["LastModified"].timestamp() * 1000)
                        name = item["Key"][len(prefix) :]
                        found.append(FileInfo(f"s3://{bucket}/{item['Key']}", name, item["Size"], changed))
            return sorted(found)

        found = self._on_s3(path, "PATH_READ", list_all)
        if not found and not self._exists(path):
            raise FileNotFoundError(f"{path} does not exist")
        return found

    @contextmanager
    def _reading(self, path: str) -> Iterator[IO[bytes]]:
        if not is_s3(path):
            with open(to_local(path), "rb") as stream:
                yield stream
            return
        bucket, key = split_s3(path)
        body = self._on_s3(path, "PATH_READ", lambda s3: s3.get_object(Bucket=bucket, Key=key)["Body"])
        with body:
            yield body

    @contextmanager
    def _writing(self, path: str) -> Iterator[IO[bytes]]:
        if not is_s3(path):
            with open(to_local(path), "wb") as stream:
                yield stream
            return
        import tempfile

        bucket, key = split_s3(path)
        with tempfile.TemporaryFile() as spool:
            yield spool
            spool.seek(0)
            self._on_s3(path, "PATH_READ_WRITE", lambda s3: s3.upload_fileobj(spool, bucket, key))

    def _on_s3(self, path: str, operation: str, work: Callable[[Any], Result]) -> Result:
        from botocore.exceptions import ClientError

        try:
            s3 = open_s3(self._client, path, operation, self._assignment.aws_endpoint, self._assignment.region)
            return work(s3)
        except GatewayError as error:
            kind = PermissionError if error.status == 403 else OSError
            raise kind(f"{path}: {error.message}") from None
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in ("NoSuchKey", "404"):
                raise FileNotFoundError(f"{path} does not exist") from None
            raise OSError(f"{path}: {code} {error.response['Error'].get('Message', '')}") from None


def is_s3(path: str) -> bool:
    """Say whether the path is an object's URL."""
    return path.startswith(("s3://", "s3a://"))


def split_s3(path: str) -> tuple[str, str]:
    """Return bucket and key; a key may hold any character, as `#` and `?`. The gateway checks the URL."""
    bucket, _, key = path.partition("://")[2].partition("/")
    return bucket, key.lstrip("/")


def is_below(key: str, prefix: str) -> bool:
    """Say whether the key is the prefix itself or lies under it as a directory."""
    return key == prefix or key.startswith(prefix.rstrip("/") + "/") or not prefix


def to_local(path: str) -> str:
    """Return the path for `open` and `os`.

    Raises:
        PermissionError: the DBFS root, which serverless compute does not have.
    """
    if path.startswith("file:/"):
        return "/" + path.removeprefix("file:").lstrip("/")
    plain = path.removeprefix("dbfs:")
    if not plain.startswith("/Volumes/"):
        raise PermissionError(f"{path}: the DBFS root is disabled; use /Volumes/<catalog>/<schema>/<volume>/...")
    return plain


def _describe(path: str, local: str, name: str) -> FileInfo:
    found = os.stat(local)
    shown = path if path.startswith(("dbfs:", "file:")) else f"dbfs:{path}"
    changed = int(found.st_mtime * 1000)
    if os.path.isdir(local):
        return FileInfo(f"{shown.rstrip('/')}/", f"{name}/", 0, changed)
    return FileInfo(shown, name, found.st_size, changed)
