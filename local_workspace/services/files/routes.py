"""Files API 2.0: /api/2.0/fs/files and /api/2.0/fs/directories.

https://docs.databricks.com/api/workspace/files
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from starlette.responses import Response, StreamingResponse

from local_workspace.gateway.app import takes_bytes
from local_workspace.gateway.calls import Call, Route
from local_workspace.gateway.errors import bad_request
from local_workspace.services.files import errors
from local_workspace.services.files.multipart import MultipartUploads
from local_workspace.services.files.storage import (
    PAGE_SIZE,
    DirectoryEntry,
    FileStatus,
    OpenedFile,
    VolumeFiles,
)

WHOLE_BYTES = 1024 * 1024  # up to here an answer is sent in one piece
CHUNK_BYTES = 256 * 1024


@takes_bytes
def upload_file(call: Call) -> Response:
    """PUT files: the request's body becomes the file."""
    overwrite = _parse_flag(call.query.get("overwrite", "true"), "overwrite")
    assert call.content is not None  # the handler takes bytes
    _files(call).write(call.params["path"], call.content, overwrite)
    return Response(status_code=204)


def download_file(call: Call) -> Response:
    """GET files: the file or the asked range of it."""
    path = call.params["path"]
    byte_range = call.headers.get("range")
    opened = _files(call).open(path, byte_range)
    _check_unmodified(call, path, opened)
    headers = describe_file(opened.status, opened.length)
    if byte_range:
        last = opened.start + opened.length - 1
        headers["Content-Range"] = f"bytes {opened.start}-{last}/{opened.status.size}"
    status = 206 if byte_range else 200
    if opened.length <= WHOLE_BYTES:
        with closing(opened.body) as body:
            return Response(body.read(), status, headers)
    return StreamingResponse(_stream(opened), status, headers)


def get_file_metadata(call: Call) -> Response:
    """HEAD files."""
    status = _files(call).stat(call.params["path"])
    return Response(headers=describe_file(status, status.size))


def delete_file(call: Call) -> Response:
    """DELETE files."""
    _files(call).delete(call.params["path"])
    return Response(status_code=204)


def manage_upload(call: Call) -> dict[str, Any] | Response:
    """POST files: initiate or complete a multipart upload."""
    uploads, path = MultipartUploads(call.workspace, call.caller), call.params["path"]
    action = call.require("action")
    if action == "initiate-upload":
        overwrite = _parse_flag(call.query.get("overwrite", "true"), "overwrite")
        return {"multipart_upload": {"session_token": uploads.begin(path, overwrite)}}
    if action != "complete-upload" or call.require("upload_type") != "multipart":
        raise bad_request(f"Unknown action {action!r}; initiate-upload or complete-upload (multipart) is expected")
    uploads.complete(path, call.require("session_token"), call.require("parts"))
    return Response(status_code=204)


def create_part_urls(call: Call) -> dict[str, Any]:
    """POST create-upload-part-urls."""
    uploads = MultipartUploads(call.workspace, call.caller)
    start, count = call.whole("start_part_number"), call.whole("count")
    urls = uploads.sign_parts(call.require("session_token"), start, count, call.body.get("expire_time"))
    return {"upload_part_urls": urls}


def create_abort_url(call: Call) -> dict[str, Any]:
    """POST create-abort-upload-url."""
    uploads = MultipartUploads(call.workspace, call.caller)
    url = uploads.sign_abort(call.require("session_token"), call.body.get("expire_time"))
    return {"abort_upload_url": {"url": url, "headers": []}}


def create_directory(call: Call) -> Response:
    """PUT directories, with parents, idempotent."""
    _files(call).make_directory(call.params["path"])
    return Response(status_code=204)


def list_directory(call: Call) -> dict[str, Any]:
    """GET directories: one page of the children."""
    size = _parse_page_size(call.query.get("page_size"))
    token = _decode_token(call.query.get("page_token"))
    entries, next_token = _files(call).list_page(call.params["path"], size, token)
    answer: dict[str, Any] = {"contents": [_describe_entry(entry) for entry in entries]}
    if next_token:
        answer["next_page_token"] = base64.urlsafe_b64encode(next_token.encode()).decode()
    return answer


def get_directory_metadata(call: Call) -> Response:
    """HEAD directories."""
    if not _files(call).is_directory(call.params["path"]):
        raise errors.directory_not_found(call.params["path"])
    return Response(headers={"Content-Length": "0"})


def delete_directory(call: Call) -> Response:
    """DELETE directories: only an empty one."""
    _files(call).delete_directory(call.params["path"])
    return Response(status_code=204)


ROUTES: list[Route] = [
    ("PUT", "/api/2.0/fs/files{path:path}", upload_file),
    ("GET", "/api/2.0/fs/files{path:path}", download_file),
    ("HEAD", "/api/2.0/fs/files{path:path}", get_file_metadata),
    ("DELETE", "/api/2.0/fs/files{path:path}", delete_file),
    ("POST", "/api/2.0/fs/files{path:path}", manage_upload),
    ("POST", "/api/2.0/fs/create-upload-part-urls", create_part_urls),
    ("POST", "/api/2.0/fs/create-abort-upload-url", create_abort_url),
    ("PUT", "/api/2.0/fs/directories{path:path}", create_directory),
    ("GET", "/api/2.0/fs/directories{path:path}", list_directory),
    ("HEAD", "/api/2.0/fs/directories{path:path}", get_directory_metadata),
    ("DELETE", "/api/2.0/fs/directories{path:path}", delete_directory),
]


def describe_file(status: FileStatus, length: int) -> dict[str, str]:
    """Return the headers that carry a file's metadata; `length` is what this answer holds."""
    return {
        "Content-Length": str(length),
        "Content-Type": "application/octet-stream",
        "Last-Modified": format_datetime(status.last_modified, usegmt=True),
        "ETag": status.etag,
        "Accept-Ranges": "bytes",
    }


def _files(call: Call) -> VolumeFiles:
    return VolumeFiles(call.workspace, call.caller)


def _stream(opened: OpenedFile) -> Iterator[bytes]:
    with closing(opened.body) as body:
        yield from body.iter_chunks(CHUNK_BYTES)


def _check_unmodified(call: Call, path: str, opened: OpenedFile) -> None:
    text = call.headers.get("if-unmodified-since")
    if not text:
        return
    try:
        limit = parsedate_to_datetime(text)
    except ValueError:
        raise bad_request(f"If-Unmodified-Since is not an HTTP date: {text!r}") from None
    limit = limit if limit.tzinfo else limit.replace(tzinfo=UTC)  # -0000: the zone is not known, the time is in UTC
    if opened.status.last_modified.replace(microsecond=0) > limit:
        opened.body.close()
        raise errors.is_modified(path)


def _describe_entry(entry: DirectoryEntry) -> dict[str, Any]:
    described: dict[str, Any] = {"path": entry.path, "name": entry.name, "is_directory": entry.is_directory}
    if not entry.is_directory:
        described.update(file_size=entry.size, last_modified=entry.modified_ms)
    return described


def _parse_flag(text: str, name: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise bad_request(f"{name} must be true or false, got {text!r}")
    return text.lower() == "true"


def _parse_page_size(text: str | None) -> int:
    try:
        size = int(text) if text else PAGE_SIZE
    except ValueError:
        raise bad_request(f"page_size must be a whole number, got {text!r}") from None
    if size < 0:
        raise bad_request(f"page_size must not be negative, got {size}")
    return min(size or PAGE_SIZE, PAGE_SIZE)


def _decode_token(text: str | None) -> str | None:
    if not text:
        return None
    try:
        return base64.urlsafe_b64decode(text).decode()
    except ValueError:
        raise bad_request(f"Invalid page_token: {text!r}; pass the next_page_token of the answer before") from None
