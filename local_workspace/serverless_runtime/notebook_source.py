"""Parses notebooks in source format into cells. Pure; running them is notebook_runner.py's.

Cells are separated by `# COMMAND ----------`; a cell of another language has `# MAGIC` on every line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

HEADER = "# Databricks notebook source"
SEPARATOR = re.compile(r"^# COMMAND -+[ \t]*$", re.MULTILINE)
MAGIC = "# MAGIC"
TITLE = "# DBTITLE"
LANGUAGES = ("python", "sql", "md", "run", "sh", "pip", "scala", "r", "fs")


class NotebookError(Exception):
    """The source is no notebook."""


@dataclass(frozen=True)
class Cell:
    """One cell: its language (python, sql, md, run, pip, sh, ...), its source, its number from 1."""

    number: int
    language: str
    source: str


def parse_notebook(text: str) -> list[Cell]:
    """Return the cells that are not empty.

    Raises:
        NotebookError: the header line is missing.
    """
    first, _, body = text.lstrip("\ufeff").replace("\r\n", "\n").partition("\n")
    if first.strip() != HEADER:
        raise NotebookError(f"not a notebook in source format: the first line must be '{HEADER}'")
    cells = [_parse_cell(number, part) for number, part in enumerate(SEPARATOR.split(body), 1)]
    return [cell for cell in cells if cell.source.strip() or cell.language != "python"]


def _parse_cell(number: int, part: str) -> Cell:
    lines = [line for line in part.strip("\n").split("\n") if not line.startswith(TITLE)]
    content = [line for line in lines if line.strip()]
    if not content or not content[0].startswith(MAGIC):
        return Cell(number, "python", "\n".join(lines))
    plain = "\n".join(_strip_magic(line) for line in lines).strip("\n")
    match = re.match(r"%(\w+)[ \t]*", plain)
    if match is None:
        return Cell(number, "python", plain)
    return Cell(number, match[1], plain[match.end() :].lstrip("\n"))


def _strip_magic(line: str) -> str:
    return line.removeprefix(MAGIC).removeprefix(" ") if line.startswith(MAGIC) else line
