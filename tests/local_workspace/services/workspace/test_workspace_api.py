"""Workspace API over HTTP with the real databricks-sdk: objects, formats, homes; each allow with its deny."""

import base64
import io
import uuid

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import (
    BadRequest,
    DatabricksError,
    InvalidParameterValue,
    NotFound,
    NotImplemented,
    PermissionDenied,
    ResourceAlreadyExists,
)
from databricks.sdk.service.workspace import ExportFormat, ImportFormat, Language, ObjectType

from local_workspace.services.workspace.objects import read_source

NOTEBOOK = b"# Databricks notebook source\nprint(1)\n"


def test_a_notebook_is_imported_exported_and_described(ann: WorkspaceClient, folder: str) -> None:
    content = base64.b64encode(b"print(1)").decode()
    ann.workspace.import_(f"{folder}/n", content=content, format=ImportFormat.SOURCE, language=Language.PYTHON)
    info = ann.workspace.get_status(f"/Workspace{folder}/n")
    assert (info.object_type, info.language, info.path) == (ObjectType.NOTEBOOK, Language.PYTHON, f"{folder}/n")
    exported = base64.b64decode(ann.workspace.export(f"{folder}/n").content or "")
    assert exported == b"# Databricks notebook source\nprint(1)"


def test_a_multipart_upload_keeps_every_byte(served, ann: WorkspaceClient, folder: str) -> None:
    content = bytes(range(256)) * 50 + b"\r\n--\r\n\r\nend\r\n"
    ann.workspace.upload(f"{folder}/data.bin", io.BytesIO(content), format=ImportFormat.AUTO)
    assert ann.workspace.get_status(f"{folder}/data.bin").size == len(content)
    assert ann.workspace.download(f"{folder}/data.bin", format=ExportFormat.AUTO).read() == content
    assert read_source(served.workspace, served.workspace.principal("ann"), f"{folder}/data.bin") == content


def test_auto_tells_notebooks_from_files(ann: WorkspaceClient, folder: str) -> None:
    ann.workspace.upload(f"{folder}/notebook.py", NOTEBOOK, format=ImportFormat.AUTO)
    ann.workspace.upload(f"{folder}/script.py", b"print(1)", format=ImportFormat.AUTO)
    ann.workspace.upload(f"{folder}/raw.py", NOTEBOOK, format=ImportFormat.RAW)
    found = {item.path: item.object_type for item in ann.workspace.list(folder)}
    expected = {"notebook": ObjectType.NOTEBOOK, "script.py": ObjectType.FILE, "raw.py": ObjectType.FILE}
    assert found == {f"{folder}/{name}": kind for name, kind in expected.items()}


def test_formats_that_are_not_served_are_refused(ann: WorkspaceClient, folder: str) -> None:
    with pytest.raises(NotImplemented):
        ann.workspace.upload(f"{folder}/a", b"{}", format=ImportFormat.JUPYTER)
    with pytest.raises(BadRequest, match="language"):
        ann.workspace.import_(f"{folder}/a", content="", format=ImportFormat.SOURCE)
    with pytest.raises(InvalidParameterValue, match="base64"):
        ann.workspace.import_(f"{folder}/a", content="*", format=ImportFormat.RAW)


def test_overwrite_and_types(ann: WorkspaceClient, folder: str) -> None:
    ann.workspace.upload(f"{folder}/a", b"1", format=ImportFormat.RAW)
    first = ann.workspace.get_status(f"{folder}/a")
    with pytest.raises(ResourceAlreadyExists):
        ann.workspace.upload(f"{folder}/a", b"2", format=ImportFormat.RAW)
    ann.workspace.upload(f"{folder}/a", b"3", format=ImportFormat.RAW, overwrite=True)
    assert ann.workspace.download(f"{folder}/a").read() == b"3"
    assert ann.workspace.get_status(f"{folder}/a").object_id == first.object_id
    with pytest.raises(DatabricksError, match=r"\[NOTEBOOK\].*\[FILE\]"):
        ann.workspace.upload(f"{folder}/a", b"4", language=Language.PYTHON, overwrite=True)


def test_missing_things_are_not_found(ann: WorkspaceClient, folder: str) -> None:
    for call in (ann.workspace.get_status, ann.workspace.export, ann.workspace.delete):
        with pytest.raises(NotFound):
            call(f"{folder}/none")
    with pytest.raises(NotFound):
        list(ann.workspace.list(f"{folder}/none"))
    with pytest.raises(NotFound, match="parent folder"):
        ann.workspace.upload(f"{folder}/none/a", b"", format=ImportFormat.RAW)


def test_a_folder_is_deleted_only_empty_or_recursively(ann: WorkspaceClient, folder: str) -> None:
    ann.workspace.mkdirs(f"{folder}/x/y")
    ann.workspace.upload(f"{folder}/x/y/a", b"", format=ImportFormat.RAW)
    with pytest.raises(BadRequest) as caught:
        ann.workspace.delete(f"{folder}/x")
    assert caught.value.error_code == "DIRECTORY_NOT_EMPTY"
    ann.workspace.delete(f"{folder}/x", recursive=True)
    assert list(ann.workspace.list(folder)) == []


def test_homes_belong_to_their_owners(served, ann: WorkspaceClient, folder: str) -> None:
    ann.workspace.upload(f"{folder}/a", b"secret", format=ImportFormat.RAW)
    bob, root = served.client("bob"), served.client("root")
    for call in (bob.workspace.get_status, bob.workspace.export, bob.workspace.delete, bob.workspace.mkdirs):
        with pytest.raises(PermissionDenied, match=r"bob.*/Users/ann"):
            call(f"{folder}/b" if call == bob.workspace.mkdirs else f"{folder}/a")
    with pytest.raises(PermissionDenied, match=r"CAN_EDIT"):
        bob.workspace.upload(f"{folder}/a", b"", format=ImportFormat.RAW, overwrite=True)
    assert root.workspace.download(f"{folder}/a").read() == b"secret"
    assert [item.path for item in bob.workspace.list("/Users")] == ["/Users/bob"]
    assert "/Users/ann" in [item.path for item in root.workspace.list("/Users")]


def test_shared_is_open_to_members_and_closed_to_others(served, ann: WorkspaceClient) -> None:
    path = f"/Shared/{uuid.uuid4().hex}"
    ann.workspace.upload(path, b"all", format=ImportFormat.RAW)
    assert served.client("bob").workspace.download(path).read() == b"all"
    with pytest.raises(PermissionDenied):
        served.client("eve").workspace.download(path)
    with pytest.raises(PermissionDenied):
        served.client("eve").workspace.get_status("/Users/eve")
    with pytest.raises(PermissionDenied):
        ann.workspace.mkdirs("/elsewhere")
    with pytest.raises(InvalidParameterValue):
        ann.workspace.get_status("relative")
    with pytest.raises(InvalidParameterValue):
        ann.workspace.get_status("/Shared/../Users/bob")
