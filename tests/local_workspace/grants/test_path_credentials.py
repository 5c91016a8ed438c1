"""Keys for paths: whatever the spelling, they open nothing of somebody else's table, volume or managed storage."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, DatabricksError, NotFound, PermissionDenied
from databricks.sdk.service.catalog import Privilege, VolumeType

from local_workspace.gateway.errors import ApiError
from local_workspace.services.unity_catalog.storage_urls import normalize, normalize_object, split_url
from tests.local_workspace.conftest import WarmWorkspace
from tests.local_workspace.scratch import BUCKET, NAME, Scratch, error_of, grant, run_sql

MAIN, LAKE = f"{NAME}.main", f"s3://{BUCKET}"
SPELLINGS = json.loads((Path(__file__).parents[2] / "storage_urls.json").read_text())
OPERATIONS = ("PATH_CREATE_TABLE", "PATH_READ", "PATH_READ_WRITE")
# Spellings that a reader may take for a place that somebody else has.
HOSTILE = [
    *("/*", "/out*", "/outsid?", "/?x=1", "//outside", "/./outside", "/x/../outside", "/outside//", "\\outside"),
    *("/managed/*", "/*/__unitystorage", "/${aws:userid}", "/shelf?", "/outside/./x", "/a\nb"),
]


def ask(client: WorkspaceClient, url: str, operation: str) -> dict[str, Any]:
    body = {"url": url, "operation": operation}
    answer = client.api_client.do("POST", "/api/2.1/unity-catalog/temporary-path-credentials", body=body)
    assert isinstance(answer, dict)
    return answer


def open_s3(workspace: WarmWorkspace, answer: dict[str, Any]) -> Any:
    keys = answer["aws_temp_credentials"]
    return boto3.client(
        "s3",
        endpoint_url=workspace.aws("s3").meta.endpoint_url,
        region_name=workspace.target.region,
        aws_access_key_id=keys["access_key_id"],
        aws_secret_access_key=keys["secret_access_key"],
        aws_session_token=keys["session_token"],
    )


def is_open(call: Callable[[], Any]) -> bool:
    try:
        call()
    except ClientError as error:
        assert error.response["Error"]["Code"] in ("AccessDenied", "403"), error
        return False
    return True


@pytest.mark.parametrize(("url", "kept"), SPELLINGS["taken"].items())
def test_a_storage_url_is_kept_as_given(url: str, kept: str) -> None:
    assert normalize(url) == normalize_object(url) == kept
    bucket, prefix = split_url(kept)
    assert f"s3://{bucket}/{prefix}".rstrip("/") == kept


@pytest.mark.parametrize("url", [*SPELLINGS["refused"], None, 7, ["s3://lake"], {}])
def test_a_storage_url_that_reads_in_two_ways_is_refused(url: object) -> None:
    with pytest.raises(ApiError) as refusal:
        normalize(url)
    assert refusal.value.status == 400
    assert repr(url) in str(refusal.value)


@pytest.fixture
def pipeline(workspace: WarmWorkspace, scratch: Scratch) -> WorkspaceClient:
    """Who may read, write and create tables in the location."""
    return workspace.client("pipeline")


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("path", HOSTILE)
def test_a_hostile_spelling_gets_no_keys(pipeline: WorkspaceClient, path: str, operation: str) -> None:
    with pytest.raises(BadRequest, match="storage URL"):
        ask(pipeline, f"{LAKE}{path}", operation)


@pytest.mark.parametrize("path", ["", "/", "/managed", "/managed/", "/outside", "/outside/x", "/shelf", "/shelf/x"])
def test_no_keys_to_create_a_table_where_something_is(pipeline: WorkspaceClient, path: str) -> None:
    with pytest.raises((BadRequest, PermissionDenied), match=r"overlaps with|belongs to"):
        ask(pipeline, f"{LAKE}{path}", "PATH_CREATE_TABLE")


def test_no_keys_for_managed_storage_but_for_who_made_it(
    pipeline: WorkspaceClient, workspace: WarmWorkspace, scratch: Scratch
) -> None:
    for client in (pipeline, workspace.client("deployer")):
        for url in (scratch.table_url, f"{scratch.table_url}/_delta_log", scratch.box_url):
            for operation in OPERATIONS:
                with pytest.raises(PermissionDenied, match="belongs to"):
                    ask(client, url, operation)


@pytest.mark.parametrize(
    "path",
    ["/outsid", "/outside2", "/Outside", "/shel", "/new", "/new/", "/out.ide", "/out side", "/[a-z]", "/a|b+(c)"],
)
def test_keys_to_create_a_table_open_their_own_place_and_no_sibling(
    pipeline: WorkspaceClient, workspace: WarmWorkspace, path: str
) -> None:
    s3 = open_s3(workspace, ask(pipeline, f"{LAKE}{path}", "PATH_CREATE_TABLE"))
    key = f"{path.strip('/')}/part-0"
    assert is_open(lambda: s3.put_object(Bucket=BUCKET, Key=key, Body=b"x"))
    workspace.aws("s3").delete_object(Bucket=BUCKET, Key=key)
    others = ["outside/part-0", "shelf/one.txt", "files/one.txt", "managed/x", f"{path.strip('/')}2/x", "b", "abc"]
    for other in others:
        assert not is_open(lambda other=other: s3.get_object(Bucket=BUCKET, Key=other)), other
        assert not is_open(lambda other=other: s3.put_object(Bucket=BUCKET, Key=other, Body=b"x")), other


@pytest.mark.parametrize("path", ["", "/", "/files", "/managed", "/sh", "/a#b?"[:4], "/100%20"])
def test_keys_to_read_and_write_are_closed_to_volumes_and_managed_storage(
    pipeline: WorkspaceClient, workspace: WarmWorkspace, scratch: Scratch, path: str
) -> None:
    for operation in ("PATH_READ", "PATH_READ_WRITE"):
        s3 = open_s3(workspace, ask(pipeline, f"{LAKE}{path}", operation))
        assert is_open(lambda s3=s3: s3.get_object(Bucket=BUCKET, Key="files/one.txt"))
        in_table = scratch.table_url.removeprefix(f"{LAKE}/") + "/_delta_log/00000000000000000000.json"
        in_box = scratch.box_url.removeprefix(f"{LAKE}/") + "/x"
        for key in ("shelf/one.txt", in_table, in_box):
            assert not is_open(lambda s3=s3, key=key: s3.get_object(Bucket=BUCKET, Key=key)), key
            assert not is_open(lambda s3=s3, key=key: s3.put_object(Bucket=BUCKET, Key=key, Body=b"")), key
            folder = key.rpartition("/")[0]
            for prefix in (folder, f"{folder}/", key):
                assert not is_open(lambda s3=s3, prefix=prefix: s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix))
        assert is_open(lambda s3=s3: s3.list_objects_v2(Bucket=BUCKET, Prefix="files/"))


def test_keys_for_a_folder_list_no_other(pipeline: WorkspaceClient, workspace: WarmWorkspace) -> None:
    s3 = open_s3(workspace, ask(pipeline, f"{LAKE}/fresh", "PATH_CREATE_TABLE"))
    assert is_open(lambda: s3.list_objects_v2(Bucket=BUCKET, Prefix="fresh/"))
    assert not is_open(lambda: s3.list_objects_v2(Bucket=BUCKET))
    assert not is_open(lambda: s3.list_objects_v2(Bucket=BUCKET, Prefix="fresh2/"))
    assert not is_open(lambda: s3.list_objects_v2(Bucket=BUCKET, Prefix="fres"))


def test_keys_to_read_do_not_write(pipeline: WorkspaceClient, workspace: WarmWorkspace) -> None:
    s3 = open_s3(workspace, ask(pipeline, f"{LAKE}/files", "PATH_READ"))
    assert not is_open(lambda: s3.put_object(Bucket=BUCKET, Key="files/two.txt", Body=b""))


@pytest.mark.parametrize("url", [f"{LAKE}/pri*", f"{LAKE}/tab?e", f"{LAKE}/a#b", f"{LAKE}//x", f"{LAKE}/%2e%2e/x"])
def test_a_place_is_refused_alike_in_rest_and_sql(workspace: WarmWorkspace, scratch: Scratch, url: str) -> None:
    deployer = workspace.client("deployer")
    calls: list[Callable[[], Any]] = [
        lambda: deployer.volumes.create(NAME, "main", "odd", VolumeType.EXTERNAL, storage_location=url),
        lambda: deployer.external_locations.create("odd", url, NAME, skip_validation=True),
        lambda: deployer.external_locations.update(NAME, url=url, skip_validation=True),
        lambda: deployer.catalogs.create("odd", storage_root=url),
        lambda: deployer.schemas.create("odd", NAME, storage_root=url),
        lambda: deployer.storage_credentials.validate(storage_credential_name=NAME, url=url),
    ]
    for call in calls:
        with pytest.raises(BadRequest, match="not a valid storage URL"):
            call()
    for statement in (
        f"CREATE EXTERNAL VOLUME {MAIN}.odd LOCATION '{url}'",
        f"CREATE CATALOG odd MANAGED LOCATION '{url}'",
    ):
        assert "not a valid storage URL" in error_of(workspace, "deployer", statement)
    with pytest.raises(NotFound):
        deployer.volumes.read(f"{MAIN}.odd")


@pytest.mark.parametrize("path", ["pri*", "tab?e"])
def test_a_table_is_not_made_at_a_wildcard(workspace: WarmWorkspace, scratch: Scratch, path: str) -> None:
    error_of(workspace, "deployer", f"CREATE TABLE {MAIN}.odd (id INT) USING delta LOCATION '{LAKE}/{path}'")
    with pytest.raises(NotFound):
        workspace.client("deployer").tables.get(f"{MAIN}.odd")


@pytest.fixture
def empty_catalog(workspace: WarmWorkspace, scratch: Scratch) -> Iterator[str]:
    deployer = workspace.client("deployer")
    deployer.catalogs.create("hollow", storage_root=f"{LAKE}/hollow/root")
    yield "hollow"
    deployer.catalogs.delete("hollow", force=True)


@pytest.mark.parametrize("path", ["hollow", "hollow/root", "hollow/root/x", "hollow/root/__unitystorage", ""])
def test_nothing_external_goes_over_or_into_managed_storage(
    workspace: WarmWorkspace, empty_catalog: str, path: str
) -> None:
    url = f"{LAKE}/{path}".rstrip("/")
    deployer = workspace.client("deployer")
    with pytest.raises(BadRequest, match="overlaps with"):
        deployer.volumes.create(NAME, "main", "odd", VolumeType.EXTERNAL, storage_location=url)
    error = error_of(workspace, "deployer", f"CREATE EXTERNAL VOLUME {MAIN}.odd LOCATION '{url}'")
    assert "overlaps with" in error
    with pytest.raises((BadRequest, PermissionDenied)):
        ask(workspace.client("pipeline"), url, "PATH_CREATE_TABLE")


def test_a_neighbour_of_managed_storage_is_taken(workspace: WarmWorkspace, empty_catalog: str) -> None:
    deployer = workspace.client("deployer")
    made = deployer.volumes.create(NAME, "main", "odd", VolumeType.EXTERNAL, storage_location=f"{LAKE}/hollow/root2/")
    assert made.storage_location == f"{LAKE}/hollow/root2"
    deployer.volumes.delete(f"{MAIN}.odd")


def test_a_location_does_not_move_away_from_what_lies_in_it(workspace: WarmWorkspace, scratch: Scratch) -> None:
    deployer = workspace.client("deployer")
    with pytest.raises(DatabricksError, match=rf"would leave out .*{re.escape(MAIN)}.outside"):
        deployer.external_locations.update(NAME, url=f"{LAKE}/shelf")
    assert deployer.external_locations.get(NAME).url == f"{LAKE}/"


def test_what_no_location_covers_is_not_opened_by_the_gateway_itself(
    workspace: WarmWorkspace, scratch: Scratch
) -> None:
    deployer = workspace.client("deployer")
    s3 = workspace.aws("s3")
    s3.create_bucket(Bucket="lost", CreateBucketConfiguration={"LocationConstraint": workspace.target.region})
    deployer.external_locations.create("lost", "s3://lost", NAME, skip_validation=True)
    deployer.volumes.create(NAME, "main", "lost", VolumeType.EXTERNAL, storage_location="s3://lost/files")
    grant(workspace, "volume", f"{MAIN}.lost", "analyst", Privilege.READ_VOLUME)
    deployer.external_locations.delete("lost", force=True)
    with pytest.raises(PermissionDenied, match="No external location covers 's3://lost/files'"):
        list(workspace.client("analyst").files.list_directory_contents(f"/Volumes/{NAME}/main/lost"))
    deployer.volumes.delete(f"{MAIN}.lost")


def test_a_plain_read_of_a_path_works(workspace: WarmWorkspace, scratch: Scratch) -> None:
    odd = ["files/x%20y.txt", "files/a#b.txt", "files/ä ö.txt"]
    for key in odd:
        workspace.aws("s3").put_object(Bucket=BUCKET, Key=key, Body=b"odd\n")
    rows = run_sql(workspace, "analyst", f"SELECT count(*) FROM text.`{LAKE}/files/` WHERE value = 'odd'")
    assert rows == [["3"]]
    for key in odd:
        workspace.aws("s3").delete_object(Bucket=BUCKET, Key=key)
