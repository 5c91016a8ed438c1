"""Condition keys of a request: what is known of it, what it is known not to carry, and what cannot be said.

A key that maps to None is known to be absent. A key that is not there at all is not known, and a condition on it cannot
be decided. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

Context = Mapping[str, "str | Sequence[str] | None"]  # keys in lower case; several values for a set

_PRINCIPAL = re.compile(r"arn:[^:]+:(?:iam|sts)::(\d{12}):(user|role|assumed-role|federated-user|root)\b")
_TYPES = {"user": "User", "role": "AssumedRole", "assumed-role": "AssumedRole", "root": "Account"}
_TYPES["federated-user"] = "FederatedUser"
# Only who came by a federation, an instance, a function or a chat has these, and only a service acts for others.
_OF_OTHERS = (
    *("aws:federatedprovider", "aws:chatbotsourcearn", "aws:ec2instancesourcevpc", "aws:ec2instancesourceprivateipv4"),
    *("ec2:roledelivery", "ec2:sourceinstancearn", "lambda:sourcefunctionarn", "ssm:sourceinstancearn"),
    *("aws:sourcearn", "aws:sourceaccount", "aws:principalservicename", "aws:principalservicenameslist"),
)


class UndecidableCondition(Exception):
    """What cannot be decided here is refused, never skipped."""


class UnknownOperator(UndecidableCondition):
    """AWS keeps no policy with an operator that it does not know, so no statement of such a policy decides."""


def look_up(key: str, context: Context) -> str | Sequence[str] | None:
    """Return a key's value or values, None when the request does not carry it.

    Raises:
        UndecidableCondition: nobody said.
    """
    try:
        return context[key.strip().lower()] or None
    except KeyError:
        raise UndecidableCondition(f"{key.strip()} is not known to the local workspace") from None


def describe_principal(principal: str) -> dict[str, str | None]:
    """Return the global keys that every signed request of a principal carries or lacks, and the time.

    `principal` is an ARN or the name of an AWS service; empty when it is not known who asks.
    """
    now = datetime.now(UTC)
    known: dict[str, str | None] = {
        "aws:currenttime": now.isoformat(timespec="seconds"),
        "aws:epochtime": str(int(now.timestamp())),
    }
    if found := _PRINCIPAL.match(principal):
        known |= _describe_identity(principal, *found.groups())
    elif principal.endswith(".amazonaws.com"):
        known |= {"aws:principalisawsservice": "true", "aws:principalservicename": principal, "aws:username": None}
    return known


def _describe_identity(arn: str, account: str, kind: str) -> dict[str, str | None]:
    known: dict[str, str | None] = {
        **dict.fromkeys(_OF_OTHERS),
        "aws:principalaccount": account,
        "aws:principaltype": _TYPES[kind],
        "aws:principalisawsservice": "false",
        "aws:username": arn.rsplit("/", 1)[-1] if kind == "user" else None,
    }
    if kind in ("user", "role", "root"):  # a session's ARN does not say its role's path
        known["aws:principalarn"] = arn
    if kind == "root":
        known["aws:userid"] = account
    return known
