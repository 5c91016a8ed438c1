"""Storage credentials: what AWS refuses shows in the validation, by policy and statement, and when files are opened."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest
from databricks.sdk.service.catalog import AwsIamRoleRequest, ValidationResultResult

from tests.local_workspace.conftest import WarmWorkspace
from tests.local_workspace.scratch import make_storage, storage_policy, trust

BUCKET, ROLE, NAME = "lakehouse-credentials", "lakehouse-credentials-storage", "credentials_test"
URL = f"s3://{BUCKET}/data"


class Storage:
    """A credential with its role and bucket, whose policies a test may break."""

    def __init__(self, workspace: WarmWorkspace) -> None:
        self.uc = workspace.client("deployer")
        self.external_id = workspace.target.databricks_account
        self.iam, self.s3 = workspace.aws("iam"), workspace.aws("s3")
        self.arn = make_storage(workspace, BUCKET, ROLE, self.external_id)
        self.uc.storage_credentials.create(NAME, aws_iam_role=AwsIamRoleRequest(self.arn))

    def repair(self) -> None:
        self.set_trust(trust(self.arn, self.external_id))
        policy = json.dumps(storage_policy(BUCKET, self.arn))
        self.iam.put_role_policy(RoleName=ROLE, PolicyName="storage", PolicyDocument=policy)
        self.s3.delete_bucket_policy(Bucket=BUCKET)

    def set_trust(self, document: dict[str, Any]) -> None:
        self.iam.update_assume_role_policy(RoleName=ROLE, PolicyDocument=json.dumps(document))

    def failures(self, url: str = URL) -> dict[str, str]:
        answer = self.uc.storage_credentials.validate(storage_credential_name=NAME, url=url)
        failed = [one for one in answer.results or [] if one.result is ValidationResultResult.FAIL]
        return {str(one.operation and one.operation.value): str(one.message) for one in failed}


@pytest.fixture(scope="module")
def made(workspace: WarmWorkspace) -> Iterator[Storage]:
    storage = Storage(workspace)
    yield storage
    storage.uc.storage_credentials.delete(NAME, force=True)


@pytest.fixture
def storage(made: Storage) -> Iterator[Storage]:
    yield made
    made.repair()


def test_a_good_role_passes_every_step(storage: Storage) -> None:
    answer = storage.uc.storage_credentials.validate(storage_credential_name=NAME, url=URL)
    assert storage.failures() == {}
    assert [one.operation and one.operation.value for one in answer.results or []] == [
        "PATH_EXISTS",
        "LIST",
        "READ",
        "WRITE",
        "DELETE",
    ]


def test_trust_must_demand_the_external_id_and_let_the_role_assume_itself(storage: Storage) -> None:
    storage.set_trust(trust(storage.arn, "another-id"))
    assert f"no statement of the trust policy of role {ROLE} allows sts:AssumeRole" in storage.failures()["READ"]
    assert storage.external_id in storage.failures()["READ"]
    unconditional = trust(storage.arn, "")
    del unconditional["Statement"][0]["Condition"]
    storage.set_trust(unconditional)
    assert "does not demand an External ID: who assumes the role without any" in storage.failures()["LIST"]
    alone = trust(storage.arn, storage.external_id)
    alone["Statement"][0]["Principal"]["AWS"].remove(storage.arn)
    storage.set_trust(alone)
    assert "does not let the role assume itself" in storage.failures()["WRITE"]


def patterns(external_id: str) -> dict[str, dict[str, dict[str, Any]]]:
    """Conditions on the External ID that hold for it, and for others."""
    key = "sts:ExternalId"
    return {
        "anything": {"StringLike": {key: "*"}},
        "a prefix": {"StringLike": {key: f"{external_id[:6]}*"}},
        "a suffix": {"StringLike": {key: f"*{external_id[-6:]}"}},
        "one character of it": {"StringLike": {key: f"{external_id[:9]}?{external_id[10:]}"}},
        "that there is one": {"Null": {key: "false"}},
        "all but one": {"StringNotEquals": {key: "another-id"}},
        "all but some, and that there is one": {"StringNotLike": {key: "another*"}, "Null": {key: "false"}},
        "it, if there is one": {"StringEqualsIfExists": {key: external_id}},
        "every value of none": {"ForAllValues:StringEquals": {key: external_id}},
    }


@pytest.mark.parametrize("name", [*patterns("0123456789ab")])
def test_trust_that_takes_other_external_ids_is_refused(storage: Storage, name: str) -> None:
    document = trust(storage.arn, "")
    document["Statement"][0]["Condition"] = patterns(storage.external_id)[name]
    storage.set_trust(document)
    told = storage.failures()["READ"]
    assert "does not demand an External ID: who assumes " in told
    assert storage.external_id in told


@pytest.mark.parametrize("operator", ["StringEquals", "StringLike", "ForAnyValue:StringEquals"])
def test_trust_that_takes_this_external_id_alone_is_taken(storage: Storage, operator: str) -> None:
    document = trust(storage.arn, "")
    document["Statement"][0]["Condition"] = {operator: {"sts:ExternalId": [storage.external_id]}}
    storage.set_trust(document)
    assert storage.failures() == {}


def test_a_bucket_policy_is_read_as_on_aws(storage: Storage) -> None:
    deny = {"Sid": "OnlyOurs", "Effect": "Deny", "Action": "s3:*", "Resource": f"arn:aws:s3:::{BUCKET}/*"}
    account = storage.arn.split(":")[4]
    ours = {"StringNotEquals": {"aws:PrincipalAccount": account}}
    unknown = {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}
    for more, told in (
        ({"Principal": "*", "Condition": ours}, None),
        ({"Principal": "*", "Condition": unknown}, "cannot be decided: aws:SourceVpce"),
        ({"NotPrincipal": {"AWS": storage.arn}}, "statement OnlyOurs of the policy of bucket"),
        ({"NotPrincipal": {"AWS": [storage.arn, f"arn:aws:iam::{account}:root"]}}, "statement OnlyOurs of the policy"),
    ):
        policy = {"Version": "2012-10-17", "Statement": [{**deny, **more}]}
        storage.s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))
        assert (told or "") in storage.failures().get("READ", "")
        assert bool(storage.failures()) == bool(told)


def test_a_statement_that_refuses_is_named(storage: Storage) -> None:
    policy = storage_policy(BUCKET, storage.arn)
    policy["Statement"].append({"Sid": "NoWrites", "Effect": "Deny", "Action": "s3:Put*", "Resource": "*"})
    storage.iam.put_role_policy(RoleName=ROLE, PolicyName="storage", PolicyDocument=json.dumps(policy))
    failures = storage.failures()
    assert set(failures) == {"WRITE", "DELETE"}
    assert f"statement NoWrites of policy storage of role {ROLE} denies s3:PutObject" in failures["WRITE"]


def test_a_bucket_policy_that_shuts_the_role_out_is_named(storage: Storage) -> None:
    statement = {
        "Sid": "OnlyTheOther",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{BUCKET}/*",
        "Condition": {"StringNotLike": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/other"}},
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    storage.s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))
    assert f"statement OnlyTheOther of the policy of bucket {BUCKET} denies s3:GetObject" in storage.failures()["READ"]


def test_what_is_missing_is_named(storage: Storage) -> None:
    policy = storage_policy(BUCKET, storage.arn)
    policy["Statement"] = policy["Statement"][1:]
    storage.iam.put_role_policy(RoleName=ROLE, PolicyName="storage", PolicyDocument=json.dumps(policy))
    assert "allows s3:ListBucket" in storage.failures()["LIST"]
    assert "bucket lakehouse-nowhere does not exist" in storage.failures("s3://lakehouse-nowhere/x")["PATH_EXISTS"]


def test_a_condition_that_cannot_be_decided_is_no_server_error(storage: Storage) -> None:
    policy = storage_policy(BUCKET, storage.arn)
    policy["Statement"][1]["Condition"] = {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}
    storage.iam.put_role_policy(RoleName=ROLE, PolicyName="storage", PolicyDocument=json.dumps(policy))
    assert "cannot be decided: aws:SourceIp is not known" in storage.failures()["READ"]


@pytest.mark.parametrize(("region", "opens"), [("eu-central-1", True), ("us-east-1", False)])
def test_a_role_may_be_bound_to_a_region(storage: Storage, region: str, opens: bool) -> None:
    """The gateway decides and then the local AWS, on the object itself."""
    policy = storage_policy(BUCKET, storage.arn)
    policy["Statement"][1]["Condition"] = {"StringEquals": {"aws:RequestedRegion": region}}
    storage.iam.put_role_policy(RoleName=ROLE, PolicyName="storage", PolicyDocument=json.dumps(policy))
    assert ("READ" not in storage.failures()) is opens


def test_a_credential_may_come_before_its_role_which_opens_nothing(storage: Storage) -> None:
    uc: WorkspaceClient = storage.uc
    missing = AwsIamRoleRequest("arn:aws:iam::123456789012:role/lakehouse-none")
    created = uc.storage_credentials.create("none", aws_iam_role=missing)
    assert created.aws_iam_role is not None and created.aws_iam_role.external_id == storage.external_id
    answer = uc.storage_credentials.validate(storage_credential_name="none", url=URL)
    assert {one.result and one.result.value for one in answer.results or []} == {"FAIL"}
    with pytest.raises(BadRequest, match="lakehouse-none does not exist"):
        uc.external_locations.create("none", URL, "none")
    uc.storage_credentials.delete("none")
    with pytest.raises(BadRequest, match="must be the ARN of an IAM role"):
        uc.storage_credentials.create("none", aws_iam_role=AwsIamRoleRequest("not-an-arn"))


def test_a_credential_is_made_for_a_placeholder_of_an_external_id_and_for_no_lax_trust(storage: Storage) -> None:
    role = AwsIamRoleRequest(storage.arn)
    storage.set_trust(trust(storage.arn, "0000"))
    storage.uc.storage_credentials.create("placeholder", aws_iam_role=role)
    with pytest.raises(BadRequest, match="no statement of the trust policy .* with External ID"):
        storage.uc.external_locations.create("placeholder", URL, "placeholder")
    lax = trust(storage.arn, "")
    lax["Statement"][0]["Condition"] = {"StringLike": {"sts:ExternalId": "*"}}
    storage.set_trust(lax)
    for attempt in (storage.uc.storage_credentials.create, storage.uc.storage_credentials.update):
        with pytest.raises(BadRequest, match="does not demand an External ID"):
            attempt("lax" if attempt == storage.uc.storage_credentials.create else "placeholder", aws_iam_role=role)
    storage.uc.storage_credentials.delete("placeholder")
