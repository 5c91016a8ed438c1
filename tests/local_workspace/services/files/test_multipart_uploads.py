"""Large streams over the SDK's multipart client: whole, refused, aborted."""

import io
import uuid

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import AlreadyExists, NotFound, PermissionDenied
from databricks.sdk.mixins.files import FilesExt

CONTENT = bytes(range(256)) * 4 * 1024 * 12  # 12 MB: two parts


@pytest.fixture
def path(volume: str) -> str:
    return f"{volume}/{uuid.uuid4().hex}/big"


def multipart(client: WorkspaceClient) -> FilesExt:
    return FilesExt(client.api_client, client.config)


class BrokenStream(io.BytesIO):
    def read(self, size: int | None = -1) -> bytes:
        if self.tell() > 10 * 1024 * 1024:
            raise OSError("cable pulled")
        return super().read(size)


def test_a_large_stream_arrives_whole(served, path: str) -> None:
    ann = served.client("ann")
    multipart(ann).upload(path, io.BytesIO(CONTENT))
    assert multipart(ann).download(path).contents.read() == CONTENT
    with pytest.raises(AlreadyExists):
        multipart(ann).upload(path, io.BytesIO(CONTENT), overwrite=False)


def test_only_writers_may_begin_and_only_the_owner_goes_on(served, path: str) -> None:
    with pytest.raises(PermissionDenied, match="WRITE_VOLUME"):
        multipart(served.client("bob")).upload(path, io.BytesIO(CONTENT))
    begun = served.client("ann").api_client.do("POST", f"/api/2.0/fs/files{path}", query={"action": "initiate-upload"})
    body = {"session_token": begun["multipart_upload"]["session_token"], "start_part_number": 1, "count": 1}
    with pytest.raises(NotFound):
        served.client("bob").api_client.do("POST", "/api/2.0/fs/create-upload-part-urls", body=body)


def test_a_broken_upload_leaves_nothing(served, path: str) -> None:
    ann = served.client("ann")
    with pytest.raises(OSError, match="cable"):
        multipart(ann).upload(path, BrokenStream(CONTENT))
    with pytest.raises(NotFound):
        ann.files.get_metadata(path)
