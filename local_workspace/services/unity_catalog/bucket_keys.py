"""May a role use the KMS key that a bucket encrypts with? S3 refuses objects to who may not.

moto does not ask; so the gateway does. A key's policy is taken to leave the decision to IAM, as AWS's default does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from local_workspace.iam.evaluation import evaluate
from local_workspace.iam.request_keys import Context
from local_workspace.iam.statements import Request
from local_workspace.services.unity_catalog.aws_rules import AwsRules

_READ, _WRITE = ("READ", "kms:Decrypt"), ("WRITE", "kms:GenerateDataKey")


class BucketKeys:
    """Finds buckets' keys and asks the role's policies for them."""

    def __init__(self, rules: AwsRules) -> None:
        self._rules = rules

    def refuse(
        self, bucket: str, role_arn: str, policies: Sequence[Mapping[str, Any]], write: bool
    ) -> Iterator[tuple[str, str]]:
        """Yield (step, reason) for each use of the bucket's key that the role's policies do not allow."""
        name = self._key_name(bucket)
        if name is None:
            return
        try:
            arn = self._rules.ask("kms", "describe_key", KeyId=name)["KeyMetadata"]["Arn"]
        except ClientError:
            yield "READ", f"the KMS key {name} of bucket {bucket} does not exist"
            return
        _, _, _, region, account, _ = arn.split(":", 5)
        known = {"kms:viaservice": f"s3.{region}.amazonaws.com", "aws:requestedregion": region}
        known |= dict.fromkeys(("kms:calleraccount", "aws:resourceaccount"), account) | {"aws:securetransport": "true"}
        aliases: list[str | None] = [*self._aliases(arn)]
        contexts: list[Context] = [{**known, "kms:resourcealiases": alias} for alias in aliases or [None]]
        for step, action in (_READ, *([_WRITE] if write else [])):
            requests = [Request(action, arn, role_arn, context) for context in contexts]
            if not any(evaluate(policy, request, "").allowed for policy in policies for request in requests):
                yield step, f"no policy of role {role_arn} allows {action} on {name}, the key of bucket {bucket}"

    def _key_name(self, bucket: str) -> str | None:
        try:
            answer = self._rules.ask("s3", "get_bucket_encryption", Bucket=bucket)
        except ClientError:
            return None
        default = answer["ServerSideEncryptionConfiguration"]["Rules"][0]["ApplyServerSideEncryptionByDefault"]
        return default.get("KMSMasterKeyID") if default["SSEAlgorithm"].startswith("aws:kms") else None

    def _aliases(self, arn: str) -> list[str]:
        return [alias["AliasName"] for alias in self._rules.ask("kms", "list_aliases", KeyId=arn)["Aliases"]]
