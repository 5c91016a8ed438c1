"""Standard output: the answer alone beside --json, and no harm when its reader has gone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = str(Path(sys.executable).with_name("lakehouse"))
WRITES = """
import os, subprocess
from lakehouse.cli.consoles import keep_stdout
with keep_stdout({for_json}):
    print("printed")
    os.write(1, b"written\\n")
    subprocess.run(["echo", "a child's"])
print("the answer")
"""
READER_GONE = """
import sys, time
from lakehouse.serverless.remote_step import echo
time.sleep(0.5)
for _ in range(3):
    echo("x" * 100_000)
print("went on", file=sys.stderr)
"""


def run(command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", "-c", command, "sh", *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("for_json", [True, False])
def test_beside_json_the_answer_stands_alone(for_json: bool) -> None:
    done = run('"$1" -c "$2"', sys.executable, WRITES.format(for_json=for_json))
    others = {"printed", "written", "a child's"}
    assert set(done.stderr.splitlines()) == (others if for_json else set())
    assert set(done.stdout.splitlines()) == ({"the answer"} if for_json else {"the answer", *others})


def test_what_a_step_prints_does_not_fail_it_when_nobody_reads() -> None:
    done = run('"$1" -c "$2" | true', sys.executable, READER_GONE)
    assert done.stderr == "went on\n"


@pytest.mark.parametrize("arguments", [("--version",), ("--help",), ("demo", "--help")])
def test_a_command_whose_reader_has_gone_says_nothing(arguments: tuple[str, ...]) -> None:
    assert run('"$@" | true', COMMAND, *arguments).stderr == ""
