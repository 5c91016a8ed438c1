"""`lakehouse local` as people and scripts use it: the installed command in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

COMMAND = [str(Path(sys.executable).with_name("lakehouse"))]


def run(*arguments: str, code: int = 0, stdin: str = "") -> subprocess.CompletedProcess[str]:
    done = subprocess.run([*COMMAND, *arguments], input=stdin, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == code, done.stderr or done.stdout
    assert "Traceback" not in done.stderr
    return done


def local(*arguments: str, code: int = 0, stdin: str = "") -> str:
    done = run("local", *arguments, code=code, stdin=stdin)
    return done.stdout if code == 0 else done.stderr
