"""Where the value of a secret comes from: AWS Secrets Manager, by name or ARN. Values pass through, and stay nowhere.

Its versions have ids, so that a plan can tell whether the current one was copied without reading any value.
https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DescribeSecret.html
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from lakehouse.targets import Target
from platform_assets.resource_types.model import Clients, InvalidDeclaration, find_declared_at

SERVICE = "secretsmanager"
_CURRENT = "AWSCURRENT"
_NAME = re.compile(rf"{SERVICE}:(?P<name>[\w/+=.@-]{{1,256}})", re.ASCII)
_ARN = re.compile(rf"arn:aws[\w-]*:{SERVICE}:[\w-]+:\d{{12}}:secret:[\w/+=.@-]+", re.ASCII)


class InvalidSecretReference(InvalidDeclaration):
    """A declaration names no source of a secret; the message names scope, key and the forms there are."""


class SecretSourceMissing(Exception):
    """A source holds no value; the message says where it was looked for and how to put one there."""


class Copy(NamedTuple):
    """A value on its way: the version it is, and what the Secrets API's `put` takes."""

    version: str
    fields: dict[str, str]

    def __repr__(self) -> str:
        """Show no value."""
        return f"Copy({self.version!r})"


def require_reference(key: str, reference: str) -> None:
    """Refuse what names no source.

    Raises:
        InvalidSecretReference: the text is not repeated, it may be a value put there by mistake.
    """
    if not _NAME.fullmatch(reference) and not _ARN.fullmatch(reference):
        raise InvalidSecretReference(
            f"{key}: a secret is declared by reference, {SERVICE}:NAME for the secret <estate>/NAME of AWS Secrets "
            f"Manager or the ARN of one; a value never stands in a declaration (declared at {find_declared_at()})"
        )


def source_name(target: Target, reference: str) -> str:
    """Return the name or ARN in AWS; a name lies under the estate's own."""
    match = _NAME.fullmatch(reference)
    return f"{target.bucket_prefix}/{match['name']}" if match else reference


def read_version(clients: Clients, source: str) -> str:
    """Return the id of the current version; the value is not read.

    Raises:
        SecretSourceMissing: there is no such secret, it is being deleted, or it has no value yet.
    """
    found = _ask(clients, source, "describe_secret")
    versions = found.get("VersionIdsToStages") or {}
    current = [version for version, stages in versions.items() if _CURRENT in stages]
    if found.get("DeletedDate") or not current:
        raise _missing(clients, source)
    return str(current[0])


def read_copy(clients: Clients, source: str) -> Copy:
    """Return the current version with its value.

    Raises:
        SecretSourceMissing: there is no such secret.
    """
    import base64

    found = _ask(clients, source, "get_secret_value")
    if "SecretString" in found:
        return Copy(found["VersionId"], {"string_value": found["SecretString"]})
    return Copy(found["VersionId"], {"bytes_value": base64.b64encode(found["SecretBinary"]).decode()})


def _ask(clients: Clients, source: str, operation: str) -> dict[str, Any]:
    api = clients.aws(SERVICE)
    try:
        return dict(getattr(api, operation)(SecretId=source))
    except api.exceptions.ResourceNotFoundException:
        raise _missing(clients, source) from None


def _missing(clients: Clients, source: str) -> SecretSourceMissing:
    target = clients.target
    return SecretSourceMissing(
        f"AWS Secrets Manager of account {target.aws_account} in {target.region} has no value for {source}; put one "
        f"there: aws secretsmanager create-secret --name {source} --secret-string file://FILE"
    )
