"""Grants inside serverless runs: Spark tables and paths, streams, Python files, dbutils. Each allow with its deny."""

from __future__ import annotations

import io
import re

import pytest

from tests.local_workspace.conftest import WarmWorkspace
from tests.local_workspace.grants.probes import try_pieces
from tests.local_workspace.scratch import (
    BOX,
    BOX_PATH,
    BUCKET,
    EXTERNAL,
    NAME,
    SECRET,
    SHELF,
    SHELF_PATH,
    TABLE,
    VIEW,
    Scratch,
    run_sql,
)

MAIN = f"{NAME}.main"
SELECT, MODIFY = f"SELECT on Table '{TABLE}'", f"MODIFY on Table '{TABLE}'"
READ_FILES = f"READ FILES on External Location '{NAME}'"
READ_BOX, WRITE_BOX = f"READ VOLUME on Volume '{BOX}'", f"WRITE VOLUME on Volume '{BOX}'"
ONE = f"{SHELF_PATH}/one.txt"
STREAM = f"""
query = (spark.readStream.table('{TABLE}').writeStream.trigger(availableNow=True)
         .option('checkpointLocation', '{BOX_PATH}/checkpoints/COPY').toTable('{MAIN}.COPY'))
query.awaitTermination()
result = spark.table('{MAIN}.COPY').count()
"""

# name -> (code, what it gives to whom may, the role that may, the role that may not, what that one is told)
READS = {
    "table": (f"spark.table('{TABLE}').count()", "5", SELECT),
    "sql": (f"spark.sql('SELECT max(id) AS top FROM {TABLE}').first().top", "4", SELECT),
    "external table": (f"spark.read.table('{EXTERNAL}').count()", "4", f"SELECT on Table '{EXTERNAL}'"),
    "view": (f"spark.table('{VIEW}').count()", "2", f"SELECT on Table '{VIEW}'"),
    "stream": (
        f"query = spark.readStream.table('{TABLE}').writeStream.format('memory').queryName('m')"
        ".trigger(availableNow=True).start()\nquery.awaitTermination()\nresult = spark.table('m').count()",
        "5",
        SELECT,
    ),
    "s3 path": (f"spark.read.text('s3://{BUCKET}/files/one.txt').count()", "1", READ_FILES),
    "spark volume": (f"spark.read.text('{ONE}').first().value", "'one'", "READ VOLUME on Volume"),
    "spark volume as a whole": (
        f"spark.read.option('recursiveFileLookup', True).text('{SHELF_PATH}').count()",
        "1",
        f"READ VOLUME on Volume '{SHELF}'",
    ),
    "open": (f"open('{ONE}').read()", r"'one\n'", f"READ VOLUME on Volume '{SHELF}'"),
    "os": (f"os.listdir('{SHELF_PATH}')", "['one.txt']", f"READ VOLUME on Volume '{SHELF}'"),
    "pathlib": (f"pathlib.Path('{ONE}').stat().st_size", "4", f"READ VOLUME on Volume '{SHELF}'"),
    "shutil": (f"shutil.copy('{ONE}', 'here') and open('here').read()", r"'one\n'", "READ VOLUME on Volume"),
    "dbutils ls": (f"dbutils.fs.ls('{SHELF_PATH}')[0].name", "'one.txt'", f"READ VOLUME on Volume '{SHELF}'"),
    "dbutils head": (f"dbutils.fs.head('{ONE}', 3)", "'one'", f"READ VOLUME on Volume '{SHELF}'"),
    "dbutils s3": (f"dbutils.fs.ls('s3://{BUCKET}/files/')[0].size", "4", READ_FILES),
}
WRITES = {
    "insert": (f"spark.sql('INSERT INTO {TABLE}_copy VALUES (9)').collect()", "[]", f"MODIFY on Table '{TABLE}_copy'"),
    "writeTo": (f"spark.range(2).writeTo('{TABLE}_copy').append()", "None", f"MODIFY on Table '{TABLE}_copy'"),
    "merge": (
        f"spark.sql('MERGE INTO {TABLE}_copy t USING (SELECT 9L AS id) s ON t.id = s.id WHEN MATCHED THEN DELETE')"
        ".first().num_deleted_rows",
        "1",
        f"MODIFY on Table '{TABLE}_copy'",
    ),
    "create": (f"spark.range(1).writeTo('{MAIN}.run_made').create()", "None", f"CREATE TABLE on Schema '{MAIN}'"),
    "saveAsTable": (
        f"spark.range(1).write.saveAsTable('{MAIN}.saved')",
        "None",
        f"CREATE TABLE on Schema '{MAIN}'",
    ),
    "stream": (STREAM.replace("COPY", "streamed"), "5", f"CREATE TABLE on Schema '{MAIN}'|{WRITE_BOX}"),
    "s3 path": (f"spark.range(3).write.parquet('s3://{BUCKET}/files/p')", "None", "WRITE FILES on External Location"),
    "spark volume": (f"spark.range(3).write.parquet('{BOX_PATH}/p')", "None", WRITE_BOX),
    "open": (f"open('{BOX_PATH}/x', 'w').write('abc')", "3", WRITE_BOX),
    "mkdir": (f"os.makedirs('{BOX_PATH}/d/e')", "None", WRITE_BOX),
    "remove": (f"os.remove('{BOX_PATH}/x')", "None", WRITE_BOX),
    "dbutils put": (f"dbutils.fs.put('{BOX_PATH}/y', 'text')", "True", WRITE_BOX),
    "dbutils cp": (
        f"dbutils.fs.cp('s3://{BUCKET}/files/one.txt', '{BOX_PATH}/z')",
        "True",
        f"{WRITE_BOX}",
    ),
    "dbutils s3, key of any letters": (
        f"(dbutils.fs.put('s3://{BUCKET}/files/odd/a#b%20c.txt', '12', True), "
        f"dbutils.fs.head('s3://{BUCKET}/files/odd/a#b%20c.txt'), dbutils.fs.ls('s3://{BUCKET}/files/odd')[0].name)",
        "(True, '12', 'a#b%20c.txt')",
        "WRITE FILES on External Location",
    ),
    "dbutils rm": (f"dbutils.fs.rm('{BOX_PATH}/doomed')", "True", WRITE_BOX),
}


@pytest.fixture(scope="module")
def reads(workspace: WarmWorkspace, scratch: Scratch) -> dict[str, dict[str, str]]:
    codes = {name: code for name, (code, _, _) in READS.items()}
    return {role: try_pieces(workspace, role, codes) for role in ("analyst", "outsider")}


@pytest.fixture(scope="module")
def writes(workspace: WarmWorkspace, scratch: Scratch) -> dict[str, dict[str, str]]:
    run_sql(workspace, "pipeline", f"CREATE TABLE {TABLE}_copy AS SELECT * FROM {TABLE}")
    workspace.client("pipeline").files.upload(f"{BOX_PATH}/doomed", io.BytesIO(b""))
    codes = {name: code for name, (code, _, _) in WRITES.items()}
    return {role: try_pieces(workspace, role, codes) for role in ("analyst", "pipeline")}


@pytest.mark.parametrize("name", READS)
def test_a_reader_reads_and_its_neighbour_is_refused(
    workspace: WarmWorkspace, reads: dict[str, dict[str, str]], name: str
) -> None:
    _, value, missing = READS[name]
    assert reads["analyst"][name] == value
    assert_refused(workspace, "outsider", reads["outsider"][name], missing)


@pytest.mark.parametrize("name", WRITES)
def test_a_writer_writes_and_a_reader_is_refused(
    workspace: WarmWorkspace, writes: dict[str, dict[str, str]], name: str
) -> None:
    _, value, missing = WRITES[name]
    assert writes["pipeline"][name] == value
    assert_refused(workspace, "analyst", writes["analyst"][name], missing)


def assert_refused(workspace: WarmWorkspace, role: str, outcome: str, missing: str) -> None:
    assert re.search(f"User does not have ({missing})", outcome), outcome
    assert f"The user is '{workspace.name(role)}'." in outcome


def test_storage_of_tables_and_volumes_opens_by_name_only(workspace: WarmWorkspace, scratch: Scratch) -> None:
    """The pipeline may read and write all files of the location, the table and the volume, and yet not by path."""
    pieces = {
        "beside first": f"spark.read.text('s3://{BUCKET}/files/one.txt').count()",
        "table": f"spark.read.format('delta').load('{scratch.table_url}').count()",
        "table files": f"spark.read.parquet('{scratch.table_url}').count()",
        "managed volume": f"spark.read.text('{scratch.box_url}').count()",
        "external volume": f"spark.read.text('s3://{BUCKET}/shelf/one.txt').count()",
        "write": f"spark.range(1).write.format('delta').mode('append').save('{scratch.table_url}')",
        "from above": f"spark.read.option('recursiveFileLookup', True).text('s3://{BUCKET}/').count()",
        "dbutils": f"dbutils.fs.ls('{scratch.box_url}')",
        "direct": f"spark.sql('SELECT * FROM delta.`{scratch.table_url}`').count()",
    }
    outcomes = try_pieces(workspace, "pipeline", pieces)
    assert outcomes["beside first"] == "1"
    for name in ("table", "table files", "managed volume", "write", "direct"):
        assert re.search(r"belongs to (Table|Volume)", outcomes[name]), (name, outcomes[name])
    for name in ("external volume", "dbutils"):
        assert "belongs to Volume" in outcomes[name], (name, outcomes[name])
    assert "belongs to" in outcomes["from above"] or "lies in managed storage" in outcomes["from above"], outcomes


def test_the_disk_of_the_machine_is_closed_to_spark(workspace: WarmWorkspace, scratch: Scratch) -> None:
    pieces = {
        "read": "spark.read.text('file:/etc/hostname').count()",
        "write": "spark.range(1).write.json('file:/tmp/some')",
        "link": "os.symlink('/etc', 'link') or spark.read.text(f'file:{os.getcwd()}/link/hostname').count()",
        "stream": "spark.readStream.text('file:/etc').writeStream.format('memory').queryName('etc')"
        ".trigger(availableNow=True).start().awaitTermination()",
    }
    for outcome in try_pieces(workspace, "deployer", pieces).values():
        assert f"User '{workspace.name('deployer')}' does not have SELECT on any file" in outcome


def test_sessions_of_two_principals_share_nothing(workspace: WarmWorkspace, scratch: Scratch) -> None:
    leave = {
        "view": f"spark.table('{TABLE}').createOrReplaceTempView('shared')",
        "global": f"spark.table('{TABLE}').createOrReplaceGlobalTempView('shared')",
        "setting": "spark.conf.set('spark.sql.shuffle.partitions', '77')",
        "who": "spark.sql('SELECT current_user() AS me').first().me",
        "nowhere": "spark.sql('CREATE TABLE loose (id INT)')",
        "saved nowhere": "spark.range(3).write.saveAsTable('loose')",
        "schema": "spark.sql('CREATE SCHEMA loose')",
        "function": "spark.sql(\"CREATE FUNCTION loose AS 'org.example.Loose'\")",
    }
    look = {
        "view": "spark.table('shared').count()",
        "global": "spark.table('global_temp.shared').count()",
        "setting": "spark.conf.get('spark.sql.shuffle.partitions')",
        "who": leave["who"],
        "secret": f"spark.table('{SECRET}').count()",
    }
    left, seen = try_pieces(workspace, "analyst", leave), try_pieces(workspace, "outsider", look)
    assert left["who"] == repr(workspace.name("analyst"))
    assert seen["who"] == repr(workspace.name("outsider"))
    assert "TABLE_OR_VIEW_NOT_FOUND" in seen["view"]
    assert "UNSUPPORTED_FEATURE" in left["global"], left["global"]
    assert "TABLE_OR_VIEW_NOT_FOUND" in seen["global"], seen["global"]
    for name in ("nowhere", "saved nowhere", "schema", "function"):
        assert "UNSUPPORTED_FEATURE" in left[name], left[name]
    assert seen["setting"] == "'1'", "the server's own"
    assert f"SELECT on Table '{SECRET}'" in seen["secret"]


def test_the_sql_of_unity_catalog_works_in_runs(workspace: WarmWorkspace, scratch: Scratch) -> None:
    pieces = {
        "use": f"spark.sql('USE CATALOG {NAME}')\nspark.sql('USE main')\nresult = spark.table('numbers').count()",
        "volumes": "[row.volume_name for row in spark.sql('SHOW VOLUMES IN main').collect()]",
        "catalogs": f"'{NAME}' in [row.catalog for row in spark.sql('SHOW CATALOGS').collect()]",
        "create": "spark.sql('CREATE VOLUME IF NOT EXISTS main.of_run').collect()",
        "grant": "spark.sql('GRANT READ VOLUME ON VOLUME main.of_run TO analysts').collect()",
        "granted": "spark.sql('SHOW GRANTS ON VOLUME main.of_run').first().ActionType",
        "drop": "spark.sql('DROP VOLUME main.of_run').collect()",
        "refused": f"spark.sql('GRANT SELECT ON TABLE {TABLE} TO analysts')",
        "wrong": "spark.sql('GRANT SELECT TO nobody')",
        "delta": f"spark.sql('DESCRIBE HISTORY {TABLE}_history LIMIT 1').first().version",
        "parameters": "spark.sql('SELECT :n AS n', {'n': 4}).first().n",
    }
    run_sql(workspace, "pipeline", f"CREATE TABLE {TABLE}_history AS SELECT 1 AS id")
    outcomes = try_pieces(workspace, "pipeline", pieces)
    assert outcomes.pop("refused").startswith("AnalysisException: [INSUFFICIENT_PERMISSIONS]")
    assert outcomes.pop("wrong").startswith("AnalysisException: [PARSE_SYNTAX_ERROR]")
    assert outcomes == {
        "use": "5",
        "volumes": "['box', 'scripts', 'shelf']",
        "catalogs": "True",
        "create": "[]",
        "grant": "[]",
        "granted": "'READ VOLUME'",
        "drop": "[]",
        "delta": "0",
        "parameters": "4",
    }
