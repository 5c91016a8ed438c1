"""Fetches a task's source code as the run's principal: workspace object, /Volumes path or s3:// path."""

from __future__ import annotations

import base64
from typing import Any

from local_workspace.serverless_runtime.gateway_client import GatewayClient, GatewayError


class SourceError(Exception):
    """The source cannot be read; `failure` is the report's word for why."""

    def __init__(self, failure: str, message: str) -> None:
        super().__init__(message)
        self.failure = failure


def read_source(client: GatewayClient, path: str, aws_endpoint: str, region: str) -> bytes:
    """Return the file's bytes.

    Raises:
        SourceError: it does not exist or may not be read.
    """
    path = path.removeprefix("dbfs:") if path.startswith("dbfs:/Volumes/") else path
    try:
        if path.startswith(("s3://", "s3a://")):
            return read_object(client, path, aws_endpoint, region)
        if path.startswith("/Volumes/"):
            return client.exchange("GET", f"/api/2.0/fs/files{path}").read()
        return read_workspace_object(client, path)
    except GatewayError as error:
        raise _describe(path, error) from error


def read_workspace_object(client: GatewayClient, path: str) -> bytes:
    """Return the source of a notebook or workspace file."""
    plain = path.removeprefix("/Workspace") if path.startswith("/Workspace/") else path
    answer = client.call("GET", "/api/2.0/workspace/export", {"path": plain, "format": "SOURCE"})
    return base64.b64decode(answer.get("content", ""))


def read_object(client: GatewayClient, url: str, aws_endpoint: str, region: str) -> bytes:
    """Return the bytes of an S3 object, with a credential vended for exactly this path."""
    from botocore.exceptions import ClientError

    bucket, _, key = url.partition("://")[2].partition("/")
    try:
        answer = open_s3(client, url, "PATH_READ", aws_endpoint, region).get_object(Bucket=bucket, Key=key)
        return answer["Body"].read()  # type: ignore[no-any-return]
    except ClientError as error:
        detail = error.response["Error"]
        status = int(error.response["ResponseMetadata"]["HTTPStatusCode"])
        raise GatewayError(status, detail["Code"], f"{url}: {detail['Message']}") from error


def open_s3(client: GatewayClient, url: str, operation: str, aws_endpoint: str, region: str) -> Any:
    """Return a boto3 S3 client that may do `operation` (PATH_READ, PATH_READ_WRITE) under `url`."""
    import boto3
    from botocore.config import Config

    vended = client.call(
        "POST",
        "/api/2.1/unity-catalog/temporary-path-credentials",
        body={"url": url.replace("s3a://", "s3://"), "operation": operation},
    )["aws_temp_credentials"]
    return boto3.Session().client(
        "s3",
        endpoint_url=aws_endpoint or None,
        region_name=region,
        aws_access_key_id=vended["access_key_id"],
        aws_secret_access_key=vended["secret_access_key"],
        aws_session_token=vended["session_token"],
        config=Config(s3={"addressing_style": "path"}),
    )


def _describe(path: str, error: GatewayError) -> SourceError:
    if error.status == 403:
        return SourceError("unauthorized", f"Cannot read {path}: {error.error_code}: {error.message}")
    if error.status == 404:
        return SourceError("resource_not_found", f"Cannot read {path}: {error.message}")
    return SourceError("workload", f"Cannot read {path}: HTTP {error.status} {error.error_code} {error.message}")
