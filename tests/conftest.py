"""What all tests share: state in a directory of their own, and one warm local workspace per session."""

from __future__ import annotations

import atexit
import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

if TYPE_CHECKING:
    from lakehouse.targets import Target

# Set before anything of the project is imported: definitions read the environment when they load.
_HOME = Path(tempfile.mkdtemp(prefix="lakehouse-tests-"))
os.environ.update(LAKEHOUSE_HOME=str(_HOME), LAKEHOUSE_TARGET="local", LAKEHOUSE_WORKSPACE="default")
os.environ.pop("DAGSTER_HOME", None)
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`make crashes` and `make estates` ask for more than an ordinary run of the tests."""
    parser.addoption("--crashes", type=int, default=6, help="at how many lines run workers are killed")
    parser.addoption("--estates", type=int, default=10, help="how many random estates are made and destroyed")


class FromBothEnds(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """Files to workers, to one from the front, to the next from the back.

    At the front are flows, which compute, at the back runs that are waited for: two of one kind side by side leave the
    machine with too much, then with nothing to do.
    """

    def _assign_work_unit(self, node: WorkerController) -> None:
        if self.nodes.index(node) % 2:
            self.workqueue.move_to_end(next(reversed(self.workqueue)), last=False)
        super()._assign_work_unit(node)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put to the back what waits."""
    waits = Path(__file__).parent / "lakehouse"
    items.sort(key=lambda item: waits in item.path.parents)


@pytest.hookimpl(optionalhook=True)  # there are runs without xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FromBothEnds | None:
    """How `--dist loadfile` hands out files here."""
    return FromBothEnds(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_collection_finish() -> None:
    """Spare what has been collected, a million objects, from being looked through again and again."""
    gc.freeze()


@pytest.fixture(scope="session")
def empty_dagster_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An instance's databases, which are made once: to make them takes longer than most tests that use them."""
    from dagster import DagsterInstance

    home = tmp_path_factory.mktemp("empty_dagster_home")
    with DagsterInstance.local_temp(str(home)):
        return home


@pytest.fixture
def dagster_home(empty_dagster_home: Path, tmp_path: Path) -> Path:
    """The directory of an instance of this test's own; `open_instance` and `local_temp` open it."""
    return Path(shutil.copytree(empty_dagster_home, tmp_path / "dagster"))


@pytest.fixture(scope="session")
def warm_target() -> Iterator[Target]:
    """The target of a local workspace that is up for the whole session; nothing is declared in it yet."""
    from lakehouse.targets import read_settings
    from local_workspace import lifecycle

    settings = read_settings()
    lifecycle.up(settings.workspace, settings.home, settings.cache_home)
    yield settings.target
    lifecycle.down(settings.workspace, settings.home)


@pytest.fixture(scope="session")
def estate(warm_target: Target) -> Target:
    """The target with the whole estate applied."""
    from platform_assets.estate import apply_estate

    report = apply_estate(warm_target)
    assert report.failures == ()
    return warm_target
