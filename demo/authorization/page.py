"""The page docs/reference/authorization.md, made from the rules: `python -m demo.authorization.page` writes it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from demo.authorization.expectation import expect
from demo.authorization.roles import READERS, ROLES, TEAM, Role
from demo.authorization.rule import Rule
from demo.authorization.rules import RULES

PATH = Path(__file__).parent.parent.parent / "docs" / "reference" / "authorization.md"
_INTRODUCTION = """# Reference: who may do what

Made from `demo/authorization/rules.py` and `object_rules.py` by `python -m demo.authorization.page`; a test keeps it
true. What each verb needs is written down there from the public documentation, apart from the local workspace's own
evaluator. `lakehouse demo matrix` tries every cell (each role, each verb, through REST, files, SQL, Spark and Python)
and compares; it writes `build/authorization.html`, where cells can be filtered and each denial's message read. A denial
counts only when it is refused as one and names something that the role does lack.

Two things of the service are not in it: reading keys over REST needs EXTERNAL USE SCHEMA there, which the local
workspace does not ask for; and who is no member of a real workspace cannot call it at all. Not tried is what nothing
here runs (a query or notebook by hand, a pipeline, an endpoint) and what the documented tables of levels leave open
([limits](../limits.md)).

![The report, its first cells](../images/authorization.png)
"""
_MATRIX = """## Verbs

In a need, commas are "and", bars are "or"; USE is USE CATALOG and USE SCHEMA on what the object lies in. Owners hold
all privileges on what they own; who owns what an object lies in, and an admin, hold those that open no data. A level
(`CAN_...`, READ, WRITE, MANAGE) includes those below it, a folder's hold for what lies in it, and a spare object has
those of the object. The numbers are the roles above; ● is allowed, · is denied.
"""


def render_page() -> str:
    """Return the page."""
    cells = len(ROLES) * len(RULES)
    allowed = sum(expect(role, rule).allowed for role in ROLES for rule in RULES)
    count = f"{len(ROLES)} roles, {len(RULES)} verbs on objects: {cells:,} cells, {allowed} allowed."
    return "\n".join([_INTRODUCTION, count, "", "## Roles", "", *_list_roles(), "", _MATRIX, *_list_rules()]) + "\n"


def _list_roles() -> Iterator[str]:
    yield from ("| | role | what it is | holds |", "|---|---|---|---|")
    for number, role in enumerate(ROLES, 1):
        yield f"| {number} | `{role.name}` | {role.title}{_through(role)} | {', '.join(role.holds) or 'nothing'} |"


def _through(role: Role) -> str:
    if role.group is None:
        return ""
    return f" (group {READERS})" if role.group == READERS else f" (group {TEAM} in group {READERS})"


def _list_rules() -> Iterator[str]:
    numbers = " | ".join(str(number) for number, _ in enumerate(ROLES, 1))
    for way, rules in groupby(sorted(RULES, key=lambda rule: rule.way), key=lambda rule: rule.way):
        yield from ("", f"### {way}", "", f"| verb | needs | {numbers} |", "|---|---|" + "---|" * len(ROLES))
        for rule in rules:
            marks = " | ".join(_mark(role, rule) for role in ROLES)
            yield f"| {rule.verb} {rule.target} | {rule.needs.replace('|', 'or')} | {marks} |"


def _mark(role: Role, rule: Rule) -> str:
    return "●" if expect(role, rule).allowed else "·"


if __name__ == "__main__":
    PATH.write_text(render_page())
