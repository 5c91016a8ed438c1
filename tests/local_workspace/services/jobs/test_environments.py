"""Dependencies of environments: wheels from volumes, what the base satisfies, what cannot be resolved."""

from __future__ import annotations

import io
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.jobs import PythonWheelTask, SubmitTask, TerminationCodeCode

from local_workspace.engines.environments import DependencyError, prepare_overlay
from tests.local_workspace.services.jobs.harness import VOLUME, JobsServer, script_task, submit, wait_for_run


def build_wheel(name: str, code: str, requires: tuple[str, ...] = (), version: str = "1.0") -> bytes:
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += "".join(f"Requires-Dist: {item}\n" for item in requires)
    files = {
        f"{name}/__init__.py": code,
        f"{info}/METADATA": metadata,
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{name}-go = {name}:go\n",
    }
    record = "".join(f"{path},,\n" for path in files) + f"{info}/RECORD,,\n"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, content in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(path, content)
    return buffer.getvalue()


GO = "import sys\ndef go():\n    print('went', sys.argv)\ndef other():\n    print('other')\n"


def add_wheel(server: JobsServer, name: str, code: str = GO, requires: tuple[str, ...] = ()) -> str:
    path = f"{VOLUME}/{name}-1.0-py3-none-any.whl"
    server.store.files[path] = build_wheel(name, code, requires)
    return path


def wheel_task(package: str, entry_point: str, **options: object) -> SubmitTask:
    task = PythonWheelTask(package_name=package, entry_point=entry_point, **options)  # type: ignore[arg-type]
    return SubmitTask(task_key="main", python_wheel_task=task, environment_key="default")


@pytest.mark.parametrize(
    ("entry_point", "options", "logs"),
    [
        ("steps-go", {"parameters": ["a", "1"]}, "went ['steps', 'a', '1']\n"),
        ("steps-go", {"named_parameters": {"day": "2013-01-01"}}, "went ['steps', '--day=2013-01-01']\n"),
        ("other", {}, "other\n"),
    ],
)
def test_a_wheel_task_calls_its_entry_point(
    jobs_server: JobsServer, client: WorkspaceClient, entry_point: str, options: dict[str, object], logs: str
) -> None:
    wheel = add_wheel(jobs_server, "steps", requires=("dagster-pipes",))
    ended = wait_for_run(client, submit(client, wheel_task("steps", entry_point, **options), dependencies=(wheel,)))
    assert (ended.result, ended.output().logs) == ("SUCCESS", logs), ended.output().error


def test_a_missing_entry_point_is_named(jobs_server: JobsServer, client: WorkspaceClient) -> None:
    wheel = add_wheel(jobs_server, "steps")
    ended = wait_for_run(client, submit(client, wheel_task("steps", "nothing"), dependencies=(wheel,)))
    assert "package 'steps' has no entry point 'nothing'" in (ended.output().error or "")


def test_a_rebuilt_wheel_of_the_same_name_is_used(jobs_server: JobsServer, client: WorkspaceClient) -> None:
    for word in ("old", "new"):
        wheel = add_wheel(jobs_server, "fresh", f"def go():\n    print('{word}')\n")
        ended = wait_for_run(client, submit(client, wheel_task("fresh", "go"), dependencies=(wheel,)))
        assert ended.output().logs == f"{word}\n"


def test_a_dependency_that_is_missing_fails_the_run_naming_it(client: WorkspaceClient) -> None:
    missing = f"{VOLUME}/none-1.0-py3-none-any.whl"
    ended = wait_for_run(client, submit(client, script_task(f"{VOLUME}/x.py"), dependencies=(missing,)))
    details = ended.tasks["main"].status and ended.tasks["main"].status.termination_details
    assert details and details.code is TerminationCodeCode.LIBRARY_INSTALLATION_ERROR
    assert f"Library installation failed for '{missing}'" in (ended.output().error or "")


def test_an_overlay_may_replace_a_preloaded_library(jobs_server: JobsServer, client: WorkspaceClient) -> None:
    wheel = add_wheel(jobs_server, "zstandard", "MARK = 'mine'\n")
    path = jobs_server.add_script("which.py", "import zstandard, pandas\nprint(zstandard.MARK, pandas.__name__)")
    ended = wait_for_run(client, submit(client, script_task(path), dependencies=(wheel,)))
    assert ended.output().logs == "mine pandas\n", ended.output().error


def refuse(path: str) -> bytes:
    raise AssertionError(f"nothing should read {path}")


def test_what_the_base_satisfies_needs_no_overlay(tmp_path: Path) -> None:
    assert prepare_overlay(tmp_path, ["pandas<3", "dagster-pipes", "x; python_version < '3'"], refuse) is None


def test_two_at_once_install_once(tmp_path: Path) -> None:
    wheel = build_wheel("twice", GO)
    with ThreadPoolExecutor(2) as threads:
        found = list(
            threads.map(
                lambda _: prepare_overlay(tmp_path, ["/Volumes/a/b/c/twice-1.0-py3-none-any.whl"], lambda path: wheel),
                range(2),
            )
        )
    assert found[0] == found[1] and found[0] is not None
    assert (found[0] / "twice" / "__init__.py").exists()
    assert not (found[0] / ".lock").exists(), "uv's lock file, which everybody may write"
    assert [path for path in (tmp_path / "environments").iterdir() if path.is_dir()] == [found[0]]


@pytest.mark.parametrize(
    ("dependency", "content"),
    [
        ("/Volumes/a/b/c/broken-1.0-py3-none-any.whl", b"no zip"),
        ("/Volumes/a/b/c/code.zip", b""),
        ("-r requirements.txt", b""),
    ],
)
def test_what_cannot_be_installed_is_named(tmp_path: Path, dependency: str, content: bytes) -> None:
    with pytest.raises(DependencyError, match=f"Library installation failed for '{dependency}'"):
        prepare_overlay(tmp_path, [dependency], lambda path: content)
    assert not list((tmp_path / "environments").glob("*/")) if (tmp_path / "environments").exists() else True
