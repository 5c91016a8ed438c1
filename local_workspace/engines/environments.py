"""Environments of serverless runs: `dependencies` installed by uv into an overlay directory, cached by content.

The overlay goes in front of the base libraries, so only what the base does not satisfy is installed.
Wheels are keyed by their bytes; two runs that want the same overlay wait for one installation.
JARs (`java_dependencies`) are fetched for each run.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

INSTALL_TIMEOUT_S = 600
FILE_PREFIXES = ("/Volumes/", "/Workspace/", "dbfs:/Volumes/", "s3://")


class DependencyError(Exception):
    """A dependency cannot be had; the message names it."""


@dataclass(frozen=True)
class Dependency:
    """One entry of the spec: a requirement line, or a wheel with its bytes."""

    text: str
    file_name: str = ""
    content: bytes = b""

    @property
    def key(self) -> str:
        """What identifies it in the cache."""
        return f"{self.file_name}#{hashlib.sha256(self.content).hexdigest()}" if self.file_name else self.text


def prepare_overlay(home: Path, dependencies: Sequence[str], read_file: Callable[[str], bytes]) -> Path | None:
    """Return the directory that holds the dependencies, installing them the first time; None: nothing needed.

    Raises:
        DependencyError: one of them cannot be read, resolved or installed.
    """
    loaded = [_load(text.strip(), read_file) for text in dependencies if text.strip()]
    wanted = [dependency for dependency in loaded if not _is_in_base(dependency)]
    if not wanted:
        return None
    key = hashlib.sha256(json.dumps([sys.version, *(item.key for item in wanted)]).encode()).hexdigest()[:24]
    overlay = home / "environments" / key
    if overlay.exists():
        return overlay
    with _locked(overlay):
        if not overlay.exists():
            _install(wanted, overlay)
    return overlay


def fetch_jars(directory: Path, paths: Sequence[str], read_file: Callable[[str], bytes]) -> list[Path]:
    """Write the JARs into the directory and return them in the order given.

    Raises:
        DependencyError: one of them cannot be read, or is no JAR.
    """
    jars = []
    for number, path in enumerate(paths):
        jar = directory / str(number) / path.rpartition("/")[2]
        jar.parent.mkdir(parents=True)
        jar.write_bytes(_read(path, read_file))
        if not zipfile.is_zipfile(jar):
            raise DependencyError(f"Library installation failed for '{path}': it is not a JAR")
        jars.append(jar)
    return jars


def _read(path: str, read_file: Callable[[str], bytes]) -> bytes:
    try:
        return read_file(path)
    except Exception as error:
        raise DependencyError(f"Library installation failed for '{path}': {error}") from error


def _load(text: str, read_file: Callable[[str], bytes]) -> Dependency:
    if text.startswith("-"):
        raise DependencyError(f"Library installation failed for '{text}': pip options are not supported here")
    if not text.startswith(FILE_PREFIXES):
        return Dependency(text)
    if not text.endswith(".whl"):
        raise DependencyError(f"Library installation failed for '{text}': only wheels are installed from files")
    return Dependency(text, text.rpartition("/")[2], _read(text, read_file))


def _is_in_base(dependency: Dependency) -> bool:
    return not dependency.file_name and _is_satisfied(dependency.text)


def _is_satisfied(line: str) -> bool:
    """Say whether the base has it. Extras and URLs are left to uv."""
    try:
        requirement = Requirement(line)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            return True
        if requirement.url or requirement.extras:
            return False
        return requirement.specifier.contains(importlib.metadata.version(requirement.name), prereleases=True)
    except (InvalidRequirement, importlib.metadata.PackageNotFoundError):
        return False


def _install(wanted: Sequence[Dependency], overlay: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="installing-", dir=overlay.parent) as scratch:
        target = Path(scratch) / "overlay"
        target.mkdir()
        lines = [_place(item, Path(scratch), number) for number, item in enumerate(wanted)]
        if all(item.file_name and _needs_nothing(path) for item, path in zip(wanted, lines, strict=True)):
            _run_uv(["install", "--no-deps", "--offline", "--target", str(target), *lines], wanted)
        else:
            missing = _list_missing(lines, wanted)
            if missing:
                _run_uv(["install", "--no-deps", "--target", str(target), *missing], wanted)
        (target / ".lock").unlink(missing_ok=True)  # uv's own, which it opens to everybody
        os.rename(target, overlay)


def _place(dependency: Dependency, scratch: Path, number: int) -> str:
    if not dependency.file_name:
        return dependency.text
    path = scratch / str(number) / dependency.file_name  # uv reads name and version from the file's name
    path.parent.mkdir()
    path.write_bytes(dependency.content)
    return str(path)


def _needs_nothing(wheel: str) -> bool:
    """Say whether the base satisfies all that the wheel requires."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            name = next(item for item in archive.namelist() if item.endswith(".dist-info/METADATA"))
            metadata = HeaderParser().parsestr(archive.read(name).decode())
    except (zipfile.BadZipFile, StopIteration):
        return False  # uv says what is wrong with it
    return all(_is_satisfied(line) for line in metadata.get_all("Requires-Dist") or [])


def _list_missing(lines: Sequence[str], wanted: Sequence[Dependency]) -> list[str]:
    """Resolve against the base libraries and return the pinned requirements that it lacks."""
    output = _run_uv(["install", "--dry-run", *lines], wanted)
    missing = []
    for line in output.splitlines():
        if line.startswith(" + "):
            name, _, origin = line[3:].strip().partition(" (from ")
            package = name.partition("==")[0]
            missing.append(f"{package} @ {origin.rstrip(')')}" if origin else name)
    return missing


def _run_uv(arguments: Sequence[str], wanted: Sequence[Dependency]) -> str:
    import uv

    command = [uv.find_uv_bin(), "pip", arguments[0], "--no-progress", "--python", sys.executable]
    try:
        done = subprocess.run(
            [*command, *arguments[1:]], capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise DependencyError(
            f"Library installation timed out after {INSTALL_TIMEOUT_S} s for {_name(wanted, '')}"
        ) from None
    if done.returncode:
        raise DependencyError(f"Library installation failed for {_name(wanted, done.stderr)}: {done.stderr.strip()}")
    return done.stderr


def _name(wanted: Sequence[Dependency], complaint: str) -> str:
    """Return the dependencies that the complaint is about; all when it does not tell."""
    named = [item.text for item in wanted if _project(item) in complaint.lower().replace("_", "-")]
    return ", ".join(f"'{text}'" for text in named or [item.text for item in wanted])


def _project(dependency: Dependency) -> str:
    if dependency.file_name:
        return dependency.file_name.partition("-")[0].lower().replace("_", "-")
    try:
        return Requirement(dependency.text).name.lower().replace("_", "-")
    except InvalidRequirement:
        return dependency.text.lower()


@contextmanager
def _locked(overlay: Path) -> Iterator[None]:
    overlay.parent.mkdir(parents=True, exist_ok=True)
    with overlay.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def clear_overlays(home: Path) -> None:
    """Forget all installed environments."""
    shutil.rmtree(home / "environments", ignore_errors=True)
