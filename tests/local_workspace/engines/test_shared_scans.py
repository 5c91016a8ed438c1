"""What is remembered of a table's files is of one version: each reader sees what was written last, with filters too."""

from __future__ import annotations

import pytest

from tests.local_workspace.conftest import WarmWorkspace
from tests.local_workspace.scratch import NAME, Scratch, run_sql

TABLE = f"{NAME}.main.scanned"
ROWS = 30
KINDS = {
    "of two files": ("", 2),
    "of many files": ("", 10),  # more than are read whatever the filter
    "by partition": ("PARTITIONED BY (part)", 2),
}
QUERY = f"""
SELECT (SELECT count(*) FROM {TABLE}), (SELECT sum(id) FROM {TABLE} WHERE part = 1),
       (SELECT count(*) FROM {TABLE} WHERE part = 1 AND id < 15), (SELECT max(id) FROM {TABLE} WHERE part = 1 LIMIT 1)
"""


@pytest.mark.parametrize(("partitioning", "files"), KINDS.values(), ids=KINDS)
def test_every_reader_sees_the_last_version(
    workspace: WarmWorkspace, scratch: Scratch, partitioning: str, files: int
) -> None:
    rows = f"SELECT /*+ REPARTITION({files}) */ id, id DIV 10 AS part FROM range({ROWS})"
    versions = {
        f"CREATE TABLE {TABLE} {partitioning} AS {rows}": ["30", "145", "5", "19"],
        f"DELETE FROM {TABLE} WHERE id = 12": ["29", "133", "4", "19"],
        f"INSERT INTO {TABLE} VALUES (12, 1)": ["30", "145", "5", "19"],
    }
    for change, expected in versions.items():
        run_sql(workspace, "deployer", change)
        assert run_sql(workspace, "deployer", QUERY) == [expected], change
    run_sql(workspace, "deployer", f"GRANT SELECT ON TABLE {TABLE} TO analysts")
    assert run_sql(workspace, "analyst", QUERY) == [expected]
    before = f"SELECT sum(id) FROM {TABLE} VERSION AS OF 1 WHERE part = 1"
    assert run_sql(workspace, "analyst", before) == [["133"]]
    run_sql(workspace, "deployer", f"DROP TABLE {TABLE}")
