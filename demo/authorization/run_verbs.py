"""Verbs inside a serverless run: Spark tables and paths, Python files, dbutils. One run per role tries them all."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from datetime import timedelta

from demo.authorization.roles import Role
from demo.authorization.rule import Rule
from demo.authorization.stage import FILE, Stage
from demo.authorization.workspace_objects import KEY, VALUE
from demo.failures import DemoFailed

WAYS = ("Spark", "Python")
# (way, verb) -> an expression; `new` is a name of the run's own.
CODE: dict[tuple[str, str], str] = {
    ("Spark", "read"): "spark.table('{name}').count() >= 1",
    ("Spark", "append to"): "spark.range(1).writeTo('{name}').append()",
    ("Spark", "create a table in"): "spark.range(1).writeTo('{name}.{new}').create()",
    ("Spark", "call"): "spark.sql('SELECT {name}(1)').first()[0] == 2",
    ("Spark", "read files of"): "spark.read.text('{path}/{file}').first().value == 'one'",
    ("Spark", "write files to"): "spark.range(1).write.mode('overwrite').parquet('{path}/{new}')",
    ("Python", "open a file of"): "open('{path}/{file}').read() == 'one\\n'",
    ("Python", "write a file to"): "open('{path}/{new}', 'w').write('one') == 3",
    ("Python", "read a secret of"): "dbutils.secrets.get('{name}', '{key}') == '{value}'",
    ("Python", "list with dbutils"): "'{file}' in [one.name for one in dbutils.fs.ls('{path}')]",
}
# Runs on the worker: each piece ends as the repr of its value, or as `Type: message` of its error.
SOURCE = """
import json
ended = {}
for name, code in pieces.items():
    try:
        ended[name] = repr(eval(code))
    except Exception as error:
        ended[name] = f"{type(error).__name__}: {error}".partition("JVM stacktrace:")[0]
print("ENDED" + json.dumps(ended))
"""


def write_code(stage: Stage, role: Role, rule: Rule) -> str:
    """Return the expression that tries the rule."""
    path = stage.files if rule.target == "location" else ""
    if "volume" in rule.target:
        path = stage.path(rule.target)
    name = stage.names[rule.target]
    parts = {"name": name, "path": path, "file": FILE, "key": KEY, "value": VALUE, "new": f"run_{role.name}"}
    return CODE[rule.way, rule.verb].format(**parts)


def run_pieces(stage: Stage, role: Role, rules: Sequence[Rule]) -> Mapping[str, str]:
    """Try the rules in one run of the role; return by rule name how each ended.

    Raises:
        DemoFailed: the run did not get to its end.
    """
    from databricks.sdk.service.compute import Environment
    from databricks.sdk.service.jobs import JobEnvironment, SparkPythonTask, SubmitTask

    client, path = stage.clients[role.name], f"{stage.path('scripts')}/{role.name}.py"
    pieces = {rule.name: write_code(stage, role, rule) for rule in rules}
    stage.maker.files.upload(path, io.BytesIO(f"pieces = {pieces!r}\n{SOURCE}".encode()), overwrite=True)
    task = SubmitTask("pieces", spark_python_task=SparkPythonTask(path), environment_key="default")
    environments = [JobEnvironment("default", Environment(environment_version="4"))]
    run = client.jobs.submit(tasks=[task], environments=environments, run_name=f"matrix {role.name}").result(
        timeout=timedelta(minutes=5)
    )
    output = client.jobs.get_run_output(int((run.tasks or [])[0].run_id or 0))
    _, found, ended = (output.logs or "").partition("ENDED")
    if not found:
        raise DemoFailed(f"The run of {role.name} did not end: {output.error or output.logs}")
    outcomes: dict[str, str] = json.loads(ended)
    return outcomes
