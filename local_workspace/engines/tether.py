"""Launcher: ties a command to the life of the process that started it, then becomes that command.

Run as a script: `python -I -S tether.py PARENT_PID SIGNAL [NAME=VALUE...] COMMAND...`. Standard library only.
When the parent dies, however it dies, the kernel sends SIGNAL. Linux only; elsewhere the command just runs.
"""

from __future__ import annotations

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Set the death signal and replace this process by the command."""
    parent, death_signal, rest = int(arguments[0]), int(arguments[1]), arguments[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    if os.getppid() != parent:  # it died before the signal was set
        sys.exit(f"the starting process {parent} is gone")
    while "=" in rest[0].partition("/")[0]:
        name, _, value = rest.pop(0).partition("=")
        os.environ[name] = value
    os.execvp(rest[0], rest)


if __name__ == "__main__":
    main(sys.argv[1:])
