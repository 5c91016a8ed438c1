"""moto's control routes and its instance metadata are served to nobody, whichever way they are asked for."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.moto_api._internal.urls import url_paths

from local_workspace.engines.moto_server import MotoServer
from tests.local_workspace.engines.moto_clients import ACCOUNT, REGION, ROOT, make_bucket, running

ROUTES = sorted({path.replace("{0}", "").replace("<path:", "<").replace("$", "") for path in url_paths})


@pytest.fixture(scope="module")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MotoServer]:
    with running(MotoServer(tmp_path_factory.mktemp("moto"), ACCOUNT, *ROOT)) as server:
        make_bucket(server, "kept")
        yield server


@pytest.mark.parametrize("host", ["127.0.0.1", "motoapi.amazonaws.com", "moto_api"])
def test_no_control_route_is_served(moto: MotoServer, host: str) -> None:
    assert any("reset" in route for route in ROUTES) and any("recorder" in route for route in ROUTES)
    paths = [*ROUTES, "/moto-api", "/moto%2Dapi/reset", "/%6doto-api/reset", "/favicon.ico", "/latest/meta-data/iam/"]
    for path in paths:
        for method in ("GET", "POST", "PUT", "DELETE"):
            status = _ask(moto, method, path.replace("<", "").replace(">", ""), host)
            assert status in (403, 404), (method, path, status)
    session = boto3.Session(*ROOT, region_name=REGION)
    assert session.client("s3", endpoint_url=moto.url).list_buckets()["Buckets"][0]["Name"] == "kept"


def test_a_request_signed_for_the_control_service_is_not_served(moto: MotoServer) -> None:
    scope = "Credential=AKIA/20260101/us-east-1/motoapi/aws4_request, SignedHeaders=host, Signature=x"
    request = urllib.request.Request(f"{moto.url}/moto-api/reset", b"", {"Authorization": f"AWS4-HMAC-SHA256 {scope}"})
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(request)


def test_the_gateways_own_key_opens_nothing_with_a_guessed_secret(moto: MotoServer) -> None:
    client = boto3.client(
        "s3", endpoint_url=moto.url, region_name=REGION, aws_access_key_id=ROOT[0], aws_secret_access_key="gateway"
    )
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        client.list_buckets()


def _ask(moto: MotoServer, method: str, path: str, host: str) -> int:
    request = urllib.request.Request(f"{moto.url}{path}", method=method, headers={"Host": host})
    try:
        with urllib.request.urlopen(request) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
