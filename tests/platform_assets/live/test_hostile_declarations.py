"""Declared means appliable: each hostile declaration is refused, or applied, and then a second plan has nothing to do.

`--hostile` says how many are tried of each of the types; a few here, hundreds by hand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from lakehouse.targets import Target
from platform_assets.estate import apply_estate, plan_estate
from platform_assets.resource_types.model import Clients, InvalidDeclaration, Resource
from platform_assets.resource_types.registry import TYPES
from platform_assets.resource_types.repo import Repo
from tests.git_remote import GitRemote, serve_remote
from tests.platform_assets.live.conftest import NewTarget
from tests.platform_assets.live.hostile_values import (
    ESTATE,
    NEEDS,
    SOUND,
    build,
    list_hostile,
    patch_sources,
    write_sources,
)


@pytest.fixture(scope="module")
def place(new_target: NewTarget) -> Target:
    target = new_target()
    assert apply_estate(target, resources=ESTATE).failures == ()
    return target


@pytest.fixture(scope="module")
def remote() -> Iterator[GitRemote]:
    with serve_remote() as made:
        made.commit("main", {"README.md": b"one\n"})
        yield made


def test_each_type_has_a_sound_declaration() -> None:
    assert [type(one) for one in SOUND] == list(TYPES)


@pytest.mark.parametrize("sound", SOUND, ids=lambda one: one.type_name)
def test_a_hostile_declaration_is_refused_or_applied_and_settled(
    sound: Resource,
    place: Target,
    remote: GitRemote,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    patch_sources(tmp_path, monkeypatch.setattr)
    sound = replace(sound, url=request.getfixturevalue("remote").url) if isinstance(sound, Repo) else sound
    for name in ("copy_file", "count_range", "hello", "carriers", sound.name):
        write_sources(tmp_path, name)
    outcomes: Counter[str] = Counter()

    @settings(
        max_examples=request.config.getoption("--hostile"),
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(list_hostile(sound))
    def check(fields: dict[str, object]) -> None:
        write_sources(tmp_path, str(fields.get("name", sound.name)))
        write_sources(tmp_path, str(fields.get("source", sound.name)))
        outcomes[try_declaration(place, sound, fields)] += 1

    check()
    print(f"{sound.type_name}: {dict(outcomes)}")


def try_declaration(place: Target, sound: Resource, fields: dict[str, object]) -> str:
    """Say what became of it."""
    try:
        made = build(sound, fields)
        others = [*(one for one in ESTATE if one.key != made.key), *NEEDS.get(made.type_name, ())]
        plan_estate(place, [made.key], resources=(*others, made))
    except InvalidDeclaration as refusal:
        assert "(declared at " in str(refusal), refusal
        return "refused"
    try:
        keys = [one.key for one in NEEDS.get(made.type_name, ())]
        report = apply_estate(place, [*keys, made.key], resources=(*others, made))
        assert [one.error for one in report.failures] == [], made
        plan = plan_estate(place, [made.key], resources=(*others, made))
        assert plan.is_empty, (made, plan.changed)
    finally:
        clean_up(place, made)
    return "applied"


def clean_up(place: Target, made: Resource) -> None:
    """Leave nothing; what the project's own estate holds is brought back."""
    if all(made.key != one.key for one in ESTATE):
        made.delete(Clients(place))
