"""`lakehouse local` as people and scripts use it: the installed command in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

COMMAND = [str(Path(sys.executable).with_name("lakehouse"))]


def local(*arguments: str, code: int = 0, stdin: str = "") -> str:
    """What the command prints, or how it fails with another code than 0."""
    command = [*COMMAND, "local", *arguments]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == code, done.stderr or done.stdout
    assert "Traceback" not in done.stderr
    return done.stdout if code == 0 else done.stderr
