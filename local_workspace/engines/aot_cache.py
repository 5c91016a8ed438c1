"""Ahead-of-time caches of Spark server and JAR tasks: classes loaded and linked, made by a training run (JEP 483, 514).

What it saves: docs/explanation/local-workspace.md.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from local_workspace.engines.spark_client import WARM_UP, client_command
from local_workspace.engines.spark_connect import SparkConnectServer
from local_workspace.engines.spark_session import session_url
from local_workspace.engines.spark_warm_up import warm_up
from local_workspace.engines.toolchain import Toolchain, locked

MOST = 3  # sets that are kept, a third of a gigabyte each: of several clones that differ, or of one over time

Say = Callable[[str], None]


def ensure_aot_caches(toolchain: Toolchain, say: Say) -> None:
    """Make the caches when they are missing; without them everything works, only slower."""
    place, name = toolchain.aot_cache.parent, toolchain.aot_cache.name
    place.parent.mkdir(exist_ok=True)
    with locked(place.with_name("lock")):
        if not toolchain.aot_cache.exists():
            say("warming up Spark once, to make every later start faster")
            with tempfile.TemporaryDirectory(dir=place.parent) as work:
                made = Path(work) / place.name
                made.mkdir()
                _train(toolchain, Path(work), made)
                if (made / name).exists():
                    made.replace(place)
        _remove_outdated(place, name)


def _remove_outdated(place: Path, name: str) -> None:
    """Keep the sets that were last set up, this one among them; what is no set was left by a set-up that was killed."""
    if place.exists():
        os.utime(place)
    found = {path for path in place.parent.iterdir() if path.is_dir()}
    sets = sorted((path for path in found if (path / name).exists()), key=lambda path: path.stat().st_mtime)
    for outdated in found - {*sets[-MOST:]}:
        shutil.rmtree(outdated)


def _train(toolchain: Toolchain, directory: Path, made: Path) -> None:
    nowhere = "http://127.0.0.1:9"
    output = _output(made / toolchain.aot_cache.name)
    spark = SparkConnectServer(toolchain, directory, nowhere, nowhere, java_options=(output,))
    spark.start()
    try:
        spark.wait_ready()
        with ThreadPoolExecutor(1) as threads:
            task = threads.submit(
                _run_jar_task, toolchain, directory, spark.url, made / toolchain.client_aot_cache.name
            )
            warm_up(spark)
        task.result()
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
