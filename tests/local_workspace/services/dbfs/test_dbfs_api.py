"""DBFS API on volumes over HTTP; the DBFS root is refused."""

import base64
import uuid

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, NotFound, PermissionDenied, ResourceAlreadyExists
from databricks.sdk.service.files import DbfsAPI


@pytest.fixture
def dbfs(served) -> DbfsAPI:
    return DbfsAPI(served.client("ann").api_client)


@pytest.fixture
def folder(volume: str) -> str:
    return f"{volume}/{uuid.uuid4().hex}"


def put(dbfs: DbfsAPI, path: str, content: bytes, overwrite: bool = False) -> None:
    dbfs.put(path, contents=base64.b64encode(content).decode(), overwrite=overwrite)


def test_put_read_list_and_delete(dbfs: DbfsAPI, folder: str) -> None:
    put(dbfs, f"dbfs:{folder}/a", b"0123456789")
    with pytest.raises(ResourceAlreadyExists):
        put(dbfs, f"{folder}/a", b"")
    part = dbfs.read(f"{folder}/a", offset=3, length=4)
    assert (part.bytes_read, base64.b64decode(part.data or "")) == (4, b"3456")
    assert dbfs.read(f"{folder}/a", offset=10).bytes_read == 0
    assert dbfs.get_status(f"{folder}/a").file_size == 10
    dbfs.mkdirs(f"{folder}/d/e")
    assert {(file.path, file.is_dir) for file in dbfs.list(folder)} == {
        (f"{folder}/a", False),
        (f"{folder}/d", True),
    }
    with pytest.raises(BadRequest):
        dbfs.delete(f"{folder}/d")
    dbfs.move(f"{folder}/a", f"{folder}/b")
    dbfs.delete(folder, recursive=True)
    with pytest.raises(NotFound):
        dbfs.get_status(folder)
    dbfs.delete(folder)


def test_without_the_grant_nothing_works(served, dbfs: DbfsAPI, folder: str) -> None:
    put(dbfs, f"{folder}/a", b"1")
    bob, eve = (DbfsAPI(served.client(name).api_client) for name in ("bob", "eve"))
    assert bob.read(f"{folder}/a").bytes_read == 1
    for call in (bob.delete, bob.mkdirs, eve.read, eve.get_status, eve.delete):
        with pytest.raises(PermissionDenied):
            call(f"{folder}/a")


@pytest.mark.parametrize("path", ["/tmp/a", "dbfs:/FileStore/x", "/mnt/lake"])
def test_the_dbfs_root_is_refused(served, path: str) -> None:
    client: WorkspaceClient = served.client("root")
    with pytest.raises(PermissionDenied, match="Public DBFS root is disabled"):
        DbfsAPI(client.api_client).get_status(path)
