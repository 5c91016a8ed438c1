"""Policies as large as AWS takes are taken, larger ones refused; IAM counts no blanks, S3 does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_workspace.engines.moto_server import MotoServer
from tests.local_workspace.engines.moto_clients import ACCOUNT, ROOT, client, make_bucket, running

TRUSTED = "arn:aws:iam::123456789012:root"


def document(size: int, principal: bool = False) -> str:
    """Return a policy of that many characters without its blanks."""
    statement: dict[str, Any] = {"Effect": "Allow", "Action": "sts:AssumeRole" if principal else "s3:GetObject"}
    statement |= {"Principal": {"AWS": TRUSTED}} if principal else {"Resource": "arn:aws:s3:::a"}
    policy = {"Version": "2012-10-17", "Statement": [{**statement, "Sid": ""}]}
    short = len(json.dumps(policy, separators=(",", ":")))
    policy["Statement"][0]["Sid"] = "a" * (size - short)  # type: ignore[index]
    return json.dumps(policy, indent=4)


def put(kind: str, name: str) -> Callable[[Any, int], Any]:
    def attempt(iam: Any, size: int) -> Any:
        named = {f"{kind.capitalize()}Name": kind, "PolicyName": name, "PolicyDocument": document(size)}
        return getattr(iam, f"put_{kind}_policy")(**named)

    return attempt


def manage(iam: Any, size: int) -> Any:
    iam.create_policy(PolicyName=f"p{size}", PolicyDocument=document(size))


def manage_version(iam: Any, size: int) -> Any:
    arn = iam.create_policy(PolicyName=f"v{size}", PolicyDocument=document(500))["Policy"]["Arn"]
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=document(size))


def trust(iam: Any, size: int) -> Any:
    iam.update_assume_role_policy(RoleName="role", PolicyDocument=document(size, principal=True))


def trust_at_first(iam: Any, size: int) -> Any:
    iam.create_role(RoleName=f"r{size}", AssumeRolePolicyDocument=document(size, principal=True))


LIMITS: dict[str, tuple[int, Callable[[Any, int], Any]]] = {
    "inline of a role": (10_240, put("role", "one")),
    "inline of a user": (2_048, put("user", "one")),
    "inline of a group": (5_120, put("group", "one")),
    "managed": (6_144, manage),
    "version of a managed one": (6_144, manage_version),
    "trust": (2_048, trust),
    "trust of a new role": (2_048, trust_at_first),
}


@pytest.fixture(scope="module")
def warm_moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MotoServer]:
    with running(MotoServer(tmp_path_factory.mktemp("moto"), ACCOUNT, *ROOT)) as server:
        yield server


@pytest.fixture(scope="module")
def iam(warm_moto: MotoServer) -> Any:
    api = client(warm_moto, "iam")
    api.create_role(RoleName="role", AssumeRolePolicyDocument=document(300, principal=True))
    api.create_user(UserName="user")
    api.create_group(GroupName="group")
    return api


@pytest.mark.parametrize(("most", "attempt"), LIMITS.values(), ids=LIMITS)
def test_a_policy_may_be_as_large_as_on_aws(iam: Any, most: int, attempt: Callable[[Any, int], Any]) -> None:
    attempt(iam, most)
    with pytest.raises(ClientError, match="LimitExceeded"):
        attempt(iam, most + 1)


def test_all_inline_policies_of_a_role_count_together(iam: Any) -> None:
    iam.create_role(RoleName="full", AssumeRolePolicyDocument=document(300, principal=True))
    iam.put_role_policy(RoleName="full", PolicyName="one", PolicyDocument=document(10_000))
    with pytest.raises(ClientError, match="Maximum policy size of 10240 bytes exceeded for role full"):
        iam.put_role_policy(RoleName="full", PolicyName="two", PolicyDocument=document(241))
    iam.put_role_policy(RoleName="full", PolicyName="two", PolicyDocument=document(240))
    iam.put_role_policy(RoleName="full", PolicyName="one", PolicyDocument=document(500))  # in its own place


def test_a_bucket_policy_counts_every_byte(warm_moto: MotoServer) -> None:
    s3 = make_bucket(warm_moto, "lakehouse-sizes")
    statement = {"Effect": "Deny", "Action": "s3:PutObject", "Principal": "*"}
    statement["Resource"] = "arn:aws:s3:::lakehouse-sizes/*"
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    s3.put_bucket_policy(Bucket="lakehouse-sizes", Policy=text.ljust(20_480))
    with pytest.raises(ClientError, match="MalformedPolicy.* exceeds the maximum allowed size of 20480"):
        s3.put_bucket_policy(Bucket="lakehouse-sizes", Policy=text.ljust(20_481))
