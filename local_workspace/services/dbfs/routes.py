"""DBFS API 2.0 on /Volumes paths; the DBFS root answers as in a workspace where it is disabled.

https://docs.databricks.com/api/workspace/dbfs
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from local_workspace.gateway.calls import Call, Route
from local_workspace.gateway.errors import ApiError, already_exists, bad_request, not_found, permission_denied
from local_workspace.services.files.errors import FilesError
from local_workspace.services.files.storage import VolumeFiles

MAX_READ_BYTES = 1024 * 1024
MAX_PUT_BYTES = 1024 * 1024


def put_file(call: Call) -> dict[str, Any]:
    """POST put: up to 1 MB as base64."""
    path = _volume_path(call)
    try:
        content = base64.b64decode(call.body.get("contents") or "", validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise bad_request("contents must be base64-encoded") from None
    if len(content) > MAX_PUT_BYTES:
        raise bad_request("contents is limited to 1 MB; use the Files API", "MAX_BLOCK_SIZE_EXCEEDED")
    with _dbfs_errors():
        _files(call).write(path, content, bool(call.body.get("overwrite")))
    return {}


def read_file(call: Call) -> dict[str, Any]:
    """GET read: a block of up to 1 MB as base64."""
    path = _volume_path(call)
    offset, length = _parse_number(call, "offset", 0), _parse_number(call, "length", MAX_READ_BYTES // 2)
    if length > MAX_READ_BYTES:
        raise bad_request("length is limited to 1 MB", "MAX_READ_SIZE_EXCEEDED")
    with _dbfs_errors():
        files = _files(call)
        if length == 0 or offset >= files.stat(path).size:
            return {"bytes_read": 0, "data": ""}
        with closing(files.open(path, f"bytes={offset}-{offset + length - 1}").body) as body:
            data = body.read()
    return {"bytes_read": len(data), "data": base64.b64encode(data).decode()}


def get_status(call: Call) -> dict[str, Any]:
    """GET get-status of a file or directory."""
    return _status(_files(call), _volume_path(call))


def list_files(call: Call) -> dict[str, Any]:
    """GET list: a directory's children, or the file itself."""
    path, files = _volume_path(call), _files(call)
    status = _status(files, path)
    if not status["is_dir"]:
        return {"files": [status]}
    children = [_describe(item.path, item.size, item.modified_ms, item.is_directory) for item in files.list(path)]
    return {"files": children}


def make_directory(call: Call) -> dict[str, Any]:
    """POST mkdirs."""
    with _dbfs_errors():
        _files(call).make_directory(_volume_path(call))
    return {}


def move_file(call: Call) -> dict[str, Any]:
    """POST move: files only."""
    source, target = (_check_volume_path(call.require(name)) for name in ("source_path", "destination_path"))
    with _dbfs_errors():
        _files(call).move(source, target)
    return {}


def delete_file(call: Call) -> dict[str, Any]:
    """POST delete; what is missing counts as deleted."""
    path, files = _volume_path(call), _files(call)
    try:
        is_dir = _status(files, path)["is_dir"]
    except ApiError as error:
        if error.status != 404:
            raise
        return {}
    if not is_dir:
        files.delete(path)
    elif call.body.get("recursive"):
        _delete_tree(files, path)
    else:
        with _dbfs_errors():
            files.delete_directory(path)
    return {}


ROUTES: list[Route] = [
    ("POST", "/api/2.0/dbfs/put", put_file),
    ("GET", "/api/2.0/dbfs/read", read_file),
    ("GET", "/api/2.0/dbfs/get-status", get_status),
    ("GET", "/api/2.0/dbfs/list", list_files),
    ("POST", "/api/2.0/dbfs/mkdirs", make_directory),
    ("POST", "/api/2.0/dbfs/move", move_file),
    ("POST", "/api/2.0/dbfs/delete", delete_file),
]


def _files(call: Call) -> VolumeFiles:
    return VolumeFiles(call.workspace, call.caller)


def _volume_path(call: Call) -> str:
    return _check_volume_path(call.require("path"))


def _check_volume_path(path: str) -> str:
    plain = path.removeprefix("dbfs:")
    if plain != "/Volumes" and not plain.startswith("/Volumes/"):
        raise permission_denied(f"Public DBFS root is disabled. Access is denied on path: {path}. Use a volume.")
    return plain


def _status(files: VolumeFiles, path: str) -> dict[str, Any]:
    with _dbfs_errors():
        if files.is_directory(path):
            return _describe(path.rstrip("/"), None, None, is_dir=True)
        status = files.stat(path)
    return _describe(path, status.size, status.modified_ms, is_dir=False)


def _describe(path: str, size: int | None, modified_ms: int | None, is_dir: bool) -> dict[str, Any]:
    return {"path": path, "is_dir": is_dir, "file_size": size or 0, "modification_time": modified_ms or 0}


def _delete_tree(files: VolumeFiles, path: str) -> None:
    for entry in files.list(path):
        if entry.is_directory:
            _delete_tree(files, entry.path)
        else:
            files.delete(entry.path)
    try:
        files.delete_directory(path)
    except FilesError as error:
        # Without a marker the directory went with its last file; a volume's root stays.
        if error.reason not in ("FILES_API_DIRECTORY_IS_NOT_FOUND", "FILES_API_DIRECTORY_IS_NOT_EMPTY"):
            raise


def _parse_number(call: Call, name: str, default: int) -> int:
    return call.whole(name, default)


@contextmanager
def _dbfs_errors() -> Iterator[None]:
    """Say the Files API's errors in DBFS's codes."""
    try:
        yield
    except FilesError as error:
        if error.error_code == "NOT_FOUND":
            raise not_found(f"No file or directory exists on path: {error.message.rsplit(': ', 1)[-1]}.") from error
        if error.error_code == "ALREADY_EXISTS":
            raise already_exists(error.message) from error
        raise
