"""The moto engine: policies bind, notifications arrive, sessions expire."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext
from datetime import timedelta
from http.client import HTTPConnection
from typing import Any

import boto3
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from local_workspace.engines.moto_server import MotoServer
from tests.local_workspace.engines.moto_clients import (
    ACCOUNT,
    QUEUE_ARN,
    REGION,
    ROOT,
    client,
    make_bucket,
    make_user,
    running,
)


@pytest.fixture(scope="module")
def warm_moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MotoServer]:
    with running(MotoServer(tmp_path_factory.mktemp("moto"), ACCOUNT, *ROOT)) as server:
        yield server


def test_identity_policies_bind(warm_moto: MotoServer) -> None:
    make_bucket(warm_moto, "lakehouse-a").put_object(Bucket="lakehouse-a", Key="x", Body=b"1")
    allowed = client(warm_moto, "s3", make_user(warm_moto, "allowed", "arn:aws:s3:::lakehouse-a*"))
    denied = client(warm_moto, "s3", make_user(warm_moto, "denied", None))
    assert allowed.get_object(Bucket="lakehouse-a", Key="x")["Body"].read() == b"1"
    with pytest.raises(ClientError, match="AccessDenied"):
        denied.get_object(Bucket="lakehouse-a", Key="x")
    with pytest.raises(ClientError, match="InvalidAccessKeyId"):
        client(warm_moto, "s3", ("AKIANOBODY", "x")).list_buckets()


def test_a_presigned_url_carries_the_rights_of_its_signer_for_its_time(warm_moto: MotoServer) -> None:
    make_bucket(warm_moto, "lakehouse-signed").put_object(Bucket="lakehouse-signed", Key="ä b&c", Body=b"1")
    keys = make_user(warm_moto, "signer", "arn:aws:s3:::lakehouse-signed*"), make_user(warm_moto, "poor-signer", None)
    address, poor = (presign(warm_moto, key, 60) for key in keys)
    assert fetch(address) == (200, "1")
    assert fetch(address.replace("lakehouse-signed", "lakehouse-signed2"))[0] == 403
    assert fetch(poor)[0] == 403
    assert "SignatureDoesNotMatch" in fetch(address[:-4] + "0000")[1]
    assert fetch(address.partition("?")[0])[0] == 403
    assert "Request has expired" in fetch(presign(warm_moto, keys[0], 0))[1]
    for broken in (presign(warm_moto, keys[0], -5), address.replace("X-Amz-Date=2", "X-Amz-Date=x")):
        assert (fetch(broken)[0], "AuthorizationQueryParametersError" in fetch(broken)[1]) == (400, True)


def test_many_objects_are_deleted_by_who_may_delete_each(warm_moto: MotoServer) -> None:
    root = make_bucket(warm_moto, "lakehouse-bulk")
    for key in ("mine/a&b", "mine/c", "other/d"):
        root.put_object(Bucket="lakehouse-bulk", Key=key, Body=b"")
    mine = client(warm_moto, "s3", make_user(warm_moto, "bulk", "arn:aws:s3:::lakehouse-bulk/mine/*"))

    def delete(*keys: str) -> dict[str, Any]:
        wanted = {"Objects": [{"Key": key} for key in keys]}
        return dict(mine.delete_objects(Bucket="lakehouse-bulk", Delete=wanted))

    assert [error["Code"] for error in delete("other/d")["Errors"]] == ["AccessDenied"]
    assert [gone["Key"] for gone in delete("mine/a&b", "mine/c")["Deleted"]] == ["mine/a&b", "mine/c"]
    listed = root.list_objects_v2(Bucket="lakehouse-bulk")["Contents"]
    assert [item["Key"] for item in listed] == ["other/d"]


def test_deletions_are_asked_for_as_they_are_read(warm_moto: MotoServer) -> None:
    """Once a blank in `<Key >` hid an object from the question, and not from the deletion."""
    root = make_bucket(warm_moto, "lakehouse-spelled")
    version = root.put_object(Bucket="lakehouse-spelled", Key="mine/a", Body=b"")["VersionId"]
    root.put_object(Bucket="lakehouse-spelled", Key="other/d", Body=b"")
    mine = "arn:aws:s3:::lakehouse-spelled/mine/*"
    keys = make_user(warm_moto, "speller", mine, "s3:DeleteObject")
    for spelled in (
        "<Key >other/d</Key >",
        "<Key\n>other/d</Key>",
        "<Key>other&#47;d</Key>",
        "<Key><![CDATA[other/d]]></Key>",
        "<!-- <Key>mine/a</Key> --><Key>other/d</Key>",
        f"<Key>mine/a</Key><VersionId>{version}</VersionId>",
    ):
        body = f"<Delete><Object>{spelled}</Object></Delete>"
        assert "AccessDenied" in send(warm_moto, keys, "POST", "/lakehouse-spelled?delete", body)[1], spelled
    for broken in ("", "<Delete>", "<Delete/>", "<Delete><Object>x</Object></Delete>", "<a:Delete/>"):
        assert send(warm_moto, keys, "POST", "/lakehouse-spelled?delete", broken)[0] in (400, 403)
    assert len(root.list_object_versions(Bucket="lakehouse-spelled")["Versions"]) == 2


def test_who_copies_an_object_must_be_let_to_read_it(warm_moto: MotoServer) -> None:
    """Once keys that write anywhere read everything: what is copied was not asked for."""
    root = make_bucket(warm_moto, "lakehouse-copied")
    for key in ("mine/ä b", "other/d"):
        root.put_object(Bucket="lakehouse-copied", Key=key, Body=b"1")
    keys = make_user(warm_moto, "copier", "arn:aws:s3:::lakehouse-copied/mine/*")
    mine = client(warm_moto, "s3", keys)
    mine.copy_object(Bucket="lakehouse-copied", Key="mine/b", CopySource="lakehouse-copied/mine/ä b")
    part = {"Bucket": "lakehouse-copied", "Key": "mine/c"}
    upload = {**part, "UploadId": mine.create_multipart_upload(**part)["UploadId"], "PartNumber": 1}
    for source in ("lakehouse-copied/other/d", "/lakehouse-copied/other/d", "lakehouse-copied/other/d?versionId=null"):
        with pytest.raises(ClientError, match="AccessDenied"):
            mine.copy_object(**part, CopySource=source)
        with pytest.raises(ClientError, match="AccessDenied"):
            mine.upload_part_copy(**upload, CopySource=source)
    for source in ("lakehouse-copied%2Fother%2Fd", "%6Cakehouse-copied/other/d"):
        assert send(warm_moto, keys, "PUT", "/lakehouse-copied/mine/c", "", {"x-amz-copy-source": source})[0] == 403
    for broken in ("x", "", "//lakehouse-copied/other/d", "http://x/lakehouse-copied/other/d", "lakehouse-copied/m;x"):
        assert send(warm_moto, keys, "PUT", "/lakehouse-copied/mine/c", "", {"x-amz-copy-source": broken})[0] == 400
    mine.put_object(Bucket="lakehouse-copied", Key=f"mine/{'ä' * 509}x", Body=b"")
    mine.delete_object(Bucket="lakehouse-copied", Key=f"mine/{'ä' * 509}x")
    with pytest.raises(ClientError, match="KeyTooLongError"):
        mine.put_object(Bucket="lakehouse-copied", Key=f"mine/{'ä' * 510}", Body=b"")
    assert {one["Key"] for one in root.list_objects_v2(Bucket="lakehouse-copied")["Contents"]} == {
        *("mine/b", "mine/ä b", "other/d")
    }


def send(
    server: MotoServer, keys: tuple[str, ...], method: str, path: str, body: str, headers: dict[str, str] | None = None
) -> tuple[int, str]:
    """Send a signed request that no client would make."""
    request = AWSRequest(method, server.url + path, data=body.encode(), headers=headers or {})
    S3SigV4Auth(Credentials(*keys), "s3", REGION).add_auth(request)
    with closing(HTTPConnection(server.url.removeprefix("http://"))) as connection:
        connection.request(method, path, body.encode(), dict(request.headers))
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def presign(server: MotoServer, keys: tuple[str, ...], seconds: int) -> str:
    settings = Config(signature_version="s3v4", s3={"addressing_style": "path"})
    names = ("aws_access_key_id", "aws_secret_access_key")
    s3 = boto3.Session().client(  # type: ignore[call-overload]
        "s3", endpoint_url=server.url, region_name=REGION, config=settings, **dict(zip(names, keys, strict=True))
    )
    return str(s3.generate_presigned_url("get_object", {"Bucket": "lakehouse-signed", "Key": "ä b&c"}, seconds))


def fetch(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_the_gateway_is_the_account_it_says(warm_moto: MotoServer) -> None:
    identity = client(warm_moto, "sts").get_caller_identity()
    assert identity["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/lakehouse-gateway"


def test_a_put_reaches_the_queue(warm_moto: MotoServer) -> None:
    s3, sqs = make_bucket(warm_moto, "lakehouse-landing"), client(warm_moto, "sqs")
    url = sqs.create_queue(QueueName="arrivals")["QueueUrl"]
    rule = {"QueueArn": QUEUE_ARN, "Events": ["s3:ObjectCreated:*"]}
    s3.put_bucket_notification_configuration(
        Bucket="lakehouse-landing", NotificationConfiguration={"QueueConfigurations": [rule]}
    )
    sqs.purge_queue(QueueUrl=url)  # the test event S3 sends when the notification is made
    s3.put_object(Bucket="lakehouse-landing", Key="landed/a b.json", Body=b"{}")
    (message,) = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert json.loads(message["Body"])["Records"][0]["s3"]["object"]["key"] == "landed%2Fa+b.json"


def test_a_session_ends_when_it_expires() -> None:
    from moto.core.utils import utcnow
    from moto.sts.models import sts_backends

    from local_workspace.engines.moto_corrections import end_expired_sessions

    backend = sts_backends[ACCOUNT]["aws"]
    arn = f"arn:aws:iam::{ACCOUNT}:role/r"
    expired, valid = (backend.assume_role(REGION, name, arn, "", 900, "") for name in ("expired", "valid"))
    expired.expiration = utcnow() - timedelta(seconds=1)
    end_expired_sessions()
    assert backend.assumed_roles == [valid]
    backend.reset()


def test_a_conditional_statement_of_a_bucket_policy_locks_nobody_out(warm_moto: MotoServer) -> None:
    """moto evaluates no conditions; the gateway does, when it vends credentials."""
    s3 = make_bucket(warm_moto, "conditional")
    everything = {"Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::conditional/*"}
    conditional = {"Effect": "Deny", **everything, "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    s3.put_bucket_policy(Bucket="conditional", Policy=json.dumps({"Version": "2012-10-17", "Statement": [conditional]}))
    s3.put_object(Bucket="conditional", Key="a", Body=b"kept")
    plain = {"Effect": "Deny", **everything}
    s3.put_bucket_policy(Bucket="conditional", Policy=json.dumps({"Version": "2012-10-17", "Statement": [plain]}))
    with pytest.raises(ClientError, match="403"):
        s3.get_object(Bucket="conditional", Key="a")


@pytest.mark.parametrize(
    ("key", "value", "opens"),
    [
        ("aws:RequestedRegion", REGION, True),
        ("aws:RequestedRegion", "us-east-1", False),
        ("aws:SecureTransport", "true", True),
        ("aws:ViaAWSService", "false", True),
        ("aws:PrincipalType", "User", True),
        ("aws:SourceIp", "127.0.0.1", False),  # not known, and so nothing is allowed
    ],
)
def test_a_policy_with_a_condition_opens_where_it_is_known_to_hold(
    warm_moto: MotoServer, key: str, value: str, opens: bool
) -> None:
    name = f"bound-{key[4:]}-{value}".lower()
    make_bucket(warm_moto, name).put_object(Bucket=name, Key="a", Body=b"kept")
    user = make_user(warm_moto, name, None)
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"StringEquals": {key: value}}}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    client(warm_moto, "iam").put_user_policy(UserName=name, PolicyName="bound", PolicyDocument=document)
    with nullcontext() if opens else pytest.raises(ClientError, match="AccessDenied"):
        client(warm_moto, "s3", user).get_object(Bucket=name, Key="a")


def test_a_folder_whose_objects_are_deleted_is_not_listed(warm_moto: MotoServer) -> None:
    s3 = make_bucket(warm_moto, "folders")
    for key in ("a/gone.txt", "a/b/gone.txt", "c/kept.txt"):
        s3.put_object(Bucket="folders", Key=key, Body=b"x")
    for key in ("a/gone.txt", "a/b/gone.txt"):
        s3.delete_object(Bucket="folders", Key=key)
    found = s3.list_objects_v2(Bucket="folders", Delimiter="/")
    assert [entry["Prefix"] for entry in found["CommonPrefixes"]] == ["c/"]
    assert s3.list_objects_v2(Bucket="folders", Prefix="a/")["KeyCount"] == 0


def test_of_many_who_put_an_object_only_if_there_is_none_one_does(warm_moto: MotoServer) -> None:
    s3 = make_bucket(warm_moto, "once")

    def put(number: int) -> str:
        try:
            return str(s3.put_object(Bucket="once", Key="v1", Body=b"%d" % number, IfNoneMatch="*")["ETag"])
        except ClientError as error:
            return str(error.response["Error"]["Code"])

    told = list(ThreadPoolExecutor(8).map(put, range(40)))
    assert (told.count("PreconditionFailed"), s3.head_object(Bucket="once", Key="v1")["ETag"] in told) == (39, True)
