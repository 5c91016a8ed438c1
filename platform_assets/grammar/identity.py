"""Principals: roles of a target, declared groups, and names of users, groups and service principals.

https://docs.databricks.com/api/workspace/groups
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from lakehouse.grammar.texts import choice_problems

GROUP = "group/"
_MEMBER_KINDS = (GROUP, "service_principal/", "user/")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_EMAIL = re.compile(r"[^\s@\"]+@[^\s@\"]+")


def role_problems(what: str, roles: Iterable[str], principals: Mapping[str, str]) -> Iterator[str]:
    """Yield which are neither roles of the target nor keys of groups; that a group is declared is asked elsewhere."""
    for role in roles:
        if not role.startswith(GROUP):
            yield from choice_problems(f"{what} (or a declared group, as group/NAME)", role, principals)


def member_problems(members: Iterable[str], principals: Mapping[str, str]) -> Iterator[str]:
    """Yield which members of a group nobody can be: not a role, declared, an e-mail address or an application id."""
    for member in members:
        known = member in principals or member.startswith(_MEMBER_KINDS)
        if not known and not _EMAIL.fullmatch(member) and not _UUID.fullmatch(member):
            yield from choice_problems(
                "a member (or an e-mail address, an application id, a declared group/NAME, service_principal/NAME, "
                "user/E-MAIL)",
                member,
                principals,
            )
