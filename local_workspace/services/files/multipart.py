"""Multipart uploads of the Files API: parts go straight to S3 by presigned URLs, the gateway begins and completes.

Clients use it for large streams; the file appears whole when the upload is completed, never before.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, ParamValidationError

from local_workspace.gateway.calls import Principal
from local_workspace.gateway.errors import bad_request, not_found
from local_workspace.gateway.store import Document
from local_workspace.services.files import errors
from local_workspace.services.files.paths import parse_file_path
from local_workspace.services.files.storage import VolumeFiles

if TYPE_CHECKING:
    from local_workspace.gateway.workspace import Workspace

KIND = "multipart_upload"
MAX_PARTS = 10_000
URL_LIFETIME_S = 3600
LONGEST_LIFETIME_S = 7 * 24 * 3600  # of a presigned URL


class MultipartUploads:
    """The uploads that `caller` has begun."""

    def __init__(self, workspace: Workspace, caller: Principal) -> None:
        self._store = workspace.store
        self._caller = caller
        self._files = VolumeFiles(workspace, caller)
        self._s3 = workspace.aws("s3")

    def begin(self, path: str, overwrite: bool) -> str:
        """Begin an upload and return its session token.

        Raises:
            ApiError: 403 without WRITE_VOLUME, 409 for an existing file and not `overwrite`.
        """
        place = self._files.locate(parse_file_path(path), write=True)
        if not overwrite and self._files.head(place.bucket, place.key) is not None:
            raise errors.file_exists(path)
        upload = self._s3.create_multipart_upload(Bucket=place.bucket, Key=place.key)
        token = secrets.token_urlsafe(24)
        where = {"Bucket": place.bucket, "Key": place.key, "UploadId": upload["UploadId"]}
        self._store.put(KIND, token, {"owner": self._caller.name, "path": path, "where": where, "overwrite": overwrite})
        return token

    def sign_parts(self, token: str, start: int, count: int, expire_time: str | None) -> list[dict[str, Any]]:
        """Return presigned URLs of the parts from `start` on."""
        if start < 1 or count < 1 or start + count - 1 > MAX_PARTS:
            raise bad_request(f"Parts {start} to {start + count - 1} are outside of 1 to {MAX_PARTS}")
        where, lifetime = self._find(token)["where"], _lifetime(expire_time)
        return [self._sign_part(where, number, lifetime) for number in range(start, start + count)]

    def sign_abort(self, token: str, expire_time: str | None) -> str:
        """Return the presigned URL that aborts the upload with DELETE."""
        where = self._find(token)["where"]
        return str(self._s3.generate_presigned_url("abort_multipart_upload", where, _lifetime(expire_time)))

    def complete(self, path: str, token: str, parts: list[Mapping[str, Any]]) -> None:
        """Make the file of its parts; a second time changes nothing."""
        upload = self._find(token)
        if upload.get("is_complete"):
            return
        place = self._files.locate(parse_file_path(path), write=True)
        if upload["path"] != path or not parts:
            raise bad_request(f"The session_token was given for {upload['path']}, with at least one part")
        if not upload["overwrite"] and self._files.head(place.bucket, place.key) is not None:
            raise errors.file_exists(path)
        if not all(part.get("part_number") and part.get("etag") for part in parts):
            raise bad_request("Every entry of parts needs a part_number and an etag")
        listed = [{"PartNumber": part["part_number"], "ETag": part["etag"]} for part in parts]
        try:
            self._s3.complete_multipart_upload(**upload["where"], MultipartUpload={"Parts": listed})
        except (ClientError, ParamValidationError) as error:  # parts that were not uploaded, or in another order
            raise bad_request(f"The upload cannot be completed of these parts: {error}") from None
        self._store.put(KIND, token, {**upload, "is_complete": True})

    def _find(self, token: str) -> Document:
        upload = self._store.get(KIND, token)
        if upload is None or upload["owner"] != self._caller.name:
            raise not_found("The session_token is unknown; initiate the upload again.", "NOT_FOUND")
        return upload

    def _sign_part(self, where: Document, number: int, lifetime_s: int) -> dict[str, Any]:
        url = self._s3.generate_presigned_url("upload_part", {**where, "PartNumber": number}, lifetime_s)
        return {"part_number": number, "url": url, "headers": []}


def _lifetime(expire_time: str | None) -> int:
    if not expire_time:
        return URL_LIFETIME_S
    try:
        until = datetime.fromisoformat(expire_time)
    except ValueError:
        raise bad_request(f"expire_time is not a timestamp: {expire_time!r}") from None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return min(max(1, int((until - datetime.now(UTC)).total_seconds())), LONGEST_LIFETIME_S)
