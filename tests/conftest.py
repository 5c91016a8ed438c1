"""What all tests share: state in a directory of their own, and one warm local workspace per session."""

from __future__ import annotations

import atexit
import functools
import gc
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

if TYPE_CHECKING:
    from lakehouse.targets import Target

WARM_WORKERS = 2  # of `-n 3`, those that have a workspace of their own from the start

# How long an example takes depends on what else the machine does; what it finds does not.
hypothesis_settings.register_profile("any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("any-machine")

gc.set_threshold(50_000, 20)  # what is imported stays: to look through it again and again is a fifth of the collection
# Set before anything of the project is imported: definitions read the environment when they load.
_HOME = Path(tempfile.mkdtemp(prefix="lakehouse-tests-"))
os.environ.update(LAKEHOUSE_HOME=str(_HOME), LAKEHOUSE_TARGET="local", LAKEHOUSE_WORKSPACE="default")
os.environ.pop("DAGSTER_HOME", None)
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`make crashes`, `make estates` and who looks for more ask for more than an ordinary run of the tests."""
    parser.addoption("--crashes", type=int, default=6, help="at how many lines run workers are killed")
    parser.addoption("--estates", type=int, default=10, help="how many random estates are made and destroyed")
    parser.addoption("--requests", type=int, default=500, help="how many malformed requests the gateway gets")
    parser.addoption("--hostile", type=int, default=2, help="how many hostile declarations of each type are tried")


class FromBothEnds(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """Files to workers, to one from the front, to the next from the back; a third begins without a workspace.

    At the front are flows, which compute, at the back runs that are waited for: two of one kind side by side leave the
    machine with too much, then with nothing to do. A third workspace would have to be warmed up as well: it comes when
    nothing else is left.
    """

    def schedule(self) -> None:
        if self.collection is None:  # every worker has found the same tests, and written down what they need
            needs = _needs_of(self.nodes[0].workerinput)
            self._warm = set(json.loads(needs.read_text()))
            needs.unlink()
        super().schedule()

    def _assign_work_unit(self, node: WorkerController) -> None:
        worker = self.nodes.index(node)
        wanted = [scope for scope in self.workqueue if (scope in self._warm) == (worker < WARM_WORKERS)]
        wanted = wanted or list(self.workqueue)
        self.workqueue.move_to_end(wanted[-1 if worker % 2 else 0], last=False)
        super()._assign_work_unit(node)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put to the back what waits, and what would keep one process busy alone where both ends meet."""
    tests = Path(__file__).parent
    waits, is_long = tests / "lakehouse", tests / "platform_assets" / "live" / "test_convergence.py"
    items.sort(key=lambda item: waits in item.path.parents or item.path == is_long)


@pytest.hookimpl(optionalhook=True)  # there are runs without xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FromBothEnds | None:
    """How `--dist loadfile` hands out files here."""
    return FromBothEnds(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.hookimpl(tryfirst=True)  # before xdist tells the scheduler
def pytest_collection_finish(session: pytest.Session) -> None:
    """Say which files need the warm workspace; spare a million objects from being looked through again and again."""
    workerinput = getattr(session.config, "workerinput", None)
    if workerinput is not None and workerinput["workerid"] == "gw0":
        users = [item for item in session.items if "warm_target" in getattr(item, "fixturenames", ())]
        warm = {item.nodeid.split("::")[0] for item in users}
        _needs_of(workerinput).write_text(json.dumps(sorted(warm)))
    gc.freeze()


def _needs_of(workerinput: Mapping[str, Any]) -> Path:
    return Path(tempfile.gettempdir()) / f"lakehouse-tests-{workerinput['testrunuid']}.json"


@pytest.fixture(scope="session", autouse=True)
def _revisions_read_once() -> Iterator[None]:
    """Dagster reads the scripts of all its schema's revisions for each database it opens, for a test four or more."""
    from alembic.script import ScriptDirectory

    read = ScriptDirectory.from_config
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ScriptDirectory, "from_config", functools.cache(read))
        yield


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
