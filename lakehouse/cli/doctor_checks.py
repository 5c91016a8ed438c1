"""What `lakehouse doctor` looks at. A check reads only; what mends is a function of its own."""

from __future__ import annotations

import json
import shutil
import socket
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from contextlib import closing
from functools import partial
from hashlib import sha256
from pathlib import Path

from lakehouse.cli.doctor import Check, Finding
from lakehouse.targets import ROOT, Settings

_LEAST_FREE, _ENOUGH_FREE = 1_000_000_000, 5_000_000_000  # bytes; a year of flights takes about one
_REGISTRY_TIMEOUT_S = 20
_INSTANCE = "dagster.yaml"


def list_checks(settings: Settings) -> list[Check]:
    """Return the checks, those first that others stand on."""
    workspace, instance = partial(look_at_workspace, settings), partial(look_at_instance, settings)
    return [
        Check("disk", partial(look_at_disk, [settings.home, settings.cache_home])),
        Check("environment", look_at_environment),
        Check("caches", partial(look_at_caches, settings.cache_home), partial(mend_caches, settings.cache_home)),
        Check("registries", look_at_registries),
        Check("ports", look_at_ports),
        Check("workspace", workspace, partial(mend_workspace, settings)),
        Check("dagster", instance, partial(mend_instance, settings)),
    ]


def look_at_disk(places: Iterable[Path]) -> Finding:
    """Say how much is free where state and caches lie."""
    existing = [next(path for path in (place, *place.parents) if path.exists()) for place in places]
    free, where = min((shutil.disk_usage(path).free, path) for path in existing)
    detail = f"{free / 1e9:.1f} GB are free at {where}"
    if free >= _ENOUGH_FREE:
        return Finding("disk", "ok", detail)
    remedy = "free some space, or put LAKEHOUSE_HOME and XDG_CACHE_HOME on another disk"
    return Finding("disk", "warning" if free >= _LEAST_FREE else "broken", detail, remedy)


def look_at_environment() -> Finding:
    """Say whether all files of all installed packages are there."""
    command = [sys.executable, str(ROOT / "deploy" / "set_up.py"), "--root", str(ROOT), "--check"]
    problems: list[str] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    if problems:
        return Finding("environment", "broken", "; ".join(problems), "run `make setup`, which installs what is missing")
    return Finding("environment", "ok", f"{sys.prefix} is whole, Python {sys.version.split()[0]}")


def look_at_caches(cache: Path) -> Finding:
    """Say whether the engines' jars and the compiled plugin are there and whole."""
    broken = find_broken_tools(cache)
    if broken:
        named = ", ".join(str(path) for path in broken[:3])
        return Finding("caches", "broken", f"{len(broken)} missing or damaged: {named}", "run `make doctor`")
    return Finding("caches", "ok", f"jars and plugin in {cache} are whole")


def find_broken_tools(cache: Path) -> list[Path]:
    """Return the jars that lack or have another checksum, and a plugin that is no archive."""
    from local_workspace.engines.toolchain import locate_jars, locate_plugin, read_jar_list

    jars, plugin = locate_jars(cache), locate_plugin(cache)
    broken = [jars / jar.file_name for jar in read_jar_list() if _digest_of(jars / jar.file_name) != jar.sha256]
    return broken if zipfile.is_zipfile(plugin) else [*broken, plugin]


def mend_caches(cache: Path) -> None:
    """Remove what is damaged and make it again."""
    from local_workspace.engines.toolchain import ensure_toolchain, locate_jars, locate_plugin

    broken, jars = find_broken_tools(cache), locate_jars(cache)
    if any(path.parent == jars for path in broken):
        shutil.rmtree(jars, ignore_errors=True)
    if not zipfile.is_zipfile(locate_plugin(cache)):
        locate_plugin(cache).unlink(missing_ok=True)
    ensure_toolchain(cache, lambda text: print(text, file=sys.stderr))


def look_at_registries() -> Finding:
    """Say whether packages can be fetched: set-up needs it, and runs whose environment names packages."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "--no-cache", "--quiet", "-"]
    remedy = "set UV_DEFAULT_INDEX to your mirror, HTTPS_PROXY to your proxy, SSL_CERT_FILE to your authority"
    try:
        done = subprocess.run(
            command, input="pip", capture_output=True, text=True, timeout=_REGISTRY_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return Finding("registries", "warning", f"the package index gave no answer in {_REGISTRY_TIMEOUT_S} s", remedy)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1].strip()
        return Finding("registries", "warning", f"uv cannot ask the package index: {last}", remedy)
    return Finding("registries", "ok", "the package index answers")


def look_at_ports() -> Finding:
    """Say whether servers can listen on loopback."""
    try:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
    except OSError as error:
        remedy = "allow this user to listen on 127.0.0.1: a sandbox or a firewall forbids it"
        return Finding("ports", "broken", f"nothing can listen on 127.0.0.1: {error}", remedy)
    return Finding("ports", "ok", "a free port on 127.0.0.1 can be had")


def look_at_workspace(settings: Settings) -> Finding:
    """Say whether the local workspace answers, and whether its state can be read."""
    from local_workspace import lifecycle

    directory = lifecycle.workspace_home(settings.home, settings.workspace)
    if reason := _find_damage(directory.glob("*.sqlite")):
        remedy = f"`lakehouse local reset` starts over; a copy of {directory} keeps what there is"
        return Finding("workspace", "broken", reason, remedy)
    status = lifecycle.status(settings.workspace, settings.home)
    if status.state == "down":
        return Finding("workspace", "ok", f"'{settings.workspace}' is down; `lakehouse local up` starts it")
    if status.state in ("starting", "stopping"):
        return Finding("workspace", "warning", f"'{settings.workspace}' is {status.state}", "wait, then ask again")
    if status.state == "up" and lifecycle.is_answering(settings.workspace, settings.home):
        return Finding("workspace", "ok", f"'{settings.workspace}' is up, all engines answer")
    failures = [f"{engine.name}: {engine.last_failure}" for engine in status.engines if engine.last_failure]
    detail = f"'{settings.workspace}' is {status.state}; {'; '.join(failures) or 'its gateway gives no answer'}"
    return Finding("workspace", "broken", detail, "run `lakehouse local down`, then `lakehouse local up`")


def mend_workspace(settings: Settings) -> None:
    """Stop a workspace that does not answer and start it again; its state is kept."""
    from local_workspace import lifecycle

    if lifecycle.status(settings.workspace, settings.home).state == "down":
        return  # damaged state is a person's to give up
    try:
        lifecycle.down(settings.workspace, settings.home)
    except lifecycle.WorkspaceFailed as error:  # it did not end by itself and was killed, which is what was wanted
        print(error, file=sys.stderr)
    lifecycle.up(settings.workspace, settings.home, settings.cache_home, region=settings.target.region)


def look_at_instance(settings: Settings) -> Finding:
    """Say whether the Dagster instance can be read, and the project's own has the project's configuration."""
    home = settings.dagster_home
    if not home.exists():
        return Finding("dagster", "ok", f"no instance in {home} yet; `make run` and `make dev` make it")
    if reason := _find_damage(home.rglob("*.db")):
        return Finding("dagster", "broken", reason, f"move {home} away; runs are then listed from today on")
    own, wanted = home / _INSTANCE, (ROOT / "deploy" / _INSTANCE).read_text()
    if home.parent == settings.home and (not own.exists() or own.read_text() != wanted):
        return Finding("dagster", "broken", f"{own} is not deploy/{_INSTANCE}", "run `make doctor`, which copies it")
    return Finding("dagster", "ok", f"the instance in {home} can be read")


def mend_instance(settings: Settings) -> None:
    """Copy the project's configuration into the project's instance; databases are left alone."""
    if settings.dagster_home.parent == settings.home:
        shutil.copyfile(ROOT / "deploy" / _INSTANCE, settings.dagster_home / _INSTANCE)


def _find_damage(databases: Iterable[Path]) -> str | None:
    """Return what SQLite says of the first damaged database."""
    for path in sorted(databases):
        try:
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as connection:
                ((answer,), *_) = connection.execute("PRAGMA quick_check(1)").fetchall()
        except sqlite3.DatabaseError as error:
            answer = str(error)
        if answer != "ok":
            return f"{path} is damaged: {answer}"
    return None


def _digest_of(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest() if path.exists() else ""
