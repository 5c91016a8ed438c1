"""Files and directories of volumes, for one caller: checks the volume's grant, then works on its S3 prefix.

S3 has no directories: one exists while it has a marker object ("a/b/") or anything below it, as in the service.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from local_workspace.gateway.calls import Principal
from local_workspace.gateway.errors import bad_request
from local_workspace.services.files import errors
from local_workspace.services.files.paths import VolumePath, parse_file_path, parse_volume_path

if TYPE_CHECKING:
    from local_workspace.gateway.workspace import Workspace

PAGE_SIZE = 1000
MAX_KEY_BYTES = 1024  # of S3
_MISSING = ("404", "NoSuchKey", "NotFound")


@dataclass(frozen=True)
class FileStatus:
    """What is known of a file; `size` is that of the whole file, also when a range was opened."""

    path: str
    size: int
    last_modified: datetime
    etag: str

    @property
    def modified_ms(self) -> int:
        """Milliseconds since the epoch."""
        return int(self.last_modified.timestamp() * 1000)


@dataclass(frozen=True)
class OpenedFile:
    """A file being read: `body` yields `length` bytes from `start`."""

    status: FileStatus
    body: Any
    start: int
    length: int


@dataclass(frozen=True)
class DirectoryEntry:
    """A child of a directory; `size` and `modified_ms` are None for directories."""

    path: str
    is_directory: bool
    size: int | None = None
    modified_ms: int | None = None

    @property
    def name(self) -> str:
        """The last component of the path."""
        return self.path.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class Place:
    """Where in S3 a path lies."""

    path: VolumePath
    bucket: str
    prefix: str  # "" or "some/prefix/"

    @property
    def key(self) -> str:
        """The key of the file."""
        return self.prefix + self.path.relative

    @property
    def folder(self) -> str:
        """The key prefix of what lies in the directory: "" only for a bucket's root."""
        return f"{self.key}/" if self.path.relative else self.prefix


class VolumeFiles:
    """The volumes as `caller` may see and change them. All paths are /Volumes/<catalog>/<schema>/<volume>/...

    Every method raises ApiError: 403 without READ_VOLUME or WRITE_VOLUME, 404 for what is missing.
    """

    def __init__(self, workspace: Workspace, caller: Principal) -> None:
        self._workspace = workspace
        self._caller = caller
        self._s3 = workspace.aws("s3")

    def locate(self, path: VolumePath, write: bool) -> Place:
        """Check the volume's grant and return the place.

        Raises:
            ApiError: 403, 404; 400 when no object can have that key.
        """
        location = self._workspace.unity.volume_access(self._caller, path.volume, write)
        url = urlsplit(location.storage_location)
        prefix = url.path.strip("/")
        place = Place(path, url.netloc, f"{prefix}/" if prefix else "")
        if len(place.key.encode()) > MAX_KEY_BYTES:
            raise bad_request(f"Invalid path: its key in S3 would have more than {MAX_KEY_BYTES} bytes: '{path.text}'")
        return place

    def head(self, bucket: str, key: str) -> dict[str, Any] | None:
        """Return the object's head, None when there is no such object."""
        try:
            return dict(self._s3.head_object(Bucket=bucket, Key=key))
        except ClientError as error:
            if _code(error) in _MISSING:
                return None
            raise

    def stat(self, path: str) -> FileStatus:
        """Return the status of a file."""
        place = self.locate(parse_file_path(path), write=False)
        head = self.head(place.bucket, place.key)
        if head is None:
            raise errors.file_not_found(path)
        return _read_status(place, head, head["ContentLength"])

    def open(self, path: str, byte_range: str | None = None) -> OpenedFile:
        """Open a file for reading; `byte_range` is an HTTP range such as "bytes=5-"."""
        place = self.locate(parse_file_path(path), write=False)
        selection = {"Range": byte_range} if byte_range else {}
        try:
            answer = self._s3.get_object(Bucket=place.bucket, Key=place.key, **selection)
        except ClientError as error:
            if _code(error) == "InvalidRange":
                raise errors.range_not_satisfiable(path, byte_range or "") from None
            raise _missing_or_same(error, path) from error
        start, total = _read_content_range(answer)
        return OpenedFile(_read_status(place, answer, total), answer["Body"], start, answer["ContentLength"])

    def read(self, path: str) -> bytes:
        """Return a whole file."""
        with closing(self.open(path).body) as body:
            return bytes(body.read())

    def write(self, path: str, content: bytes | BinaryIO, overwrite: bool = True) -> None:
        """Create or replace a file; its bytes become visible at once or not at all.

        Raises:
            ApiError: 409 when a directory is in the way, or a file and not `overwrite`.
        """
        place = self.locate(parse_file_path(path), write=True)
        if self._has_children(place):
            raise errors.directory_exists(path)
        condition = {} if overwrite else {"IfNoneMatch": "*"}
        body = io.BytesIO(content) if isinstance(content, bytes) else content
        try:
            self._s3.put_object(Bucket=place.bucket, Key=place.key, Body=body, **condition)
        except ClientError as error:
            if _code(error) == "PreconditionFailed":
                raise errors.file_exists(path) from None
            raise _missing_or_same(error, path) from error

    def delete(self, path: str) -> None:
        """Delete a file; the directory it was in stays, also when it was the last one."""
        place = self.locate(parse_file_path(path), write=True)
        if self.head(place.bucket, place.key) is None:
            raise errors.file_not_found(path)
        self._s3.delete_object(Bucket=place.bucket, Key=place.key)
        self._keep_directory(place)

    def is_directory(self, path: str) -> bool:
        """Say whether there is a directory."""
        place = self.locate(parse_volume_path(path), write=False)
        return not place.path.relative or self._has_children(place)

    def make_directory(self, path: str) -> None:
        """Create a directory and those above it; one that exists is left as it is."""
        place = self.locate(parse_volume_path(path), write=True)
        if not place.path.relative:
            return
        for relative in [*place.path.ancestors, place.path.relative]:
            key = place.prefix + relative
            if self.head(place.bucket, key) is not None:
                raise errors.file_exists(VolumePath(place.path.volume, relative).text)
            if self.head(place.bucket, f"{key}/") is None:
                self._s3.put_object(Bucket=place.bucket, Key=f"{key}/", Body=b"")

    def delete_directory(self, path: str) -> None:
        """Delete an empty directory.

        Raises:
            ApiError: 400 when something is in it.
        """
        place = self.locate(parse_volume_path(path), write=True)
        page = self._s3.list_objects_v2(Bucket=place.bucket, Prefix=place.folder, MaxKeys=2)
        keys = [item["Key"] for item in page.get("Contents", [])]
        if not keys and place.path.relative:
            raise errors.directory_not_found(path)
        if not place.path.relative or keys != [place.folder]:
            raise errors.directory_not_empty(path)
        self._s3.delete_object(Bucket=place.bucket, Key=place.folder)
        self._keep_directory(place)

    def list(self, path: str) -> Iterator[DirectoryEntry]:
        """Yield the children of a directory, all pages."""
        token: str | None = None
        while True:
            entries, token = self.list_page(path, PAGE_SIZE, token)
            yield from entries
            if token is None:
                return

    def list_page(self, path: str, size: int, token: str | None) -> tuple[Sequence[DirectoryEntry], str | None]:
        """Return up to `size` children and the token of the next page, None on the last."""
        place = self.locate(parse_volume_path(path), write=False)
        start = {"ContinuationToken": token} if token else {}
        page = self._s3.list_objects_v2(Bucket=place.bucket, Prefix=place.folder, Delimiter="/", MaxKeys=size, **start)
        if not page.get("KeyCount") and not token and place.path.relative:
            raise errors.directory_not_found(path)
        return _read_entries(place, page), page.get("NextContinuationToken")

    def move(self, source: str, target: str) -> None:
        """Move a file to a path that is free."""
        self.write(target, self.read(source), overwrite=False)
        self.delete(source)

    def _keep_directory(self, child: Place) -> None:
        directory, _, _ = child.path.relative.rpartition("/")
        place = Place(VolumePath(child.path.volume, directory), child.bucket, child.prefix)
        if directory and not self._has_children(place):
            self._s3.put_object(Bucket=place.bucket, Key=place.folder, Body=b"")

    def _has_children(self, place: Place) -> bool:
        page = self._s3.list_objects_v2(Bucket=place.bucket, Prefix=place.folder, MaxKeys=1)
        return bool(page.get("KeyCount"))


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _missing_or_same(error: ClientError, path: str) -> Exception:
    return errors.file_not_found(path) if _code(error) in _MISSING else error


def _read_status(place: Place, answer: dict[str, Any], size: int) -> FileStatus:
    modified = answer["LastModified"].astimezone(UTC)
    return FileStatus(place.path.text, size, modified, str(answer["ETag"]))


def _read_content_range(answer: dict[str, Any]) -> tuple[int, int]:
    """Return where the body starts and how long the whole file is."""
    text = answer.get("ContentRange")
    if not text:
        return 0, int(answer["ContentLength"])
    span, _, total = str(text).removeprefix("bytes ").partition("/")
    return int(span.split("-")[0]), int(total)


def _read_entries(place: Place, page: dict[str, Any]) -> list[DirectoryEntry]:
    base = place.path.text
    entries = [
        DirectoryEntry(f"{base}/{item['Prefix'][len(place.folder) : -1]}", is_directory=True)
        for item in page.get("CommonPrefixes", [])
    ]
    entries += [
        DirectoryEntry(
            f"{base}/{item['Key'][len(place.folder) :]}",
            is_directory=False,
            size=item["Size"],
            modified_ms=int(item["LastModified"].timestamp() * 1000),
        )
        for item in page.get("Contents", [])
        if item["Key"] != place.folder
    ]
    return sorted(entries, key=lambda entry: entry.path)
