"""Rules by which S3 removes and moves objects of a bucket: declared, checked, and in one form whatever S3 answers.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from platform_assets.resource_types.model import refuse
from platform_assets.resource_types.sdk_errors import unless_missing

# In the order in which objects can move from one to the next.
STORAGE_CLASSES = ("STANDARD_IA", "INTELLIGENT_TIERING", "ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE")
_SOONEST_DAYS = {"STANDARD_IA": 30, "ONEZONE_IA": 30}
_LONGEST_NAME, _MOST_RULES = 255, 1000

# The number of days that a rule declares, and where S3 has it.
_DAYS = {
    "expire_days": ("Expiration", "Days"),
    "expire_noncurrent_days": ("NoncurrentVersionExpiration", "NoncurrentDays"),
    "abort_multipart_days": ("AbortIncompleteMultipartUpload", "DaysAfterInitiation"),
}


class LifecycleRule(NamedTuple):
    """What becomes of objects whose key starts with the prefix, in days after they were made; None: nothing.

    `expire_noncurrent_days` counts from when a version was replaced or deleted, `abort_multipart_days` from
    the begin of an upload. `transitions` are days and storage class, the soonest first.
    """

    name: str
    prefix: str = ""
    expire_days: int | None = None
    expire_noncurrent_days: int | None = None
    abort_multipart_days: int | None = None
    transitions: tuple[tuple[int, str], ...] = ()


def require_lifecycle(key: str, rules: Sequence[LifecycleRule]) -> None:
    """Refuse rules of a resource that S3 would refuse.

    Raises:
        InvalidDeclaration: naming resource, rule and what is wrong.
    """
    names = [rule.name for rule in rules]
    if len(rules) > _MOST_RULES:
        raise refuse(key, f"a bucket has at most {_MOST_RULES} lifecycle rules, not {len(rules)}")
    for rule in rules:
        where = f"lifecycle rule {rule.name!r}"
        if not 0 < len(rule.name) <= _LONGEST_NAME:
            raise refuse(key, f"{where}: a name has 1 to {_LONGEST_NAME} characters")
        if names.count(rule.name) > 1:
            raise refuse(key, f"{where} is declared twice")
        for problem in _find_problems(rule):
            raise refuse(key, f"{where}: {problem}")


def describe_lifecycle(rules: Sequence[LifecycleRule]) -> dict[str, Any]:
    """Return the state that rules declare: by name, in S3's words."""
    return {rule.name: _describe(rule) for rule in rules}


def rebuild_lifecycle(state: Mapping[str, Mapping[str, Any]]) -> tuple[LifecycleRule, ...]:
    """Return the rules of a state, as far as they can be declared."""
    return tuple(_rebuild(name, found) for name, found in state.items())


def read_lifecycle(s3: Any, bucket: str) -> dict[str, Any]:
    """GetBucketLifecycleConfiguration: all rules by name, also those of others, which the next Put would lose."""
    answer = unless_missing(lambda: s3.get_bucket_lifecycle_configuration(Bucket=bucket))
    found = json.loads(json.dumps(answer["Rules"], default=str)) if answer else []
    return {rule.pop("ID"): _normalize(rule) for rule in sorted(found, key=lambda one: str(one["ID"]))}


def write_lifecycle(s3: Any, bucket: str, state: Mapping[str, Mapping[str, Any]]) -> None:
    """PutBucketLifecycleConfiguration, which takes one rule at least; DeleteBucketLifecycle for none."""
    if not state:
        s3.delete_bucket_lifecycle(Bucket=bucket)
        return
    rules = [{"ID": name, **_as_api(rule)} for name, rule in state.items()]
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})


def _find_problems(rule: LifecycleRule) -> Iterator[str]:
    numbers = {name: getattr(rule, name) for name in _DAYS if getattr(rule, name) is not None}
    if not numbers and not rule.transitions:
        yield f"it does nothing: declare {', '.join(_DAYS)} or transitions"
    for name, days in numbers.items():
        if not _is_number(days, 1):
            yield f"{name} must be a whole number of days, at least 1, not {days!r}"
    for days, storage_class in rule.transitions:
        soonest = _SOONEST_DAYS.get(storage_class, 0)
        if storage_class not in STORAGE_CLASSES:
            yield f"a storage class is one of {', '.join(STORAGE_CLASSES)}, not {storage_class!r}"
        elif not _is_number(days, soonest):
            yield f"objects move to {storage_class} after a whole number of days, at least {soonest}, not {days!r}"
    yield from _find_disorder(rule)


def _find_disorder(rule: LifecycleRule) -> Iterator[str]:
    for (days, storage_class), (later, next_class) in zip(rule.transitions, rule.transitions[1:], strict=False):
        if later <= days or STORAGE_CLASSES.index(next_class) <= STORAGE_CLASSES.index(storage_class):
            yield f"objects cannot move to {storage_class} after {days} days and on to {next_class} after {later}"
    last = rule.transitions[-1][0] if rule.transitions else 0
    if rule.expire_days is not None and rule.expire_days <= last:
        yield f"expire_days must be more than the {last} days of its last transition, not {rule.expire_days}"


def _is_number(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _describe(rule: LifecycleRule) -> dict[str, Any]:
    days = {part: {field: getattr(rule, name)} for name, (part, field) in _DAYS.items() if getattr(rule, name)}
    moves = [{"Days": after, "StorageClass": storage_class} for after, storage_class in rule.transitions]
    return {"Status": "Enabled", "Prefix": rule.prefix, **days, **({"Transitions": moves} if moves else {})}


def _rebuild(name: str, found: Mapping[str, Any]) -> LifecycleRule:
    days = {field: found.get(part, {}).get(number) for field, (part, number) in _DAYS.items()}
    moves = tuple((one.get("Days", 0), one["StorageClass"]) for one in found.get("Transitions", []))
    return LifecycleRule(name, found.get("Prefix", ""), **days, transitions=moves)


def _normalize(rule: dict[str, Any]) -> dict[str, Any]:
    """A prefix stands in a filter, beside it in rules of the older API, or nowhere; other filters stay as they are."""
    condition = rule.pop("Filter", {})
    if not condition.keys() - {"Prefix"}:
        rule["Prefix"] = condition.get("Prefix", rule.get("Prefix", ""))
    else:
        rule["Filter"] = condition
    if "Transitions" in rule:
        rule["Transitions"].sort(key=lambda one: one.get("Days", 0))
    return rule


def _as_api(state: Mapping[str, Any]) -> dict[str, Any]:
    rest = {name: value for name, value in state.items() if name != "Prefix"}
    return {"Filter": {"Prefix": state["Prefix"]}, **rest} if "Prefix" in state else rest
