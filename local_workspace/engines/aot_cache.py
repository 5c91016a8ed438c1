"""Ahead-of-time caches of Spark server and JAR tasks: classes loaded and linked, made by a training run (JEP 483, 514).

What it saves: docs/explanation/local-workspace.md.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path

from local_workspace.engines.spark_client import WARM_UP, client_command
from local_workspace.engines.spark_connect import SparkConnectServer
from local_workspace.engines.spark_session import session_url
from local_workspace.engines.spark_warm_up import warm_up
from local_workspace.engines.toolchain import Toolchain

Say = Callable[[str], None]


def ensure_aot_caches(toolchain: Toolchain, say: Say) -> None:
    """Make the caches when they are missing; without them everything works, only slower."""
    if toolchain.aot_cache.exists():
        return
    say("warming up Spark once, to make every later start faster")
    toolchain.aot_cache.parent.mkdir(exist_ok=True)
    for outdated in toolchain.aot_cache.parent.iterdir():  # of other jars, or of a set-up that was killed
        outdated.unlink(missing_ok=True)
    caches = (toolchain.client_aot_cache, toolchain.aot_cache)  # the last one says that both are there
    half_done = [cache.with_suffix(f".{os.getpid()}") for cache in caches]
    with tempfile.TemporaryDirectory() as directory:
        _train(toolchain, Path(directory), *half_done)
    for made, cache in zip(half_done, caches, strict=True):
        if made.exists():
            made.replace(cache)


def _train(toolchain: Toolchain, directory: Path, client: Path, server: Path) -> None:
    nowhere = "http://127.0.0.1:9"
    spark = SparkConnectServer(toolchain, directory, nowhere, nowhere, java_options=(_output(server),))
    spark.start()
    try:
        spark.wait_ready()
        warm_up(spark)
        _run_jar_task(toolchain, directory, spark.url, client)
    finally:
        spark.stop(grace_s=60)  # the cache is written while the server ends


def _run_jar_task(toolchain: Toolchain, directory: Path, spark_url: str, cache: Path) -> None:
    """Run a task whose JAR is the plugin; one that fails or hangs makes no cache."""
    *java, bootstrap = client_command(toolchain)
    properties = {
        "spark.remote": session_url(spark_url, "warm-up", str(uuid.uuid4())),
        "lakehouse.main": WARM_UP,
        "lakehouse.jars": str(toolchain.plugin_jar),
        "lakehouse.report": str(directory / "report.xml"),
    }
    options = [f"-D{name}={value}" for name, value in properties.items()]
    command = [*java, _output(cache), *options, bootstrap]
    with contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run(command, cwd=directory, capture_output=True, check=False, timeout=120)


def _output(cache: Path) -> str:
    return f"-XX:AOTCacheOutput={cache}"
