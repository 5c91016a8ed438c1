"""A moto child while a test runs, its clients, and what tests make with them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config

from local_workspace.engines.moto_server import MotoServer

ACCOUNT = "123456789012"
REGION = "eu-central-1"
ROOT = ("AKIALOCALROOT0000000", "gateway-internal")
QUEUE_ARN = f"arn:aws:sqs:{REGION}:{ACCOUNT}:arrivals"


@contextmanager
def running(server: MotoServer) -> Iterator[MotoServer]:
    server.start()
    server.wait_ready()
    try:
        yield server
    finally:
        server.stop()


def client(server: MotoServer, service: str, keys: tuple[str, ...] = ROOT) -> Any:
    names = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
    return boto3.Session().client(  # type: ignore[call-overload]
        service,
        endpoint_url=server.url,
        region_name=REGION,
        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
        **dict(zip(names, keys, strict=False)),
    )


def make_bucket(server: MotoServer, name: str) -> Any:
    s3 = client(server, "s3")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return s3


def make_user(server: MotoServer, name: str, resource: str | None, action: str = "s3:*") -> tuple[str, ...]:
    iam = client(server, "iam")
    iam.create_user(UserName=name)
    if resource:
        statement = {"Effect": "Allow", "Action": action, "Resource": resource}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName=name, PolicyName="only", PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"]


def read_all(s3: Any, bucket: str, key: str) -> list[bytes]:
    versions = s3.list_object_versions(Bucket=bucket, Prefix=key)["Versions"]
    return [
        s3.get_object(Bucket=bucket, Key=key, VersionId=version["VersionId"])["Body"].read() for version in versions
    ]
