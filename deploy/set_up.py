"""Installs all that the project needs into `.venv` and the tools' cache; heals what an interrupted set-up left.

`make setup` runs it with the machine's own Python: it needs the standard library only. Killed at any moment, the next
run starts over. `--check` changes nothing and says what is wrong.
"""

from __future__ import annotations

import argparse
import csv
import errno
import fcntl
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MARKER = ".venv.installing"  # beside the environment: uv takes no folder that has files but is no environment
LOCK = ".venv.lock"
STAMP = ".ready"  # make compares its age with the project's files
NEEDED_BYTES = 2_000_000_000  # what the environment takes where nothing is cached
_FULL = ("No space left on device", "os error 28", "ENOSPC")
_SHOWN = 5

REGISTRY_HELP = (
    "If packages cannot be fetched, tell uv and pip where from: UV_DEFAULT_INDEX and PIP_INDEX_URL (your mirror), "
    "HTTPS_PROXY (your proxy), SSL_CERT_FILE (your certificate authority). Then run `make setup` again."
)


class SetUpFailed(Exception):
    """The set-up cannot go on; the message says why and what to do."""


def main(arguments: list[str] | None = None) -> None:
    """Set up, or with --check tell in JSON what is wrong with the environment."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=ROOT, help="the clone to set up")
    parser.add_argument("--tools", type=Path, help="where uv is installed if the machine has none")
    parser.add_argument("--cache", type=Path, help="the engines' tools, shared by all clones")
    parser.add_argument("--uv-version", help="the version of uv to install")
    parser.add_argument("--check", action="store_true", help="change nothing, print the problems as a JSON list")
    given = parser.parse_args(arguments)
    if given.check:
        print(json.dumps(find_problems(given.root)))
        return
    try:
        with only_one(given.root):
            set_up(given.root, given.tools, given.cache, given.uv_version)
    except SetUpFailed as error:
        sys.exit(f"make setup: {error}")
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        sys.exit(f"make setup: {say_full(given.root)}")


def set_up(root: Path, tools: Path, cache: Path, uv_version: str) -> None:
    """Bring everything; a second run finds all there.

    Raises:
        SetUpFailed: with what to do.
    """
    environment = root / ".venv"
    (environment / STAMP).unlink(missing_ok=True)  # not ready until the end is reached
    uv = find_uv(tools, uv_version)
    if (root / MARKER).exists():
        say("The last set-up was interrupted: installing the environment anew")
        shutil.rmtree(environment, ignore_errors=True)
    install(root, uv)
    if find_missing_files(environment):
        say("Installed packages lack files: installing the environment anew")
        shutil.rmtree(environment)
        install(root, uv)
    if problems := find_problems(root):
        raise SetUpFailed(f"The environment is not whole: {'; '.join(problems)}. Run `make clean setup`.")
    command = [str(environment / "bin" / "python"), "-m", "local_workspace.engines.set_up", "--cache", str(cache)]
    if subprocess.run(command, cwd=root, check=False).returncode:
        raise SetUpFailed(f"The engines' tools could not be made, see above. {REGISTRY_HELP}")
    (environment / STAMP).touch()


def install(root: Path, uv: str) -> None:
    """Install the locked packages; the marker tells of an installation that did not reach its end.

    Raises:
        SetUpFailed: uv failed.
    """
    (root / MARKER).touch()
    run_installer([uv, "sync", "--frozen", "--quiet", "--python", sys.executable], root)
    (root / MARKER).unlink()


def find_uv(tools: Path, version: str) -> str:
    """Return the machine's uv, or one installed under `tools`.

    Raises:
        SetUpFailed: it cannot be installed.
    """
    own = tools / "bin" / "uv"
    for candidate in (shutil.which("uv"), str(own)):
        if candidate and runs(candidate):
            return candidate
    say(f"Installing uv {version} into {tools}")
    shutil.rmtree(tools, ignore_errors=True)  # what an interrupted installation left
    run_installer([sys.executable, "-m", "venv", str(tools)], tools.parent)
    pip = [str(tools / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run_installer([*pip, f"uv=={version}"], tools.parent)
    return str(own)


def runs(uv: str) -> bool:
    """Say whether the program answers: an interrupted installation may have left a part of it."""
    try:
        return subprocess.run([uv, "--version"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def run_installer(command: list[str], directory: Path) -> None:
    """Run a command that installs something.

    Raises:
        SetUpFailed: with its words, and what may help.
    """
    directory.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(command, cwd=directory, stderr=subprocess.PIPE, text=True, check=False)
    sys.stderr.write(done.stderr)
    if done.returncode == 0:
        return
    if any(sign in done.stderr for sign in _FULL):
        raise SetUpFailed(say_full(directory))
    raise SetUpFailed(f"{Path(command[0]).name} failed with exit code {done.returncode}, see above. {REGISTRY_HELP}")


def find_problems(root: Path) -> list[str]:
    """Return what is wrong with the environment, in sentences; nothing when it is whole."""
    environment = root / ".venv"
    if (root / MARKER).exists():
        return ["The last set-up was interrupted"]
    if not (environment / "bin" / "python").exists():
        return [f"There is no environment in {environment}"]
    missing = find_missing_files(environment)
    named = ", ".join(missing[:_SHOWN]) + (f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else "")
    return [f"Files of installed packages are missing or cut off: {named}"] if missing else []


def find_missing_files(environment: Path) -> list[str]:
    """Return the files that installed packages list and that are not there in the listed size."""
    sites = environment.glob("lib/python3*/site-packages")
    return [
        name
        for site in sites
        for record in sorted(site.glob("*.dist-info/RECORD"))
        for name, size in read_record(record)
        if not is_whole(site / name, size)
    ]


def read_record(record: Path) -> Iterator[tuple[str, int | None]]:
    """Yield name and size of each file of a package. Format: Python packaging, "Recording installed projects"."""
    with record.open(newline="") as file:
        for row in csv.reader(file):
            yield row[0], int(row[2]) if len(row) > 2 and row[2] else None


def is_whole(path: Path, size: int | None) -> bool:
    """Say whether the file is there, and in its size where one is known."""
    try:
        found = path.stat().st_size
    except OSError:
        return False
    return size is None or found == size


def say_full(path: Path) -> str:
    """Return the sentence about a full disk."""
    free = shutil.disk_usage(path if path.exists() else path.parent).free // 1_000_000
    return (
        f"The disk is full: {free} MB are free where {path} lies, or in the package cache, and a first set-up takes "
        f"{NEEDED_BYTES // 1_000_000} MB. Free some, or move the caches with UV_CACHE_DIR and XDG_CACHE_HOME and the "
        "state with LAKEHOUSE_HOME. Then run `make setup` again."
    )


@contextmanager
def only_one(root: Path) -> Iterator[None]:
    """Let one set-up of a clone in at a time; a killed one is out."""
    with (root / LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another `make setup` of this clone is at work: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def say(text: str) -> None:
    """Tell how far it is."""
    print(text, flush=True)


if __name__ == "__main__":
    main()
