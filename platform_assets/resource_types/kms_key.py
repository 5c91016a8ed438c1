"""KMS keys. https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lakehouse.targets import Target
from platform_assets.grammar.aws import alias_problems
from platform_assets.grammar.names import simple_name_problems
from platform_assets.resource_types.listing import Listing
from platform_assets.resource_types.model import Clients, Resource, State
from platform_assets.resource_types.ownership import mark_labels, own_labels
from platform_assets.resource_types.rebuilding import Rebuilding
from platform_assets.resource_types.sdk_errors import may_be_duplicate, unless_missing

_ALIAS_TAG = "lakehouse:alias"
_LONGEST_WINDOW_DAYS = 30


@dataclass(frozen=True)
class KmsKey(Resource):
    """A customer-managed key with yearly rotation, known by its alias."""

    type_name = "kms_key"
    mark_field = "tags"
    references = {}
    kinds = frozenset({"aws"})
    holds_data = True  # without the key the data is gone

    def find_problems(self, target: Target) -> Iterator[str]:
        """Its alias."""
        yield from simple_name_problems(self.name, self.physical_name(target))
        yield from alias_problems(self.physical_name(target))

    def physical_name(self, target: Target) -> str:
        """Return the alias."""
        return key_alias(target, self.name)

    def desired(self, target: Target) -> State:
        """Rotation is on."""
        return {"rotation": True, "tags": mark_labels(target)}

    def read(self, clients: Clients) -> State | None:
        """DescribeKey by alias, GetKeyRotationStatus, ListResourceTags."""
        kms, key_id = clients.aws("kms"), self._find_id(clients)
        if key_id is None:
            return None
        rotation = kms.get_key_rotation_status(KeyId=key_id)["KeyRotationEnabled"]
        return {"rotation": rotation, "tags": own_labels(_read_tags(kms, key_id))}

    def create(self, clients: Clients, desired: State) -> None:
        """CreateKey, then CreateAlias; a key that lost its alias to a crash is found by its tag."""
        kms, alias = clients.aws("kms"), self.physical_name(clients.target)
        found = _find_tagged(kms, alias)
        key_id = found or _create_key(kms, alias, desired["tags"])
        try:
            kms.create_alias(AliasName=alias, TargetKeyId=key_id)
        except Exception as error:
            if may_be_duplicate(error) and not found:  # somebody else was faster: our key is of no use
                kms.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=_LONGEST_WINDOW_DAYS)
            raise
        kms.enable_key_rotation(KeyId=key_id)

    def update(self, clients: Clients, desired: State, before: State) -> None:
        """EnableKeyRotation and TagResource."""
        kms, key_id = clients.aws("kms"), self._find_id(clients)
        if "rotation" in before:
            kms.enable_key_rotation(KeyId=key_id)
        if "tags" in before:
            kms.tag_resource(KeyId=key_id, Tags=_as_tags(desired["tags"]))

    def delete(self, clients: Clients) -> None:
        """Schedule the deletion in 30 days, the longest AWS allows."""
        kms, key_id = clients.aws("kms"), self._find_id(clients)
        if key_id is not None:
            kms.delete_alias(AliasName=self.physical_name(clients.target))
            kms.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=_LONGEST_WINDOW_DAYS)

    def rebuild(self, state: State, rebuilding: Rebuilding) -> KmsKey:
        """Its name is all there is."""
        return self

    @classmethod
    def find_owned(cls, listing: Listing) -> Iterator[KmsKey]:
        """ListAliases; then the tags of each key whose alias has our prefix."""
        kms, prefix = listing.clients.aws("kms"), key_alias(listing.clients.target, "")
        for page in kms.get_paginator("list_aliases").paginate():
            for alias in page["Aliases"]:
                if alias["AliasName"].startswith(prefix) and "TargetKeyId" in alias:
                    tags = _read_tags(kms, alias["TargetKeyId"])
                    if own_labels(tags) == mark_labels(listing.clients.target):
                        yield cls(alias["AliasName"].removeprefix(prefix))

    def _find_id(self, clients: Clients) -> str | None:
        kms, alias = clients.aws("kms"), self.physical_name(clients.target)
        return unless_missing(lambda: str(kms.describe_key(KeyId=alias)["KeyMetadata"]["KeyId"]))


def key_alias(target: Target, name: str) -> str:
    """Return the alias of a key."""
    return f"alias/{target.bucket_prefix}-{name}"


def key_arn(target: Target, name: str) -> str:
    """Return the ARN of the key's alias."""
    return f"arn:aws:kms:{target.region}:{target.aws_account}:{key_alias(target, name)}"


def _create_key(kms: Any, alias: str, labels: dict[str, str]) -> str:
    tags = _as_tags({**labels, _ALIAS_TAG: alias})
    return str(kms.create_key(Description=f"Lakehouse data ({alias})", Tags=tags)["KeyMetadata"]["KeyId"])


def _find_tagged(kms: Any, alias: str) -> str | None:
    for page in kms.get_paginator("list_keys").paginate():
        for key in page["Keys"]:
            if _read_tags(kms, key["KeyId"]).get(_ALIAS_TAG) == alias:
                state = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"]
                if state == "Enabled":
                    return str(key["KeyId"])
    return None


def _read_tags(kms: Any, key_id: str) -> dict[str, str]:
    """Keys of AWS's own services do not show their tags to us: they are not ours."""
    try:
        return {tag["TagKey"]: tag["TagValue"] for tag in kms.list_resource_tags(KeyId=key_id)["Tags"]}
    except kms.exceptions.ClientError as error:
        if error.response["Error"]["Code"] != "AccessDeniedException":
            raise
        return {}


def _as_tags(labels: dict[str, str]) -> list[dict[str, str]]:
    return [{"TagKey": key, "TagValue": value} for key, value in labels.items()]
