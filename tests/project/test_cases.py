"""The table of cases names tests that are there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

TESTS = Path(__file__).parents[1]
DOCUMENT = TESTS.parent / "docs" / "cases.md"
_NAMED = re.compile(r"`([\w/]+\.py)?::(\w+)`")


@cache
def list_tests(path: str) -> set[str]:
    tree = ast.parse((TESTS / path).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def find_named(text: str) -> list[tuple[str, str]]:
    """Return path and test of each name; one without a path is of the file named before it in the same line."""
    found, path = [], ""
    for line in text.splitlines():
        for name in _NAMED.finditer(line):
            path = name[1] or path
            found.append((path, name[2]))
    return found


def test_every_named_test_is_there() -> None:
    named = find_named(DOCUMENT.read_text())
    assert len(named) > 90
    assert [f"{path}::{test}" for path, test in named if test not in list_tests(path)] == []


def test_a_case_holds_by_a_test_or_is_open() -> None:
    rows = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| ") and "| holds now |" not in line]
    assert [row for row in rows if "::" not in row and "open" not in row] == []
