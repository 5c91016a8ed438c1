"""Changes of rules in AWS are counted before they are answered, and nothing else is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from local_workspace.engines.moto_gate import is_write, service_of
from local_workspace.engines.moto_rules import VENDED_ROLES, RuleChanges
from local_workspace.engines.moto_server import MotoServer
from local_workspace.gateway.workspace import AWS_ACCOUNT, REGION, new_root_keys
from tests.local_workspace.engines.moto_clients import running

ROOT_KEYS = new_root_keys()


def policy(**statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


ALL_OF_S3, EVERYBODY = policy(Action="s3:*", Resource="*"), policy(Principal="*", Action="s3:GetObject", Resource="*")
TRUST = policy(Principal={"Service": "ec2.amazonaws.com"}, Action="sts:AssumeRole")
FORM = "application/x-www-form-urlencoded; charset=utf-8"
Act = Callable[[Callable[[str], Any]], Any]


@pytest.fixture(scope="module")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[MotoServer, RuleChanges]]:
    home = tmp_path_factory.mktemp("rules")
    with running(MotoServer(home, AWS_ACCOUNT, *ROOT_KEYS.values())) as server:
        yield server, RuleChanges(home / "buckets")


@pytest.fixture(scope="module")
def aws(moto: tuple[MotoServer, RuleChanges]) -> Callable[[str], Any]:
    settings = Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1})
    session = boto3.Session(**ROOT_KEYS, region_name=REGION)

    def client(service: str) -> Any:
        return session.client(service, endpoint_url=moto[0].url, config=settings)  # type: ignore[call-overload]

    client("s3").create_bucket(Bucket="rules", CreateBucketConfiguration={"LocationConstraint": REGION})
    client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)
    return client


CHANGES: dict[str, Act] = {
    "role": lambda aws: aws("iam").create_role(RoleName="other", AssumeRolePolicyDocument=TRUST),
    "trust": lambda aws: aws("iam").update_assume_role_policy(RoleName="r", PolicyDocument=TRUST),
    "role policy": lambda aws: aws("iam").put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=ALL_OF_S3),
    "role policy removed": lambda aws: aws("iam").delete_role_policy(RoleName="r", PolicyName="p"),
    "bucket policy": lambda aws: aws("s3").put_bucket_policy(Bucket="rules", Policy=EVERYBODY),
    "bucket": lambda aws: aws("s3").create_bucket(
        Bucket="more", CreateBucketConfiguration={"LocationConstraint": REGION}
    ),
    "bucket removed": lambda aws: aws("s3").delete_bucket(Bucket="more"),
    "key": lambda aws: aws("kms").create_key(),
}
NO_CHANGES: dict[str, Act] = {
    "reading a role": lambda aws: aws("iam").get_role(RoleName="r"),
    "listing keys": lambda aws: aws("kms").list_keys(),
    "an object": lambda aws: aws("s3").put_object(Bucket="rules", Key="a/b", Body=b"x"),
    "objects removed": lambda aws: aws("s3").delete_objects(Bucket="rules", Delete={"Objects": [{"Key": "a/b"}]}),
    "a queue": lambda aws: aws("sqs").create_queue(QueueName="q"),
    "a role for keys given out": lambda aws: aws("iam").create_role(
        RoleName=f"{VENDED_ROLES}1", AssumeRolePolicyDocument=TRUST
    ),
}


@pytest.mark.parametrize(("act", "counted"), [
    *((act, True) for act in CHANGES.values()), *((act, False) for act in NO_CHANGES.values())
], ids=[*CHANGES, *NO_CHANGES])  # fmt: skip
def test_changes_of_rules_are_counted(
    moto: tuple[MotoServer, RuleChanges], aws: Callable[[str], Any], act: Act, counted: bool
) -> None:
    before = moto[1].count()
    act(aws)
    assert before is not None
    assert moto[1].count() == before + counted


def test_a_restart_counts_for_what_may_have_been_saved_and_not_counted(tmp_path: Path) -> None:
    server, changes = MotoServer(tmp_path, AWS_ACCOUNT, *ROOT_KEYS.values()), RuleChanges(tmp_path / "buckets")
    counts = [changes.count()]
    for _ in range(2):
        server.start()
        server.wait_ready()
        server.stop()
        counts.append(changes.count())
    assert counts == [None, 1, 2]


@pytest.mark.parametrize(
    ("method", "target", "body", "writes"),
    [
        ("GET", "", b"", False),
        ("POST", "", b"Action=GetRole&RoleName=r", False),
        ("POST", "", b"Version=1&Action=ListRolePolicies", False),
        ("POST", "", b"Action=CreateRole&RoleName=GetRole", True),
        ("POST", "", b"Action=GetSessionToken", True),
        ("POST", "", b"Action=AssumeRole", True),
        ("POST", "AmazonSQS.ReceiveMessage", b"{}", False),
        ("POST", "AmazonSQS.SendMessage", b"{}", True),
        ("POST", "TrentService.DescribeKey", b"Action=Put", False),
        ("PUT", "", b"Action=GetRole", True),
    ],
)
def test_reading_is_told_from_writing(method: str, target: str, body: bytes, writes: bool) -> None:
    environ = {
        "REQUEST_METHOD": method,
        "CONTENT_TYPE": FORM if method == "POST" else "text/plain",
        "local_workspace.body": body,
        **({"HTTP_X_AMZ_TARGET": target} if target else {}),
    }
    assert is_write(environ) == writes


@pytest.mark.parametrize(
    ("environ", "service"),
    [
        ({"HTTP_AUTHORIZATION": "AWS4-HMAC-SHA256 Credential=AK/20130101/eu-central-1/iam/aws4_request, x"}, "iam"),
        ({"QUERY_STRING": "X-Amz-Credential=AK%2F20130101%2Feu-central-1%2Fs3%2Faws4_request"}, "s3"),
        ({}, ""),
    ],
)
def test_the_service_is_the_one_that_is_signed_for(environ: dict[str, str], service: str) -> None:
    assert service_of(environ) == service
