"""A Java project of one class, as small as the build takes it."""

from __future__ import annotations

from pathlib import Path

from lakehouse.jars import Jar, build_jar
from lakehouse.targets import read_settings


def build_class(directory: Path, name: str, code: str) -> bytes:
    """Write the project of a class of that full name and return its JAR."""
    source = directory / "src/main/java" / f"{name.replace('.', '/')}.java"
    source.parent.mkdir(parents=True)
    source.write_text(code)
    (directory / "pom.xml").write_text("")
    return build_jar(Jar(name.rpartition(".")[2].lower(), directory, name), read_settings().cache_home)
