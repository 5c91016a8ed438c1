"""What a role should be answered: the rules read over what it holds. Knows no workspace."""

from __future__ import annotations

from dataclasses import dataclass

from demo.authorization.roles import CONTAINERS, Role
from demo.authorization.rule import DATA, GRANTED_ONLY, LEVELS, NOT_IN_ALL, Rule

Held = frozenset[tuple[str, str]]  # (privilege, object)


@dataclass(frozen=True)
class Need:
    """A privilege on an object."""

    privilege: str
    target: str

    def __str__(self) -> str:
        return f"{self.privilege} on {self.target}"


@dataclass(frozen=True)
class Expected:
    """Whether the role may, and if not, what it lacks: of all the ways to be allowed."""

    allowed: bool
    missing: tuple[Need, ...] = ()


def expect(role: Role, rule: Rule) -> Expected:
    """Return the answer that the rule gives the role."""
    held, missing = read_holdings(role), []
    for alternative in read_needs(rule):
        lacking = [need for need in alternative if not _has(held, need)]
        if not lacking:
            return Expected(True)
        missing += lacking
    return Expected(False, tuple(dict.fromkeys(missing)))


def list_lacking(role: Role, need: Need) -> list[Need]:
    """Return what a denial may name: the need, and the levels below it that the role has not either."""
    scale, held = LEVELS.get(need.target.removeprefix("spare "), ()), read_holdings(role)
    if need.privilege not in scale:
        return [need]
    levels = [Need(level, need.target) for level in scale[: scale.index(need.privilege) + 1]]
    return [one for one in levels if not _has(held, one)]


def read_holdings(role: Role) -> Held:
    """Return what the role holds."""
    pairs = (line.split(" on ") for line in role.holds)
    return frozenset((privilege, target) for privilege, target in pairs)


def read_needs(rule: Rule) -> list[list[Need]]:
    """Return the rule's alternatives, each a list of needs that must all be met."""
    alternatives = ([part.strip() for part in one.split(",")] for one in rule.needs.split("|"))
    return [[need for part in parts for need in _read_need(part, rule.target)] for parts in alternatives]


def _read_need(text: str, target: str) -> list[Need]:
    if text == "USE":
        above = _containers(target)[1:] if target != "schema" else ["schema", "catalog"]
        return [Need(f"USE {name.upper()}", name) for name in reversed(above)]
    privilege, _, named = text.partition(" on ")
    return [Need(privilege, named or target)]


def _has(held: Held, need: Need) -> bool:
    privilege, target = need.privilege, need.target
    kind, places = target.removeprefix("spare "), _containers(target)
    if kind in LEVELS:
        scale = LEVELS[kind]
        return any((level, place) in held for level in scale[scale.index(privilege) :] for place in places)
    granted = {privilege} if privilege in NOT_IN_ALL else {privilege, "ALL PRIVILEGES"}
    if any((one, place) in held for one in granted for place in places if privilege != "OWN" or place == target):
        return True
    if privilege in GRANTED_ONLY:
        return False
    if privilege in DATA:
        return ("OWN", target) in held
    return ("ADMIN", "workspace") in held or any(("OWN", place) in held for place in places)


def _containers(target: str) -> list[str]:
    """Return the object and what it lies in, nearest first."""
    found: list[str] = []
    place: str | None = target
    while place:
        found.append(place)
        place = CONTAINERS[place]
    return found
