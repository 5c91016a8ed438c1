"""`python -m local_workspace.engines.set_up`: brings everything the engines need, once, and says what it does."""

from __future__ import annotations

import argparse
import sys
import time
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
        toolchain = ensure_toolchain(arguments.cache, _say)
        ensure_aot_caches(toolchain, _say)
    except ToolchainFailed as error:
        sys.exit(str(error))
    _say(f"Spark tools are ready in {arguments.cache} ({time.monotonic() - began:.1f} s)")


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
