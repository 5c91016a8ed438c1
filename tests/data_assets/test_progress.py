"""A long statement says how far it is: not at once, not too often, and only what is new."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from data_assets.steps._progress import AT_MOST_EVERY_S, FIRST_AFTER_S, SparkProgress

ONE = "11111111-1111-1111-1111-111111111111"
OTHER = "22222222-2222-2222-2222-222222222222"


@dataclass
class Stage:
    """What Spark's client tells of a stage."""

    num_tasks: int
    num_completed_tasks: int
    num_bytes_read: int = 0


@dataclass
class Scene:
    now: float = 100.0
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.progress = SparkProgress(self.said.append, lambda: self.now)

    def report(self, after: float, *stages: Stage, operation: str = ONE, done: bool = False) -> None:
        self.now += after
        self.progress(stages, 2, operation, done)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_short_statement_says_nothing(scene: Scene) -> None:
    scene.report(0, Stage(8, 1))
    scene.report(FIRST_AFTER_S - 0.1, Stage(8, 7))
    scene.report(0.1, Stage(8, 8), done=True)
    assert scene.said == []


def test_a_long_one_says_how_far_it_is_over_all_its_stages(scene: Scene) -> None:
    scene.report(0, Stage(8, 1))
    scene.report(FIRST_AFTER_S, Stage(8, 8, 3 << 20), Stage(4, 1, 1 << 20))
    assert scene.said == ["Spark: 9 of 12 tasks done, 2 running, 4 MiB read, 5 s"]


def test_it_is_said_again_after_a_while_and_only_if_something_has_changed(scene: Scene) -> None:
    scene.report(0, Stage(8, 1))
    for _ in range(3):
        scene.report(FIRST_AFTER_S, Stage(8, 2))
    assert len(scene.said) == 1
    scene.report(AT_MOST_EVERY_S, Stage(8, 3))
    scene.report(AT_MOST_EVERY_S - 0.1, Stage(8, 4))
    assert len(scene.said) == 2


def test_statements_side_by_side_are_told_apart_and_forgotten_when_done(scene: Scene) -> None:
    scene.report(0, Stage(8, 1))
    scene.report(FIRST_AFTER_S, Stage(2, 1), operation=OTHER)
    assert scene.said == []
    scene.report(0, Stage(8, 2))
    scene.report(0, Stage(8, 8), done=True)
    scene.report(1, Stage(8, 1))
    assert len(scene.said) == 1
