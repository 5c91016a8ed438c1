"""JARs: the same source is the same file, however it is built; what does not compile says why."""

from __future__ import annotations

import io
import shutil
import zipfile
from pathlib import Path

import pytest

from lakehouse.jars import HELLO_SPARK, BuildFailed, Jar, build_jar, build_with_maven, choose_build
from lakehouse.targets import read_settings

CACHE = read_settings().cache_home
MAVEN = shutil.which("mvn")
CLASS = "com/example/HelloSpark.class"


def copy_project(folder: Path) -> Jar:
    shutil.copytree(HELLO_SPARK.project, folder, ignore=shutil.ignore_patterns("target"))
    return Jar(HELLO_SPARK.name, folder, HELLO_SPARK.main_class)


def read_names(jar: bytes) -> list[str]:
    return zipfile.ZipFile(io.BytesIO(jar)).namelist()


def test_the_same_source_makes_the_same_bytes(tmp_path: Path) -> None:
    elsewhere = copy_project(tmp_path / "copy")
    assert elsewhere.file_name == HELLO_SPARK.file_name
    built = build_jar(HELLO_SPARK, CACHE)
    assert built == build_jar(elsewhere, CACHE)
    assert read_names(built) == ["META-INF/MANIFEST.MF", CLASS]


@pytest.mark.skipif(MAVEN is None, reason="Maven is not installed")
def test_maven_builds_the_same_classes_reproducibly() -> None:
    assert MAVEN is not None
    built = build_with_maven(HELLO_SPARK, MAVEN)
    assert built == build_with_maven(HELLO_SPARK, MAVEN)
    assert CLASS in read_names(built)


def test_another_source_is_another_file(tmp_path: Path) -> None:
    changed = copy_project(tmp_path / "copy")
    (source,) = (changed.project / "src").rglob("*.java")
    source.write_text(source.read_text().replace("100", "200"))
    assert changed.file_name != HELLO_SPARK.file_name
    assert changed.file_name.startswith("hello-spark-1.0+")


def test_a_process_builds_the_same_source_once_and_a_changed_one_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[str] = []
    monkeypatch.setattr("lakehouse.jars.choose_build", lambda cache: lambda jar: built.append(jar.digest) or b"")
    project = copy_project(tmp_path / "copy").project
    for extra in ("", "// changed"):
        (source,) = (project / "src").rglob("*.java")
        source.write_text(source.read_text() + extra)
        for _ in range(2):
            build_jar(Jar(HELLO_SPARK.name, project, HELLO_SPARK.main_class), CACHE)
    assert len(built) == len(set(built)) == 2


def test_what_does_not_compile_says_where(tmp_path: Path) -> None:
    broken = copy_project(tmp_path / "copy")
    (source,) = (broken.project / "src").rglob("*.java")
    source.write_text(source.read_text().replace("SparkSession spark", "Nothing spark"))
    with pytest.raises(BuildFailed, match=r"hello-spark does not build(.|\n)*Nothing cannot be resolved"):
        build_jar(broken, CACHE)


def test_maven_where_the_compiler_is_not_and_a_remedy_where_neither_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[str] = []
    monkeypatch.setattr("lakehouse.jars.shutil.which", lambda name: "/opt/mvn")
    monkeypatch.setattr("lakehouse.jars.build_with_maven", lambda jar, maven: used.append(maven) or b"")
    choose_build(tmp_path)(HELLO_SPARK)
    assert used == ["/opt/mvn"]
    monkeypatch.setattr("lakehouse.jars.shutil.which", lambda name: None)
    with pytest.raises(BuildFailed, match="make setup"):
        choose_build(tmp_path)
