"""The documents say what is so: links resolve, commands exist, the newcomer's table names real places."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
LAKEHOUSE = ROOT / ".venv" / "bin" / "lakehouse"
LINK = re.compile(r"!?\[[^\]]*\]\(([^)#]+)")
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"`(lakehouse [^`]+|make \w+)`")


def commands_of(document: Path) -> Iterator[list[str]]:
    """The project's own commands in a document's shell blocks and in its text."""
    text = document.read_text()
    lines = [line for block in BLOCK.findall(text) for line in block.splitlines()] + INLINE.findall(text)
    for line in lines:
        words = shlex.split(line.strip(), comments=True)
        if words and words[0] in ("lakehouse", "make"):
            yield words


def shown_commands() -> list[str]:
    return sorted({shlex.join(words) for document in DOCUMENTS for words in commands_of(document)})


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_resolve(document: Path) -> None:
    local = [link for link in LINK.findall(document.read_text()) if "://" not in link]
    assert [link for link in local if not (document.parent / link).exists()] == []


def options_of(help_text: str) -> set[str]:
    return set(re.findall(r"--[a-z][a-z-]*", help_text))


@pytest.mark.parametrize("command", [command for command in shown_commands() if command.startswith("lakehouse")])
def test_a_shown_command_exists_with_its_options(command: str) -> None:
    words = shlex.split(command)[1:]
    names = [word for word in words if re.fullmatch(r"[a-z]+", word)][:2]
    names = names if words[0] in ("local", "demo") else names[:1]
    done = subprocess.run([LAKEHOUSE, *names, "--help"], capture_output=True, text=True, env={"COLUMNS": "200"})
    assert done.returncode == 0, done.stderr
    assert {word for word in words if word.startswith("--")} <= options_of(done.stdout)


@pytest.mark.parametrize("command", [command for command in shown_commands() if command.startswith("make ")])
def test_a_shown_verb_exists(command: str) -> None:
    assert f"\n{command.split()[1]}:" in (ROOT / "Makefile").read_text()


def test_commands_are_found() -> None:
    assert {"make run", "make test", "lakehouse plan", "lakehouse local up"} <= set(shown_commands())


def test_the_newcomers_table_names_places_that_exist() -> None:
    table = [line for line in (ROOT / "CONTRIBUTING.md").read_text().splitlines() if line.startswith("| a ")]
    places = [place for line in table for place in re.findall(r"`([a-z_]+/[^`]*)`", line)]
    assert len(places) >= 8
    fixed = [place.partition("<")[0] for place in places]
    assert [place for place in fixed if not (ROOT / place).exists()] == []


def test_every_setting_is_documented() -> None:
    read = re.findall(r'environ\.get\("(\w+)"\)', (ROOT / "lakehouse" / "targets.py").read_text())
    reference = (ROOT / "docs" / "reference" / "command-line.md").read_text()
    assert read and [name for name in read if f"`{name}`" not in reference] == []
