"""What the moto engine has acknowledged survives a stop and a kill."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from local_workspace.engines.moto_server import EngineFailed, MotoServer
from tests.local_workspace.engines.moto_clients import (
    ACCOUNT,
    QUEUE_ARN,
    REGION,
    ROOT,
    client,
    make_bucket,
    make_user,
    read_all,
    running,
)
from tests.waiting import wait_until


@pytest.fixture
def moto(tmp_path: Path) -> Iterator[MotoServer]:
    with running(MotoServer(tmp_path, ACCOUNT, *ROOT)) as server:
        yield server


@pytest.mark.parametrize("ending", ["stop", "kill"])
def test_everything_survives(moto: MotoServer, ending: str) -> None:
    s3 = make_bucket(moto, "lakehouse-a")
    for body in (b"one", b"two"):
        s3.put_object(Bucket="lakehouse-a", Key="x", Body=body, Metadata={"my_key": "v"})
    s3.put_object(Bucket="lakehouse-a", Key="big", Body=b"b" * 6_000_000)
    sqs, kms = client(moto, "sqs"), client(moto, "kms")
    url = sqs.create_queue(QueueName="arrivals", Attributes={"VisibilityTimeout": "7"})["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="hello")
    signer = kms.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    secret = kms.encrypt(KeyId=kms.create_key()["KeyMetadata"]["KeyId"], Plaintext=b"p")["CiphertextBlob"]
    secrets = client(moto, "secretsmanager")
    version = secrets.create_secret(Name="a/b", SecretString="hidden")["VersionId"]
    user = make_user(moto, "allowed", "arn:aws:s3:::lakehouse-a*")
    end(moto, ending)
    moto.start()
    moto.wait_ready()
    assert read_all(s3, "lakehouse-a", "x") == [b"two", b"one"]
    assert s3.head_object(Bucket="lakehouse-a", Key="x")["Metadata"] == {"my_key": "v"}
    assert len(client(moto, "s3", user).get_object(Bucket="lakehouse-a", Key="big")["Body"].read()) == 6_000_000
    assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "hello"
    assert kms.decrypt(CiphertextBlob=secret)["Plaintext"] == b"p"
    assert kms.get_public_key(KeyId=signer)["PublicKey"]
    kept = secrets.get_secret_value(SecretId="a/b")
    assert (kept["SecretString"], kept["VersionId"]) == ("hidden", version)
    with pytest.raises(ClientError, match="AccessDenied"):
        client(moto, "secretsmanager", user).get_secret_value(SecretId="a/b")
    state = list(moto.state_path.parent.glob("*.pickle"))
    assert {path.stat().st_mode & 0o777 for path in state} == {0o600}


@pytest.mark.parametrize("snapshots_between", [False, True])
def test_a_kill_right_after_the_answer_loses_nothing(moto: MotoServer, snapshots_between: bool) -> None:
    s3, sqs = make_bucket(moto, "lakehouse-a"), client(moto, "sqs")
    url = sqs.create_queue(QueueName="arrivals")["QueueUrl"]
    rule = {"QueueArn": QUEUE_ARN, "Events": ["s3:ObjectCreated:*"]}
    s3.put_object(Bucket="lakehouse-a", Key="gone", Body=b"")
    s3.put_object(Bucket="lakehouse-a", Key="plain", Body=b"one")
    if snapshots_between:
        wait_until(moto.state_path.exists)
    s3.put_bucket_notification_configuration(
        Bucket="lakehouse-a", NotificationConfiguration={"QueueConfigurations": [rule]}
    )
    sqs.purge_queue(QueueUrl=url)
    versions = s3.list_object_versions(Bucket="lakehouse-a", Prefix="gone")["Versions"]
    doomed = [{"Key": "gone", "VersionId": versions[0]["VersionId"]}]
    s3.delete_objects(Bucket="lakehouse-a", Delete={"Objects": doomed})
    s3.put_object(Bucket="lakehouse-a", Key="plain", Body=b"two")
    s3.put_object(Bucket="lakehouse-a", Key="ä b&c/", Body=b"odd")
    end(moto, "kill")
    moto.start()
    moto.wait_ready()
    assert read_all(s3, "lakehouse-a", "plain") == [b"two", b"one"]
    assert read_all(s3, "lakehouse-a", "ä b&c/") == [b"odd"]
    assert "Versions" not in s3.list_object_versions(Bucket="lakehouse-a", Prefix="gone")
    assert len(sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]) == 2
    s3.put_object(Bucket="lakehouse-a", Key="still-notified", Body=b"")
    assert len(sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]) == 1
    with pytest.raises(ClientError, match="BucketAlreadyOwnedByYou"):
        s3.create_bucket(Bucket="lakehouse-a", CreateBucketConfiguration={"LocationConstraint": REGION})


def test_of_many_messages_at_once_none_that_was_acknowledged_is_lost_by_a_kill(moto: MotoServer) -> None:
    """They are written to disk by whoever comes first after them."""
    sqs = client(moto, "sqs")
    url = sqs.create_queue(QueueName="arrivals")["QueueUrl"]
    acknowledged: set[str] = set()

    def send_until_killed(sender: int) -> None:
        for number in range(1_000):
            try:
                sqs.send_message(QueueUrl=url, MessageBody=f"{sender} {number}")
            except (BotoCoreError, ClientError):
                return
            acknowledged.add(f"{sender} {number}")

    with ThreadPoolExecutor(8) as threads:
        for sender in range(8):
            threads.submit(send_until_killed, sender)
        wait_until(lambda: len(acknowledged) >= 80, "messages are being sent")
        end(moto, "kill")
    moto.start()
    moto.wait_ready()
    kept = {
        message["Body"]
        for _ in range(len(acknowledged) // 10 + 2)
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", ())
    }
    assert acknowledged <= kept and len(kept) <= len(acknowledged) + 8


def test_a_replaced_body_leaves_no_file(moto: MotoServer, tmp_path: Path) -> None:
    s3 = client(moto, "s3")
    s3.create_bucket(Bucket="lakehouse-a", CreateBucketConfiguration={"LocationConstraint": REGION})
    for body in (b"one", b"two", b"three"):
        s3.put_object(Bucket="lakehouse-a", Key="x", Body=body)
    moto.stop()
    files = [path for path in (tmp_path / "buckets" / "objects").glob("*/*") if path.is_file()]
    assert [path.read_bytes() for path in files] == [b"three"]


def test_a_snapshot_of_another_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "buckets").mkdir()
    (tmp_path / "buckets" / "state.pickle").write_bytes(b'{"format": 0}\n')
    server = MotoServer(tmp_path, ACCOUNT, *ROOT)
    server.start()
    with pytest.raises(EngineFailed, match="lakehouse local reset"):
        server.wait_ready()
    server.stop()


def end(server: MotoServer, how: str) -> None:
    if how == "stop":
        server.stop()
        return
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    while server.is_alive():
        time.sleep(0.02)
