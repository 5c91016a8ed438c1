"""The ahead-of-time cache of the Spark server: classes loaded and linked, made once by a training run (JEP 483, 514).

What it saves: docs/explanation/local-workspace.md.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from local_workspace.engines.spark_connect import SparkConnectServer
from local_workspace.engines.spark_warm_up import warm_up
from local_workspace.engines.toolchain import Toolchain

Say = Callable[[str], None]


def ensure_aot_cache(toolchain: Toolchain, say: Say) -> None:
    """Make the cache when it is missing; without it everything works, only slower."""
    cache = toolchain.aot_cache
    if cache.exists():
        return
    say("warming up Spark once, to make every later start faster")
    cache.parent.mkdir(exist_ok=True)
    for outdated in cache.parent.iterdir():  # of other jars, or of a set-up that was killed
        outdated.unlink(missing_ok=True)
    half_done = cache.with_suffix(f".{os.getpid()}")
    with tempfile.TemporaryDirectory() as directory:
        _train(toolchain, Path(directory), half_done)
    if half_done.exists():
        half_done.replace(cache)


def _train(toolchain: Toolchain, directory: Path, cache: Path) -> None:
    nowhere = "http://127.0.0.1:9"
    options = (f"-XX:AOTCacheOutput={cache}",)
    server = SparkConnectServer(toolchain, directory, nowhere, nowhere, java_options=options)
    server.start()
    try:
        server.wait_ready()
        warm_up(server)
    finally:
        server.stop(grace_s=60)  # the cache is written while the server ends
