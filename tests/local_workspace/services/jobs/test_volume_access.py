"""/Volumes inside a run: open, os, pathlib, shutil, pandas and dbutils.fs work as on a mount, with the run's rights."""

from __future__ import annotations

import pytest
from databricks.sdk import WorkspaceClient

from tests.local_workspace.services.jobs.harness import VOLUME, Ended, JobsServer, script_task, submit, wait_for_run


def run_code(server: JobsServer, client: WorkspaceClient, code: str) -> Ended:
    return wait_for_run(client, submit(client, script_task(server.add_script("code.py", f"V = '{VOLUME}'\n{code}"))))


def logs(ended: Ended) -> str:
    output = ended.output()
    assert output.error is None, output.error_trace
    return output.logs or ""


def test_files_are_written_read_and_listed(jobs_server: JobsServer, client: WorkspaceClient) -> None:
    code = """
import os, pathlib, shutil, json
with open(f'{V}/w/a.txt', 'w') as f:
    f.write('one\\ntwo\\n')
print(open(f'{V}/w/a.txt').read().split(), os.path.getsize(f'{V}/w/a.txt'))
p = pathlib.Path(V) / 'w' / 'b.bin'
p.write_bytes(bytes(range(200)))
with p.open('rb') as f:
    f.seek(-2, 2); print(f.read()); f.seek(10); print(f.read(3))
shutil.copy(f'{V}/w/a.txt', f'{V}/w/c.txt')
shutil.copy(f'{V}/w/a.txt', 'local.txt'); print(open('local.txt').readline().strip())
shutil.move('local.txt', f'{V}/w/d.txt'); print(os.path.exists('local.txt'))
os.rename(f'{V}/w/d.txt', f'{V}/w/e.txt')
print(sorted(os.listdir(f'{V}/w')), sorted(x.name for x in (pathlib.Path(V) / 'w').glob('*.txt')))
os.remove(f'{V}/w/e.txt'); print(os.path.exists(f'{V}/w/e.txt'), os.path.isdir(f'{V}/w'), os.path.isfile(f'{V}/w'))
os.makedirs(f'{V}/w', exist_ok=True)
shutil.rmtree(f'{V}/w'); print(os.path.exists(f'{V}/w'))
"""
    assert logs(run_code(jobs_server, client, code)).splitlines() == [
        "['one', 'two'] 8",
        r"b'\xc6\xc7'",
        r"b'\n\x0b\x0c'",
        "one",
        "False",
        "['a.txt', 'b.bin', 'c.txt', 'e.txt'] ['a.txt', 'c.txt', 'e.txt']",
        "False True False",
        "False",
    ]


def test_pandas_reads_and_writes_volumes(jobs_server: JobsServer, client: WorkspaceClient) -> None:
    code = """
import pandas as pd
frame = pd.DataFrame({'n': [1, 2]})
frame.to_csv(f'{V}/t.csv', index=False); print(pd.read_csv(f'{V}/t.csv').n.sum())
frame.to_parquet(f'{V}/t.parquet'); print(pd.read_parquet(f'{V}/t.parquet').n.sum())
frame.to_json(f'{V}/t.json', orient='records', lines=True); print(pd.read_json(f'{V}/t.json', lines=True).n.sum())
"""
    assert logs(run_code(jobs_server, client, code)) == "3\n3\n3\n"


def test_what_is_left_open_is_uploaded_at_the_end(jobs_server: JobsServer, client: WorkspaceClient) -> None:
    run_code(jobs_server, client, "f = open(f'{V}/open.txt', 'w')\nf.write('kept')")
    assert jobs_server.store.files[f"{VOLUME}/open.txt"] == b"kept"


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("open(f'{V}/none.txt')", "FileNotFoundError: [Errno 2] No such file or directory: '{V}/none.txt'"),
        ("import os; os.listdir(f'{V}/none')", "FileNotFoundError: [Errno 2] No such file or directory: '{V}/none'"),
        ("open(f'{V}/a.txt', 'a')", "OSError: [Errno 95] Mode 'a': volumes take no appends or random writes"),
        ("open(f'{V}/code.py', 'x')", "FileExistsError: [Errno 17] File exists: '{V}/code.py'"),
    ],
)
def test_what_a_mount_refuses_is_refused(
    jobs_server: JobsServer, client: WorkspaceClient, code: str, error: str
) -> None:
    assert (run_code(jobs_server, client, code).output().error or "").startswith(error.replace("{V}", VOLUME))


CALLS = [
    "open(V + '/x.txt').read()",
    "open(V + '/x.txt', 'w').close()",
    "os.listdir(V)",
    "os.stat(V + '/x.txt')",
    "pathlib.Path(V + '/x.txt').read_text()",
    "dbutils.fs.ls(V)",
    "dbutils.fs.put(V + '/x.txt', 'text', True)",
]


@pytest.mark.parametrize("call", CALLS)
def test_without_a_grant_every_way_is_a_permission_error(jobs_server: JobsServer, call: str) -> None:
    outsider = jobs_server.client("outsider")
    jobs_server.store.notebooks["/n"] = (
        f"# Databricks notebook source\nimport os, pathlib\nV = '{VOLUME}'\n{call}".encode()
    )
    from databricks.sdk.service.jobs import NotebookTask, SubmitTask

    ended = wait_for_run(outsider, submit(outsider, SubmitTask("main", notebook_task=NotebookTask("/n"))))
    error = ended.output().error or ""
    assert error.startswith("PermissionError: [Errno 13] User 'outsider' does not have READ VOLUME on Volume"), error
    assert "main.default.code" in error


def test_dbutils_fs(jobs_server: JobsServer, client: WorkspaceClient) -> None:
    code = """
fs = dbutils.fs
fs.put(f'{V}/d/a.txt', 'hello'); print(fs.head(f'{V}/d/a.txt', 4))
fs.cp(f'{V}/d/a.txt', f'dbfs:{V}/d/b.txt'); fs.mv(f'{V}/d/b.txt', f'{V}/d/c.txt')
print([(f.path.replace(V, ''), f.name, f.size) for f in fs.ls(f'{V}/d')])
fs.cp(f'{V}/d', f'{V}/e', recurse=True); print(len(fs.ls(f'{V}/e')))
print(fs.rm(f'{V}/d', True), fs.rm(f'{V}/d', True), fs.mkdirs(f'{V}/new'))
try:
    fs.put(f'{V}/e/a.txt', 'x')
except FileExistsError as e:
    print('exists')
try:
    fs.ls('/tmp')
except PermissionError as e:
    print(e)
"""
    assert logs(run_code(jobs_server, client, code)).splitlines() == [
        "hell",
        "[('dbfs:/d/a.txt', 'a.txt', 5), ('dbfs:/d/c.txt', 'c.txt', 5)]",
        "2",
        "True False True",
        "exists",
        "/tmp: the DBFS root is disabled; use /Volumes/<catalog>/<schema>/<volume>/...",
    ]
