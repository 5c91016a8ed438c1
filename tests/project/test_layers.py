"""Rules of the code base that no linter has: who reads the environment, what steps import, how long a file is."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PACKAGES = ("bench", "data_assets", "demo", "lakehouse", "local_workspace", "platform_assets")
LONGEST_FILE = 300
# A process's own start-up receives or passes on its environment; nothing else looks at it.
READS_ENVIRONMENT = {
    "bench/year.py": "tells pyspark, which the peer uses in this process, that it is Spark Connect's",
    "lakehouse/targets.py": "the one reader",
    "local_workspace/engines/tether.py": "sets what the started command was given",
    "local_workspace/serverless_runtime/worker.py": "prepares the run's own process",
    "local_workspace/serverless_runtime/zygote.py": "prepares the workers' process",
}
STEP_IMPORTS = {"pyspark", "dagster_pipes"}
REGISTRY_HOSTS = re.compile(
    r"(pypi|pythonhosted|maven|apache|jfrog|github|gitlab|npmjs|docker|quay|conda|crates)\.(org|com|io)\b"
    r"|\brepo1?\.maven\b|\b(artifactory|nexus)\b",
    re.IGNORECASE,
)


def tracked_files() -> list[str]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in listing.stdout.split("\0") if name and (ROOT / name).is_file()]


def python_files() -> list[str]:
    return [name for name in tracked_files() if name.endswith(".py") and name.startswith(PACKAGES)]


def parse(name: str) -> ast.Module:
    return ast.parse((ROOT / name).read_text())


def environment_reads(tree: ast.AST) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "environb"):
            if isinstance(node.value, ast.Name) and node.value.id == "os":
                yield node.lineno
        elif (
            isinstance(node, ast.ImportFrom)
            and node.module == "os"
            and {alias.name for alias in node.names} & {"environ", "getenv"}
        ):
            yield node.lineno


def imported_roots(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add("." * node.level + (node.module or ""))
    return names


def may_step_import(name: str) -> bool:
    root = name.split(".")[0]
    return (
        root in STEP_IMPORTS
        or root in sys.stdlib_module_names
        or name.startswith(".")
        or f"{name}.".startswith("data_assets.steps.")
    )


def test_only_named_files_read_the_environment() -> None:
    readers = {name: list(environment_reads(parse(name))) for name in python_files()}
    unexpected = {name: lines for name, lines in readers.items() if lines and name not in READS_ENVIRONMENT}
    assert unexpected == {}, "settings come from lakehouse/targets.py"


@pytest.mark.parametrize("code", ["import os\nos.environ['A']", "import os\nos.getenv('A')", "from os import environ"])
def test_a_read_of_the_environment_is_seen(code: str) -> None:
    assert list(environment_reads(ast.parse(code)))


def test_steps_import_only_what_databricks_has() -> None:
    steps = [name for name in python_files() if name.startswith("data_assets/steps/")]
    foreign = {
        name: wrong
        for name in steps
        if (wrong := {root for root in imported_roots(parse(name)) if not may_step_import(root)})
    }
    assert foreign == {}
    assert steps, "there are no steps"


@pytest.mark.parametrize("name", ["lakehouse.names", "data_assets.tables", "pandas", "dagster", "data_assets.steps_x"])
def test_a_foreign_import_of_a_step_is_seen(name: str) -> None:
    assert not may_step_import(name)


def test_no_file_is_too_long() -> None:
    sources = [name for name in tracked_files() if name.endswith((".py", ".java"))]
    lengths = {name: len((ROOT / name).read_text().splitlines()) for name in sources}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


def test_modules_are_not_named_after_nothing() -> None:
    shapeless = {"utils.py", "common.py", "helpers.py", "misc.py", "util.py"}
    assert [name for name in tracked_files() if Path(name).name in shapeless] == []


def test_no_registry_is_named() -> None:
    """Where packages come from is the machine's setting; only the lock files record it."""
    found = [
        f"{name}:{number}: {line.strip()[:120]}"
        for name in tracked_files()
        if name not in ("uv.lock", "tests/project/test_layers.py") and not name.endswith((".png", ".svg", ".lock.hcl"))
        for number, line in enumerate((ROOT / name).read_text(errors="replace").splitlines(), 1)
        if REGISTRY_HOSTS.search(line)
    ]
    assert found == []


def test_a_registry_host_is_seen() -> None:
    assert REGISTRY_HOSTS.search("https://" + "files.python" + "hosted.org/x")
    assert not REGISTRY_HOSTS.search("org.apache.spark.sql.connect")


def test_every_package_is_checked_and_built() -> None:
    names = " ".join(PACKAGES)
    assert f"PACKAGES := {names}" in (ROOT / "Makefile").read_text()
    on_disk = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert on_disk == set(PACKAGES)
