"""Verbs that only one type of object of the workspace has: secrets, publishing, the token policy."""

from __future__ import annotations

import base64

from demo.authorization.attempt import Attempt, Verbs
from demo.authorization.data_verbs import require
from demo.authorization.workspace_objects import KEY, VALUE, put_secret
from lakehouse.object_permissions import grant_levels, read_permissions

_TOKENS = "enableTokensConfig"


def publish(attempt: Attempt) -> None:
    """Publish a dashboard as it is."""
    attempt.client.lakeview.publish(attempt.name, embed_credentials=False)


def list_secrets(attempt: Attempt) -> None:
    """List the keys of a scope."""
    found = [one.key for one in attempt.client.secrets.list_secrets(attempt.name)]
    require(found == [KEY], found)


def get_secret(attempt: Attempt) -> None:
    """Get the secret's value."""
    found = attempt.client.secrets.get_secret(attempt.name, KEY).value
    require(found == base64.b64encode(VALUE.encode()).decode(), found)


def read_token_policy(attempt: Attempt) -> None:
    """Read the setting, and who may use tokens."""
    attempt.client.workspace_conf.get_status(_TOKENS)
    attempt.client.permissions.get("authorization", "tokens")


def change_token_policy(attempt: Attempt) -> None:
    """Set the setting as it is, and give those the level who have it."""
    admin = attempt.stage.admin
    setting = (admin.workspace_conf.get_status(_TOKENS) or {}).get(_TOKENS) or "true"
    held = read_permissions(admin, "authorization", "tokens")
    attempt.client.workspace_conf.set_status({_TOKENS: setting})
    users = {name: level for name, level in held.items() if level == "CAN_USE"}
    grant_levels(attempt.client, "authorization", "tokens", users)


VERBS: Verbs = {
    ("REST", "publish"): publish,
    ("REST", "list secrets of"): list_secrets,
    ("REST", "get a secret of"): get_secret,
    ("REST", "put a secret into"): lambda attempt: put_secret(attempt.client, attempt.name),
    ("REST", "list permissions of"): lambda attempt: list(attempt.client.secrets.list_acls(attempt.name)),
    ("REST", "read the token policy of"): read_token_policy,
    ("REST", "change the token policy of"): change_token_policy,
}
