"""What an estate is called on one target, in the words of another: the identifiers that cannot be the same. Pure.

Knows no type of resource: the proof compares with it what declarations have made without it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from lakehouse.targets import Target
from platform_assets.resource_types.ownership import mark_comment

# Fields with values of their own kind; the last are names that begin with a catalog's.
_COMMENT, _BINDINGS, _CATALOG, _ENTITY = "comment", "bindings", "catalog", "entity_name"
_ELSEWHERE = ("git_url", "branch")  # names that others gave
Translate = Callable[[str], str]


def translate_state(value: Any, source: Target, target: Target, catalogs: Iterable[str] = ()) -> Any:
    """Return a state with the target's identifiers for the source's; `catalogs` are logical names.

    Accounts, regions in ARNs and in URLs of queues, prefixes, principals, the mark, and catalogs where SQL or a path
    names them.
    """
    return _translate(value, _Dictionary(source, target, catalogs))


class _Dictionary:
    def __init__(self, source: Target, target: Target, catalogs: Iterable[str]) -> None:
        pairs = [*zip(source.bucket_principals, target.bucket_principals, strict=False)]
        pairs += [(name, target.principals[role]) for role, name in source.principals.items()]
        self._whole = dict(pairs)
        self._bindings = {
            str(identity): str(target.workspace_ids[_renamed(name, source, target)])
            for name, identity in source.workspace_ids.items()
            if _renamed(name, source, target) in target.workspace_ids
        }
        self._catalogs = {source.catalog(name): target.catalog(name) for name in catalogs}
        self._marks = mark_comment(source), mark_comment(target)
        self._rules = [
            (re.compile(rf"(?<!\d){source.aws_account}(?!\d)"), target.aws_account),
            (re.compile(rf"(?<=:){source.region}(?=:)|(?<=//sqs\.){source.region}(?=\.)"), target.region),
            (re.compile(re.escape(source.databricks_account)), target.databricks_account),
            (re.compile(rf"(?<![a-z0-9-]){source.bucket_prefix}(?![a-z0-9])"), target.bucket_prefix),
            (re.compile(rf"(?<![a-z0-9_]){re.escape(source.account_wide(''))}"), target.account_wide("")),
            *(_name_catalog(here, there) for here, there in self._catalogs.items()),
            *(_name_home(here, there) for here, there in pairs),
        ]

    def text(self, text: str) -> str:
        """A principal as a whole, anything else by its parts."""
        if text in self._whole:
            return self._whole[text]
        for pattern, there in self._rules:
            text = pattern.sub(lambda _match, there=there: there, text)  # type: ignore[misc]
        return text

    def comment(self, text: str) -> str:
        """What people wrote is the same everywhere; the mark at its end is not."""
        here, there = self._marks
        return text.replace(here, there) if text.rstrip(")").endswith(here) else text

    def name(self, text: str) -> str:
        """A catalog, or what lies in it."""
        catalog, dot, rest = text.partition(".")
        return f"{self._catalogs.get(catalog, catalog)}{dot}{rest}"

    def binding(self, identity: str) -> str:
        """A workspace's id."""
        return self._bindings.get(identity, identity)


def _translate(value: Any, words: _Dictionary, text: Translate | None = None) -> Any:
    say = text or words.text
    if isinstance(value, str):
        return say(value)
    if isinstance(value, Mapping):
        return {say(key): _translate(one, words, _choose(key, words)) for key, one in value.items()}
    if isinstance(value, list):
        there = [_translate(one, words) for one in value]
        return sorted(there) if _is_sorted(value) else there
    return value


def _choose(field: str, words: _Dictionary) -> Translate | None:
    if field in _ELSEWHERE:
        return str
    kinds = {_COMMENT: words.comment, _BINDINGS: words.binding, _CATALOG: words.name, _ENTITY: words.name}
    return kinds.get(field)


def _is_sorted(value: list[Any]) -> bool:
    return all(isinstance(one, str) for one in value) and value == sorted(value)


def _name_catalog(here: str, there: str) -> tuple[re.Pattern[str], str]:
    """In backticks before a period, and in paths of volumes: the same word in a comment means something else."""
    return re.compile(rf"(?<=`){re.escape(here)}(?=`\.)|(?<=/Volumes/){re.escape(here)}(?=/)"), there


def _name_home(here: str, there: str) -> tuple[re.Pattern[str], str]:
    return re.compile(rf"(?<=/Users/){re.escape(here)}(?=/)"), there


def _renamed(name: str, source: Target, target: Target) -> str:
    return target.name if name == source.name else name
