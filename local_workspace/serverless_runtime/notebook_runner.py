"""Runs a notebook's cells in order in one namespace: Python, %sql, %md, %run, and nothing it does not know.

`dbutils.notebook.exit` ends the notebook with a value; the last expression of a cell is shown.
"""

from __future__ import annotations

import ast
import io
import posixpath
import sys
from collections.abc import Callable
from typing import Any, TextIO

from local_workspace.serverless_runtime import display, failures, redaction
from local_workspace.serverless_runtime.assignment import Assignment, TaskReport
from local_workspace.serverless_runtime.gateway_client import GatewayClient
from local_workspace.serverless_runtime.namespace import Names
from local_workspace.serverless_runtime.notebook_source import Cell, NotebookError, parse_notebook
from local_workspace.serverless_runtime.session import get_session
from local_workspace.serverless_runtime.sources import SourceError, read_source
from local_workspace.serverless_runtime.tasks import open_main_module, remember_source


class NotebookExit(BaseException):
    """`dbutils.notebook.exit(value)`: not an Exception, so that user code's handlers let it pass."""

    def __init__(self, value: str) -> None:
        super().__init__(value)
        self.value = value


class Notebook:
    """One notebook being run: its path, its namespace and what its cells showed."""

    def __init__(self, assignment: Assignment, client: GatewayClient, names: Names, namespace: dict[str, Any]) -> None:
        self._assignment = assignment
        self._client = client
        self._names = names
        self._namespace = namespace
        self.shown: list[dict[str, Any]] = []

    def run(self, path: str) -> None:
        """Run all cells of the notebook at `path`."""
        self._names.get("dbutils").notebook.enter(path)
        for cell in self._load(path):
            with Tee() as output:
                try:
                    self._run_cell(cell, path)
                finally:
                    shown = {"language": cell.language, "source": cell.source, "output": output.text()}
                    self.shown.append(shown)

    def _load(self, path: str) -> list[Cell]:
        source = read_source(self._client, path, self._assignment.aws_endpoint, self._assignment.region)
        try:
            return parse_notebook(source.decode("utf-8"))
        except (NotebookError, UnicodeDecodeError) as error:
            raise SourceError("workload", f"{path}: {error}") from None

    def _run_cell(self, cell: Cell, path: str) -> None:
        runners: dict[str, Callable[[Cell, str], None]] = {
            "python": self._run_python,
            "sql": self._run_sql,
            "run": self._run_other,
            "md": lambda cell, path: None,
        }
        if cell.language not in runners:
            raise NotImplementedError(
                f"Cell {cell.number} of {path}: %{cell.language} is not served by the local workspace; "
                f"served are %{', %'.join(runners)}."
            )
        runners[cell.language](cell, path)

    def _run_python(self, cell: Cell, path: str) -> None:
        name = f"{path} (cell {cell.number})"
        remember_source(name, cell.source.encode())
        self._names.inject(self._namespace, cell.source)
        tree = ast.parse(cell.source, name)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, name, "exec", dont_inherit=True), self._namespace)
        if isinstance(last, ast.Expr) and not cell.source.rstrip().endswith(";"):
            value = eval(compile(ast.Expression(last.value), name, "eval", dont_inherit=True), self._namespace)
            if value is not None:
                self._namespace["_"] = value
                text = display.render(value) if display.is_table(value) else repr(value)
                print(text)
        elif last is not None:
            exec(compile(ast.Module([last], []), name, "exec", dont_inherit=True), self._namespace)

    def _run_sql(self, cell: Cell, path: str) -> None:
        spark = get_session()
        result = None
        for statement in split_statements(cell.source):
            result = spark.sql(statement, self._named_parameters(statement))
        if result is not None and result.columns:
            self._namespace["_sqldf"] = result
            display.display(result)

    def _named_parameters(self, statement: str) -> dict[str, str]:
        """Widgets are the parameters (`:name`) of a notebook's SQL."""
        values: dict[str, str] = self._names.get("dbutils").widgets.getAll()
        return {name: value for name, value in values.items() if f":{name}" in statement}

    def _run_other(self, cell: Cell, path: str) -> None:
        target = cell.source.split("\n", 1)[0].strip().partition(" $")[0].strip("\"' ")
        self.run(posixpath.normpath(posixpath.join(posixpath.dirname(path), target)))
        self._names.get("dbutils").notebook.enter(path)


class Tee(io.TextIOBase):
    """Keeps what a cell prints while it still goes to the run's log."""

    def __enter__(self) -> Tee:
        self._kept = io.StringIO()
        self._below: TextIO = sys.stdout
        sys.stdout = self
        return self

    def __exit__(self, *_: object) -> None:
        sys.stdout = self._below

    def write(self, text: str) -> int:
        """Write to both, secrets redacted."""
        shown = redaction.redact(text)
        self._kept.write(shown)
        self._below.write(shown)
        return len(text)

    def flush(self) -> None:
        """Flush the log."""
        self._below.flush()

    def text(self) -> str:
        """Return what was printed."""
        return self._kept.getvalue()


def run_notebook_task(assignment: Assignment, client: GatewayClient, names: Names) -> TaskReport:
    """Run the task's notebook and report its exit value and cells."""
    sys.argv = [assignment.path]
    module = open_main_module("")
    notebook = Notebook(assignment, client, names, module.__dict__)
    value = None
    try:
        notebook.run(assignment.path)
    except NotebookExit as ended:
        value = redaction.redact(ended.value)
    except (SourceError, failures.RunCancelled):
        raise
    except SystemExit as error:
        if error.code not in (None, 0):
            return with_cells(failures.report_failure(error), notebook)
    except BaseException as error:  # noqa: BLE001 - whatever user code raises is the report
        return with_cells(failures.report_failure(error), notebook)
    return TaskReport(ok=True, exit_value=value, cells=notebook.shown)


def with_cells(report: TaskReport, notebook: Notebook) -> TaskReport:
    """Return the report with what the cells showed until then; an error is shown with them, without secrets."""
    error, trace = redaction.redact(report.error), redaction.redact(report.error_trace)
    return TaskReport(**{**vars(report), "cells": notebook.shown, "error": error, "error_trace": trace})


def split_statements(sql: str) -> list[str]:
    """Split a cell into statements at semicolons outside of quotes and comments."""
    statements, start, position, quote = [], 0, 0, ""
    while position < len(sql):
        character = sql[position]
        if quote:
            if character == "\\" and quote in "'\"":
                position += 1
            elif sql.startswith(quote, position):
                position += len(quote) - 1
                quote = ""
        elif character in "'\"`":
            quote = character
        elif sql.startswith("--", position):
            quote = "\n"
        elif sql.startswith("/*", position):
            quote = "*/"
        elif character == ";":
            statements.append(sql[start:position])
            start = position + 1
        position += 1
    statements.append(sql[start:])
    return [statement.strip() for statement in statements if strip_comments(statement).strip()]


def strip_comments(sql: str) -> str:
    """Return the text without whole-line and block comments; good enough to see whether anything is left."""
    import re

    return re.sub(r"/\*.*?\*/|^\s*--[^\n]*", "", sql, flags=re.DOTALL | re.MULTILINE)
