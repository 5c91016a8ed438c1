"""Runs a task's code as `__main__`: a script or a wheel's entry point.

Notebooks are in notebook_runner.py, JARs in jar_task.py.
"""

from __future__ import annotations

import builtins
import importlib
import importlib.metadata
import linecache
import sys
import types
from collections.abc import Callable
from typing import Any

from local_workspace.serverless_runtime import namespace, session
from local_workspace.serverless_runtime.assignment import Assignment, TaskReport
from local_workspace.serverless_runtime.failures import RunCancelled, report_failure
from local_workspace.serverless_runtime.gateway_client import GatewayClient
from local_workspace.serverless_runtime.sources import SourceError, read_source


def run_task(assignment: Assignment, client: GatewayClient) -> TaskReport:
    """Run the code and report how it ended; only cancellation passes through."""
    if assignment.kind == "jar":
        from local_workspace.serverless_runtime import jar_task

        return jar_task.run_jar(assignment, client)
    session.prepare_session(assignment)
    names = namespace.build_names(assignment, client)
    try:
        if assignment.kind == "notebook":
            from local_workspace.serverless_runtime import notebook_runner

            return notebook_runner.run_notebook_task(assignment, client, names)
        run = run_script if assignment.kind == "script" else run_wheel
        return run_code(lambda: run(assignment, client, names))
    except SourceError as error:
        return TaskReport(ok=False, error=str(error), failure=error.failure)  # type: ignore[arg-type]


def run_code(code: Callable[[], None]) -> TaskReport:
    """Call user code: sys.exit(0) is success, any other exit or exception a failure."""
    try:
        code()
    except SystemExit as error:
        return TaskReport(ok=True) if error.code in (None, 0) else report_failure(error)
    except (RunCancelled, SourceError):
        raise
    except BaseException as error:  # noqa: BLE001 - whatever user code raises is its result
        return report_failure(error)
    return TaskReport(ok=True)


def run_script(assignment: Assignment, client: GatewayClient, names: namespace.Names) -> None:
    """Run a Python file with its parameters as sys.argv[1:]."""
    source = read_source(client, assignment.path, assignment.aws_endpoint, assignment.region)
    sys.argv = [assignment.path, *assignment.parameters]
    module = open_main_module(assignment.path)
    text = remember_source(assignment.path, source)
    code = compile(source, assignment.path, "exec", dont_inherit=True)
    names.inject(module.__dict__, text)
    exec(code, module.__dict__)


def run_wheel(assignment: Assignment, client: GatewayClient, names: namespace.Names) -> None:
    """Call the wheel's entry point, or `package.entry_point()` where the metadata names none."""
    sys.argv = [assignment.package, *assignment.parameters]
    open_main_module("")
    find_entry_point(assignment.package, assignment.entry_point)()


def find_entry_point(package: str, entry_point: str) -> Callable[[], Any]:
    """Return the callable.

    Raises:
        ImportError: neither the package's metadata nor its module has it.
    """
    try:
        declared = importlib.metadata.distribution(package).entry_points
        chosen = next((point for point in declared if point.name == entry_point), None)
    except importlib.metadata.PackageNotFoundError:
        chosen = None
    if chosen is not None:
        return chosen.load()  # type: ignore[no-any-return]
    try:
        return getattr(importlib.import_module(package.replace("-", "_")), entry_point)  # type: ignore[no-any-return]
    except (ImportError, AttributeError) as error:
        raise ImportError(
            f"Python wheel task: package '{package}' has no entry point '{entry_point}' ({error}). "
            "Check package_name, entry_point and the environment's dependencies."
        ) from None


def open_main_module(path: str) -> types.ModuleType:
    """Install a fresh `__main__`, so that pickling and multiprocessing see the user's module."""
    module = types.ModuleType("__main__")
    module.__dict__.update(__builtins__=builtins)
    if path:
        module.__file__ = path
    sys.modules["__main__"] = module
    return module


def remember_source(path: str, source: bytes) -> str:
    """Let tracebacks show the lines of a file that is not on disk."""
    text = source.decode("utf-8", errors="replace")
    linecache.cache[path] = (len(text), None, text.splitlines(keepends=True), path)
    return text
