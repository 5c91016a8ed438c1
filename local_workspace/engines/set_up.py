"""`python -m local_workspace.engines.set_up`: brings everything the engines need, once, and says what it does."""

from __future__ import annotations

import argparse
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local_workspace.engines.aot_cache import ensure_aot_caches
from local_workspace.engines.toolchain import ToolchainFailed, ensure_toolchain


def main() -> None:
    """Set up under --cache; a second run finds all there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, required=True, help="directory shared by all clones")
    arguments = parser.parse_args()
    began = time.monotonic()
    try:
        with _compiling_packages():
            toolchain = ensure_toolchain(arguments.cache, _say)
            ensure_aot_caches(toolchain, _say)
    except ToolchainFailed as error:
        sys.exit(str(error))
    _say(f"Spark tools are ready in {arguments.cache} ({time.monotonic() - began:.1f} s)")


@contextmanager
def _compiling_packages() -> Iterator[None]:
    """Compile what is installed while the block runs, which leaves a core idle, as far as it comes.

    Else the first processes of a run would, each for itself.
    """
    command = [sys.executable, "-m", "compileall", "-q", "-x", "/tests?/", sysconfig.get_path("purelib")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as compiling:
        try:
            yield
        finally:
            compiling.terminate()


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
