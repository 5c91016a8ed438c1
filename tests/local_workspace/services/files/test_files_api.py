"""Files API over HTTP with the real databricks-sdk: bytes, ranges, directories; each allow with its deny."""

import io
import uuid

import pytest
import requests
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import (
    AlreadyExists,
    BadRequest,
    InvalidParameterValue,
    NotFound,
    PermissionDenied,
)


@pytest.fixture
def folder(volume: str) -> str:
    return f"{volume}/{uuid.uuid4().hex}"


def put(client: WorkspaceClient, path: str, content: bytes = b"x", **options: bool) -> None:
    client.files.upload(path, io.BytesIO(content), **options)


def fetch(client: WorkspaceClient, path: str, **headers: str) -> requests.Response:
    url = f"{client.config.host}/api/2.0/fs/files{path}"
    return requests.get(url, headers={**client.config.authenticate(), **headers}, timeout=30)


def test_a_file_comes_back_as_it_went(ann: WorkspaceClient, folder: str) -> None:
    for size in (0, 1, 1024 * 1024, 20 * 1024 * 1024 + 7):
        content = (b"0123456789abcdef" * (size // 16 + 1))[:size]
        put(ann, f"{folder}/ein file.bin", content)
        answer = ann.files.download(f"{folder}/ein file.bin")
        assert answer.contents.read() == content
        assert answer.content_length == size
        assert ann.files.get_metadata(f"{folder}/ein file.bin").content_length == size


def test_who_may_only_read_cannot_write(served, ann: WorkspaceClient, folder: str) -> None:
    put(ann, f"{folder}/a", b"hello")
    bob = served.client("bob")
    assert bob.files.download(f"{folder}/a").contents.read() == b"hello"
    with pytest.raises(PermissionDenied, match=r"bob.*WRITE_VOLUME.*main\.default\.box"):
        put(bob, f"{folder}/b")
    with pytest.raises(PermissionDenied):
        bob.files.delete(f"{folder}/a")
    with pytest.raises(PermissionDenied):
        bob.files.create_directory(f"{folder}/d")
    with pytest.raises(PermissionDenied):
        bob.files.delete_directory(folder)


def test_who_has_no_grant_sees_nothing(served, ann: WorkspaceClient, folder: str) -> None:
    put(ann, f"{folder}/a")
    eve = served.client("eve")
    with pytest.raises(PermissionDenied, match=r"eve.*READ_VOLUME.*main\.default\.box"):
        eve.files.download(f"{folder}/a")
    with pytest.raises(PermissionDenied):
        eve.files.get_metadata(f"{folder}/a")
    with pytest.raises(PermissionDenied):
        list(eve.files.list_directory_contents(folder))
    with pytest.raises(PermissionDenied):
        eve.files.get_directory_metadata(folder)


def test_overwrite_false_refuses_an_existing_file(ann: WorkspaceClient, folder: str) -> None:
    put(ann, f"{folder}/a", b"first", overwrite=False)
    with pytest.raises(AlreadyExists):
        put(ann, f"{folder}/a", b"second", overwrite=False)
    assert ann.files.download(f"{folder}/a").contents.read() == b"first"
    put(ann, f"{folder}/a", b"third")
    assert ann.files.download(f"{folder}/a").contents.read() == b"third"


def test_missing_files_are_not_found(ann: WorkspaceClient, folder: str) -> None:
    for call in (ann.files.download, ann.files.get_metadata, ann.files.delete):
        with pytest.raises(NotFound):
            call(f"{folder}/nothing")
    with pytest.raises(NotFound):
        ann.files.download("/Volumes/main/default/no_such_volume/a")


@pytest.mark.parametrize("path", ["/tmp/a", "/Volumes/main/default", "/Volumes/m/d/box/../x", "/Volumes/a/b/c/"])
def test_paths_outside_volumes_are_refused(ann: WorkspaceClient, path: str) -> None:
    with pytest.raises(InvalidParameterValue):
        ann.files.download(path)


def test_ranges_and_preconditions(ann: WorkspaceClient, folder: str) -> None:
    put(ann, f"{folder}/a", b"0123456789")
    whole = fetch(ann, f"{folder}/a")
    assert (whole.status_code, whole.headers["Accept-Ranges"]) == (200, "bytes")
    assert whole.headers["ETag"]
    for text, content, span in (("bytes=2-4", b"234", "2-4"), ("bytes=7-", b"789", "7-9"), ("bytes=-2", b"89", "8-9")):
        part = fetch(ann, f"{folder}/a", Range=text)
        assert (part.status_code, part.content) == (206, content)
        assert part.headers["Content-Range"] == f"bytes {span}/10"
    assert fetch(ann, f"{folder}/a", Range="bytes=10-").status_code == 416
    seen = whole.headers["Last-Modified"]
    assert fetch(ann, f"{folder}/a", **{"If-Unmodified-Since": seen}).status_code == 200
    long_ago = "Mon, 01 Jan 2001 00:00:00 GMT"
    assert fetch(ann, f"{folder}/a", **{"If-Unmodified-Since": long_ago}).status_code == 412


def test_directories_appear_with_their_files_and_with_markers(ann: WorkspaceClient, folder: str) -> None:
    with pytest.raises(NotFound):
        ann.files.get_directory_metadata(folder)
    put(ann, f"{folder}/sub/a", b"abc")
    ann.files.create_directory(f"{folder}/made/deep")
    ann.files.create_directory(f"{folder}/made/deep")
    entries = {entry.name: entry for entry in ann.files.list_directory_contents(folder)}
    assert set(entries) == {"sub", "made"}
    assert entries["sub"].is_directory and entries["sub"].path == f"{folder}/sub"
    assert list(ann.files.list_directory_contents(f"{folder}/made/deep")) == []
    (file,) = ann.files.list_directory_contents(f"{folder}/sub/")
    assert (file.file_size, file.is_directory, file.path) == (3, False, f"{folder}/sub/a")
    assert file.last_modified and file.last_modified > 1_500_000_000_000


def test_only_an_empty_directory_is_deleted(ann: WorkspaceClient, folder: str) -> None:
    ann.files.create_directory(f"{folder}/d")
    put(ann, f"{folder}/d/a")
    with pytest.raises(BadRequest) as caught:
        ann.files.delete_directory(f"{folder}/d")
    (info,) = caught.value.get_error_info()
    assert info.reason == "FILES_API_DIRECTORY_IS_NOT_EMPTY"
    ann.files.delete(f"{folder}/d/a")
    ann.files.delete_directory(f"{folder}/d")
    with pytest.raises(NotFound):
        ann.files.delete_directory(f"{folder}/d")


def test_a_directory_outlives_what_was_in_it(ann: WorkspaceClient, folder: str) -> None:
    put(ann, f"{folder}/d/e/a")
    ann.files.delete(f"{folder}/d/e/a")
    assert list(ann.files.list_directory_contents(f"{folder}/d/e")) == []
    ann.files.delete_directory(f"{folder}/d/e")
    ann.files.delete_directory(f"{folder}/d")
    assert list(ann.files.list_directory_contents(folder)) == []


def test_a_file_and_a_directory_do_not_share_a_path(ann: WorkspaceClient, folder: str) -> None:
    put(ann, f"{folder}/a")
    with pytest.raises(AlreadyExists):
        put(ann, folder)
    with pytest.raises(AlreadyExists):
        ann.files.create_directory(f"{folder}/a/b")


def test_listing_is_paginated(ann: WorkspaceClient, folder: str) -> None:
    for number in range(7):
        put(ann, f"{folder}/{number}")
    url = f"{ann.config.host}/api/2.0/fs/directories{folder}"
    first = requests.get(url, params={"page_size": 3}, headers=ann.config.authenticate(), timeout=30).json()
    assert len(first["contents"]) == 3 and first["next_page_token"]
    names = [entry.name for entry in ann.files.list_directory_contents(folder, page_size=3)]
    assert names == [str(number) for number in range(7)]
    with pytest.raises(NotFound):
        list(ann.files.list_directory_contents(f"{folder}/none"))


def test_a_path_whose_key_s3_cannot_have_is_refused(ann: WorkspaceClient, folder: str) -> None:
    put(ann, f"{folder}/{'a' * 700}")
    for call in (put, lambda client, path: client.files.create_directory(path)):
        with pytest.raises(BadRequest, match="more than 1024 bytes"):
            call(ann, f"{folder}/{'a' * 1030}")
