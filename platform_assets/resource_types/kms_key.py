"""KMS keys. https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lakehouse.targets import Target
from platform_assets.resource_types.model import Clients, Resource, State, unless_missing

_TAG = "lakehouse:alias"


@dataclass(frozen=True)
class KmsKey(Resource):
    """A customer-managed key with yearly rotation, known by its alias."""

    type_name = "kms_key"
    kinds = frozenset({"aws"})
    holds_data = True  # without the key the data is gone

    def physical_name(self, target: Target) -> str:
        """Return the alias."""
        return key_alias(target, self.name)

    def desired(self, target: Target) -> State:
        """Rotation is on."""
        return {"rotation": True}

    def read(self, clients: Clients) -> State | None:
        """DescribeKey by alias and GetKeyRotationStatus."""
        kms = clients.aws("kms")
        key = unless_missing(lambda: kms.describe_key(KeyId=self.physical_name(clients.target)))
        if key is None:
            return None
        return {"rotation": kms.get_key_rotation_status(KeyId=key["KeyMetadata"]["KeyId"])["KeyRotationEnabled"]}

    def create(self, clients: Clients, desired: State) -> None:
        """CreateKey, then CreateAlias; a key that lost its alias to a crash is found by its tag."""
        kms, alias = clients.aws("kms"), self.physical_name(clients.target)
        key_id = _find_tagged(kms, alias) or _create_key(kms, alias)
        kms.create_alias(AliasName=alias, TargetKeyId=key_id)
        kms.enable_key_rotation(KeyId=key_id)

    def update(self, clients: Clients, desired: State, changed: frozenset[str]) -> None:
        """EnableKeyRotation."""
        kms = clients.aws("kms")
        key = kms.describe_key(KeyId=self.physical_name(clients.target))["KeyMetadata"]
        kms.enable_key_rotation(KeyId=key["KeyId"])

    def delete(self, clients: Clients) -> None:
        """Schedule the deletion in 30 days, the longest AWS allows."""
        kms, alias = clients.aws("kms"), self.physical_name(clients.target)
        key = unless_missing(lambda: kms.describe_key(KeyId=alias))
        if key is not None:
            kms.delete_alias(AliasName=alias)
            kms.schedule_key_deletion(KeyId=key["KeyMetadata"]["KeyId"], PendingWindowInDays=30)


def key_alias(target: Target, name: str) -> str:
    """Return the alias of a key."""
    return f"alias/{target.bucket_prefix}-{name}"


def key_arn(target: Target, name: str) -> str:
    """Return the ARN of the key's alias."""
    return f"arn:aws:kms:{target.region}:{target.aws_account}:{key_alias(target, name)}"


def _create_key(kms: Any, alias: str) -> str:
    tags = [{"TagKey": _TAG, "TagValue": alias}, {"TagKey": "managed_by", "TagValue": "lakehouse"}]
    return str(kms.create_key(Description=f"Lakehouse data ({alias})", Tags=tags)["KeyMetadata"]["KeyId"])


def _find_tagged(kms: Any, alias: str) -> str | None:
    for page in kms.get_paginator("list_keys").paginate():
        for key in page["Keys"]:
            tags = kms.list_resource_tags(KeyId=key["KeyId"])["Tags"]
            if any(tag["TagKey"] == _TAG and tag["TagValue"] == alias for tag in tags):
                return str(key["KeyId"])
    return None
