"""What a session may name is listed: no source, option, place, setting or command beside it, on any way in.

Each attempt is an analyst's, and each kind has a neighbour that works.
"""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from pyspark.errors import AnalysisException
from pyspark.errors.exceptions.connect import SparkConnectGrpcException
from pyspark.sql.connect.session import SparkSession

from lakehouse.targets import read_settings
from local_workspace import lifecycle
from local_workspace.engines.spark_session import session_url
from tests.local_workspace.conftest import WarmWorkspace
from tests.local_workspace.grants.probes import try_pieces
from tests.local_workspace.scratch import BOX_PATH, BUCKET, NAME, SHELF_PATH, TABLE, Scratch, run_sql

MAIN = f"{NAME}.main"
ONE = f"{SHELF_PATH}/one.txt"
S3 = f"s3://{BUCKET}/files/one.txt"
NO_TOKEN, LOCAL = "'fs.lakehouse.token'=''", "'fs.file.impl'='org.apache.hadoop.fs.LocalFileSystem'"
OPTION, SOURCE, FILE, SETTING = "Option", "Data source", "SELECT on any file", "Configuration"

# statement -> what the message names
STATEMENTS = {
    f"SELECT * FROM text.`file:/etc/hostname` WITH ({NO_TOKEN})": FILE,
    f"SELECT * FROM text.`file:/etc/hostname` WITH ({LOCAL})": FILE,
    f"SELECT * FROM text.`{ONE}` WITH ({NO_TOKEN})": OPTION,
    f"SELECT * FROM text.`{ONE}` WITH ({LOCAL})": OPTION,
    f"SELECT * FROM text.`{ONE}` WITH ('FS.File.Impl'='x')": OPTION,
    f"SELECT * FROM text.`{S3}` WITH ('fs.s3a.endpoint'='http://127.0.0.1:1')": OPTION,
    f"SELECT * FROM text.`{S3}` WITH ('fs.lakehouse.credential.url'='s3://{BUCKET}')": OPTION,
    f"SELECT * FROM text.`{S3}` WITH ('hadoop.security.credential.provider.path'='jceks://file/tmp/x')": OPTION,
    f"SELECT * FROM text.`{S3}` WITH ('io.compression.codecs'='java.lang.String')": OPTION,
    f"SELECT * FROM {TABLE} WITH ('fs.s3a.endpoint'='http://127.0.0.1:1')": OPTION,
    f"SELECT (SELECT max(value) FROM text.`{ONE}` WITH ({NO_TOKEN})) AS x": OPTION,
    f"WITH a AS (SELECT * FROM text.`{ONE}` WITH ({NO_TOKEN})) SELECT * FROM a": OPTION,
    f"SELECT * FROM VALUES (1) v(x) WHERE EXISTS (SELECT 1 FROM text.`{ONE}` WITH ({NO_TOKEN}))": OPTION,
    f"EXECUTE IMMEDIATE 'SELECT * FROM text.`{ONE}` WITH (''fs.lakehouse.token''='''')'": OPTION,
    f"BEGIN SELECT * FROM text.`{ONE}` WITH ({NO_TOKEN}); END": OPTION,
    f"CACHE TABLE c OPTIONS ({NO_TOKEN}) AS SELECT 1": OPTION,
    "INSERT OVERWRITE DIRECTORY USING text OPTIONS ('path' 'file:/tmp/x', 'fs.lakehouse.token' '') SELECT 'x'": "",
    "INSERT OVERWRITE DIRECTORY USING text OPTIONS ('path' 'file:/tmp/x') SELECT 'x'": FILE,
    "INSERT OVERWRITE LOCAL DIRECTORY '/tmp/x' USING text SELECT 'x'": "",
    "INSERT OVERWRITE DIRECTORY '/tmp/x' STORED AS TEXTFILE SELECT 'x'": "",
    f"CREATE TEMPORARY VIEW v USING text OPTIONS (path '{ONE}', {LOCAL.replace('=', ' ')})": OPTION,
    "CREATE TEMPORARY VIEW v USING text OPTIONS (path 'file:/etc/hostname')": FILE,
    "CREATE TEMPORARY VIEW v USING jdbc OPTIONS (url 'jdbc:derby:memory:x;create=true', dbtable 'x')": SOURCE,
    "CREATE TEMPORARY VIEW v USING org.apache.spark.sql.jdbc OPTIONS (url 'jdbc:derby:memory:x', dbtable 'x')": SOURCE,
    "CREATE TEMPORARY VIEW v USING org.apache.spark.sql.execution.datasources.text.TextFileFormat "
    "OPTIONS (path '/x')": SOURCE,
    "CREATE TEMPORARY VIEW v USING kafka OPTIONS (subscribe 'x')": SOURCE,
    "CREATE TEMPORARY VIEW v USING socket OPTIONS (host 'x', port '1')": SOURCE,
    "SELECT * FROM org.apache.spark.sql.execution.datasources.text.TextFileFormat.`/etc/hostname`": "",
    "SELECT * FROM jdbc.`jdbc:derby:memory:x`": SOURCE,
    f"CREATE TABLE {MAIN}.t (a INT) USING jdbc OPTIONS (url 'jdbc:derby:memory:x', dbtable 'x')": SOURCE,
    f"CREATE TABLE {MAIN}.t (a INT) USING delta OPTIONS ('fs.s3a.endpoint' 'x')": OPTION,
    f"CREATE TABLE {MAIN}.t (a INT) TBLPROPERTIES ('option.fs.s3a.endpoint'='x')": OPTION,
    f"CREATE TABLE {MAIN}.t (a INT) TBLPROPERTIES ('fs.s3a.endpoint'='x')": "Table property",
    f"ALTER TABLE {TABLE} SET TBLPROPERTIES ('fs.s3a.endpoint'='x')": "Table property",
    f"CREATE TABLE {MAIN}.t (a INT) LOCATION 'file:/tmp/x'": FILE,
    "SELECT * FROM text.`http://127.0.0.1:1/`": FILE,
    "SELECT * FROM text.`hdfs://127.0.0.1:1/x`": FILE,
    "SELECT * FROM text.`viewfs://x/etc`": FILE,
    "SELECT * FROM text.`har://file-localhost/x.har`": FILE,
    "SELECT * FROM text.`FILE:///etc/hostname`": FILE,
    "SELECT * FROM binaryFile.`file:/etc/hostname`": FILE,
    "DESCRIBE DETAIL delta.`file:/tmp`": "any file",
    "DESCRIBE HISTORY 'file:/tmp'": "any file",
    "VACUUM 'file:/tmp'": "any file",
    "CONVERT TO DELTA parquet.`file:/tmp`": "any file",
    "OPTIMIZE 'file:/tmp'": "any file",
    "LOAD DATA LOCAL INPATH '/etc/hostname' INTO TABLE x": "",
    "SET fs.lakehouse.token = ": SETTING,
    "SET spark.jars = /tmp/x.jar": SETTING,
    "SET spark.sql.extensions = x": SETTING,
    "SET spark.sql.streaming.checkpointLocation = file:/tmp": SETTING,
    "SET spark.databricks.delta.logStore.class = x": SETTING,
    "SET spark.sql.sources.commitProtocolClass = x": SETTING,
    "SET spark.sql.parquet.output.committer.class = x": SETTING,
    "SET spark.hadoop.fs.file.impl = x": SETTING,
    "SET spark.sql.variable.substitute = true": SETTING,
    "SET spark.sql.execution.pyspark.python = /bin/sh": SETTING,
}


def message_of(workspace: WarmWorkspace, scratch: Scratch, role: str, text: str) -> str:
    statements = workspace.client(role).statement_execution
    answer = statements.execute_statement(text, scratch.warehouse, wait_timeout="50s")
    assert answer.status is not None
    return str(answer.status.error.message) if answer.status.error else "SUCCEEDED"


@pytest.mark.parametrize("text", STATEMENTS)
def test_a_statement_names_nothing_that_is_closed(workspace: WarmWorkspace, scratch: Scratch, text: str) -> None:
    message = message_of(workspace, scratch, "analyst", text)
    assert message != "SUCCEEDED"
    assert STATEMENTS[text] in message
    for noise in ("NullPointerException", "INTERNAL_ERROR", "ClassNotFoundException"):
        assert noise not in message


def test_a_bad_source_in_a_script_is_named(workspace: WarmWorkspace, scratch: Scratch) -> None:
    message = message_of(workspace, scratch, "analyst", "BEGIN SELECT * FROM nosuch.`/Volumes/x`; END")
    assert "Data source nosuch is not available" in message


OPEN = {
    f"SELECT * FROM text.`{ONE}` WITH ('wholetext'='true')": [["one\n"]],
    f"SELECT * FROM csv.`{ONE}` WITH (header 'false', sep ';')": [["one"]],
    f"SELECT count(*) FROM {TABLE} WITH ('versionAsOf'='0')": [["5"]],
}


@pytest.mark.parametrize("text", OPEN)
def test_listed_options_work(workspace: WarmWorkspace, scratch: Scratch, text: str) -> None:
    assert run_sql(workspace, "analyst", text) == OPEN[text]


def test_text_is_no_way_to_the_servers_variables(workspace: WarmWorkspace, scratch: Scratch) -> None:
    """Once `${system:...}` told every reader the secret by which the gateway knows Spark."""
    named = "'${system:java.io.tmpdir}', '${env:PATH}', '${spark.master}'"
    [row] = run_sql(workspace, "analyst", f"SELECT {named}")
    assert row == ["${system:java.io.tmpdir}", "${env:PATH}", "${spark.master}"]


def test_what_the_server_knows_is_on_no_command_line(workspace: WarmWorkspace, scratch: Scratch) -> None:
    settings = read_settings()
    engines = lifecycle.status(settings.workspace, settings.home).engines
    pid = next(one.pid for one in engines if one.name == "spark")
    arguments = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    assert any("ConnectServer" in one for one in arguments)
    assert not [one for one in arguments if "secret" in one or "token" in one]


def test_a_session_without_a_token_calls_no_java(workspace: WarmWorkspace, scratch: Scratch) -> None:
    """Whoever reaches the port opens one: once it read the server's variables, and could have ended it."""
    settings = read_settings()
    address = lifecycle.up(settings.workspace, settings.home, settings.cache_home).spark_connect
    session = SparkSession(connection=session_url(address, workspace.name("deployer"), str(uuid.uuid4())))
    try:
        for function in ("try_reflect", "java_method"):
            with pytest.raises((SparkConnectGrpcException, AnalysisException), match="Java methods are not served"):
                session.sql(f"SELECT {function}('java.lang.System', 'getenv', 'PATH')").collect()
    finally:
        session.stop()


def test_keys_that_no_path_can_name_are_named(workspace: WarmWorkspace, scratch: Scratch) -> None:
    """Once `..` in a key made a folder its own child, listed until the stack was full."""
    s3, folder = workspace.aws("s3"), f"{scratch.box_url.partition(BUCKET + '/')[2]}/odd"
    for key in ("odd/../b", "odd/sub/../../b", f"{folder}/../b", "even/b"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"1\n")
    for place in (f"s3://{BUCKET}/odd", f"{BOX_PATH}/odd", f"s3://{BUCKET}", f"s3://{BUCKET}/"):
        message = message_of(workspace, scratch, "analyst", f"SELECT count(*) FROM text.`{place}`")
        assert "holds an object whose key has the segment '..'" in message, place
    for key in ("odd/../b", "odd/sub/../../b", f"{folder}/../b"):
        s3.delete_object(Bucket=BUCKET, Key=key)
    assert run_sql(workspace, "analyst", f"SELECT count(*) FROM text.`s3://{BUCKET}/even`") == [["1"]]


PIECES = {
    "option": f"spark.read.option('fs.lakehouse.token', '').text('{ONE}').count()",
    "option on a table": f"spark.read.option('fs.s3a.endpoint', 'x').table('{TABLE}').count()",
    "class": f"spark.read.option('fs.dbfs.impl', 'org.apache.hadoop.fs.LocalFileSystem').text('{ONE}').count()",
    "new scheme": "spark.read.option('fs.x.impl', 'org.apache.hadoop.fs.RawLocalFileSystem').text('x:///etc/hostname').count()",
    "unknown scheme": "spark.read.text('x:///etc/hostname').count()",
    "jdbc": "spark.read.jdbc('jdbc:derby:memory:x;create=true', 'sys.systables').count()",
    "jdbc write": "spark.range(1).write.jdbc('jdbc:derby:memory:x;create=true', 't')",
    "jdbc format": "spark.read.format('jdbc').options(url='jdbc:derby:memory:x', dbtable='x').load().count()",
    "class name": "spark.read.format('org.apache.spark.sql.execution.datasources.text.TextFileFormat').load('/x')",
    "write": f"spark.range(1).write.option('fs.lakehouse.token', '').json('{BOX_PATH}/closed')",
    "writeTo": f"spark.range(1).writeTo('{MAIN}.closed').option('fs.s3a.endpoint', 'x').create()",
    "property": f"spark.range(1).writeTo('{MAIN}.closed').tableProperty('fs.s3a.endpoint', 'x').create()",
    "provider": f"spark.range(1).writeTo('{MAIN}.closed').using('jdbc').create()",
    "stream": "spark.readStream.format('socket').options(host='127.0.0.1', port='1').load().isStreaming",
    "stream option": f"spark.readStream.option('fs.lakehouse.token', '').text('{SHELF_PATH}').isStreaming",
    "checkpoint": "spark.readStream.format('rate').load().writeStream.format('console')"
    ".option('checkpointLocation', 'file:/tmp/x').start()",
    "sink": "spark.readStream.format('rate').load().writeStream.format('kafka').start()",
    "expression": f'spark.range(1).select(F.expr("(SELECT max(value) FROM text.`{ONE}` '
    "WITH ('fs.lakehouse.token'=''))\")).collect()",
    "setting": "spark.conf.set('fs.file.impl', 'org.apache.hadoop.fs.LocalFileSystem')",
    "token": "spark.conf.set('fs.lakehouse.token', ' ')",
    "unset": "spark.conf.unset('fs.lakehouse.token')",
    "default": "spark.conf.set('fs.defaultFS', 'file:///')",
    "catalog": "spark.conf.set('spark.sql.catalog.mine', 'org.apache.spark.sql.delta.catalog.DeltaCatalog')",
    "catalog table": f"spark.catalog.createTable('{MAIN}.closed', path='file:/etc', source='text')",
}


def test_a_run_names_nothing_that_is_closed(workspace: WarmWorkspace, scratch: Scratch) -> None:
    imported = {name: f"from pyspark.sql import functions as F\nresult = {code}" for name, code in PIECES.items()}
    for name, outcome in try_pieces(workspace, "pipeline", imported).items():
        assert "is not available" in outcome or "SELECT on any file" in outcome, (name, outcome)


def test_a_session_without_a_token_reads_nothing(workspace: WarmWorkspace, scratch: Scratch) -> None:
    code = f"""
import uuid
from pyspark.sql.connect.session import SparkSession
from local_workspace.serverless_runtime import session
from local_workspace.engines.spark_session import session_url
own = SparkSession(connection=session_url(session._assignment.spark_url, 'x', str(uuid.uuid4())))
tried = []
for path in ('file:/etc/hostname', '{S3}', '{ONE}'):
    try:
        tried.append(own.read.text(path).count())
    except Exception as error:
        tried.append('denied' if 'token' in str(error) or 'any file' in str(error) else str(error))
result = tried
"""
    outcome = try_pieces(workspace, "pipeline", {"own": code})["own"]
    assert outcome == repr(["denied"] * 3)
