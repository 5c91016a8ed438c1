"""Verbs on data and compute: keys, files, statements; runs of jobs, warehouses, tokens and identities."""

from __future__ import annotations

import io
from typing import Any

from demo.authorization.attempt import UC, Attempt, Verbs
from demo.authorization.objects import ROWS, run_statement
from demo.authorization.stage import FILE, TEXT


class WrongAnswer(Exception):
    """The verb was allowed and did something else than it should."""


def get_keys(attempt: Attempt) -> None:
    """Get temporary keys of a table, a volume or a path."""
    stage, write = attempt.stage, "write" in attempt.rule.verb
    if attempt.target == "location":
        path = f"{stage.files}/{attempt.new_name}" if "new table" in attempt.rule.verb else stage.files
        operation = "PATH_CREATE_TABLE" if "new table" in attempt.rule.verb else _either(write, "PATH_READ")
        kind, body = "path", {"url": path, "operation": operation}
    elif "volume" in attempt.target:
        kind = "volume"
        body = {"volume_full_name": attempt.name, "operation": "WRITE_VOLUME" if write else "READ_VOLUME"}
    else:
        table_id = str(stage.admin.tables.get(attempt.name).table_id)
        kind, body = "table", {"table_id": table_id, "operation": _either(write, "READ")}
    attempt.client.api_client.do("POST", f"{UC}/temporary-{kind}-credentials", body=body)


def _either(write: bool, read: str) -> str:
    return f"{read}_WRITE" if write else read


def list_files(attempt: Attempt) -> None:
    """List the volume's directory."""
    found = [one.name for one in attempt.client.files.list_directory_contents(attempt.stage.path(attempt.target))]
    require(FILE in found, found)


def download(attempt: Attempt) -> None:
    """Download the file."""
    contents = attempt.client.files.download(f"{attempt.stage.path(attempt.target)}/{FILE}").contents
    require(contents is not None and contents.read() == TEXT, contents)


def upload(attempt: Attempt) -> None:
    """Upload a file of one's own."""
    attempt.client.files.upload(_own_file(attempt), io.BytesIO(TEXT), overwrite=True)


def delete_file(attempt: Attempt) -> None:
    """Delete a file that the writer put there."""
    attempt.stage.clients["writer"].files.upload(_own_file(attempt), io.BytesIO(TEXT), overwrite=True)
    attempt.client.files.delete(_own_file(attempt))


def make_directory(attempt: Attempt) -> None:
    """Make a directory."""
    attempt.client.files.create_directory(_own_file(attempt))


def _own_file(attempt: Attempt) -> str:
    return f"{attempt.stage.path(attempt.target)}/{attempt.new_name}"


STATEMENTS = {
    "insert into": "INSERT INTO {name} VALUES (7)",
    "update": "UPDATE {name} SET id = 0 WHERE id < 0",
    "delete from": "DELETE FROM {name} WHERE id < 0",
    "grant on": "GRANT {privilege} ON {kind} {name} TO `{readers}`",
}


def select(attempt: Attempt) -> None:
    """Select all rows, from the shared warehouse; or a constant, from the warehouse in question."""
    if "warehouse" in attempt.target:
        rows = run_statement(attempt.client, "SELECT 1", attempt.name)
    else:
        rows = run_statement(attempt.client, f"SELECT * FROM {attempt.name}", attempt.stage.warehouse)
    require(len(rows) >= (1 if attempt.target in ("view", "spare warehouse") else ROWS), rows)


def execute(attempt: Attempt) -> None:
    """Run the verb's statement; what it grants, the readers have already."""
    kind, privilege = ("VOLUME", "READ VOLUME") if attempt.target == "volume" else ("TABLE", "SELECT")
    readers = attempt.stage.target.account_wide("readers")
    text = STATEMENTS[attempt.rule.verb].format(name=attempt.name, kind=kind, privilege=privilege, readers=readers)
    run_statement(attempt.client, text, attempt.stage.warehouse)


def call(attempt: Attempt) -> None:
    """Call the function."""
    rows = run_statement(attempt.client, f"SELECT {attempt.name}(1)", attempt.stage.warehouse)
    require(rows == [["2"]], rows)


def select_files(attempt: Attempt) -> None:
    """Select the lines of a file."""
    folder = attempt.stage.files if attempt.target == "location" else attempt.stage.path(attempt.target)
    rows = run_statement(attempt.client, f"SELECT * FROM text.`{folder}/{FILE}`", attempt.stage.warehouse)
    require(rows == [[TEXT.decode().strip()]], rows)


def run_job(attempt: Attempt) -> None:
    """Start the job and cancel the run."""
    run = attempt.client.jobs.run_now(int(attempt.name))
    attempt.stage.admin.jobs.cancel_run(run.run_id)


def cancel_runs(attempt: Attempt) -> None:
    """Cancel all runs."""
    attempt.client.jobs.cancel_all_runs(job_id=int(attempt.name))


def make_token(attempt: Attempt) -> None:
    """Make a token of one's own and revoke it."""
    made = attempt.client.tokens.create(comment="matrix", lifetime_seconds=60)
    assert made.token_info is not None
    attempt.client.tokens.delete(str(made.token_info.token_id))


def make_token_for_another(attempt: Attempt) -> None:
    """Make a token of the job's creator, for a second."""
    attempt.client.token_management.create_obo_token(attempt.stage.principals["job_creator"], lifetime_seconds=1)


def create_group(attempt: Attempt) -> None:
    """Create a group and delete it."""
    made = attempt.client.groups.create(display_name=attempt.stage.target.account_wide(attempt.new_name))
    attempt.client.groups.delete(str(made.id))


def create_service_principal(attempt: Attempt) -> None:
    """Create a service principal and delete it."""
    made = attempt.client.service_principals.create(display_name=attempt.new_name)
    attempt.client.service_principals.delete(str(made.id))


def create_user(attempt: Attempt) -> None:
    """Create a user and delete it."""
    made = attempt.client.users.create(user_name=f"{attempt.new_name}@matrix.example")
    attempt.client.users.delete(str(made.id))


def assign_principal(attempt: Attempt) -> None:
    """Assign a group that the account does not have: the answer says so, and nothing changes."""
    given = {"permission_assignments": [{"group_name": attempt.new_name, "permissions": ["USER"]}]}
    answer: Any = attempt.client.api_client.do("POST", "/api/2.0/preview/permissionassignments", body=given)
    require("not found" in answer["permission_assignments"][0].get("error", ""), answer)


def require(is_right: bool, seen: object) -> None:
    """Raise WrongAnswer unless it is right."""
    if not is_right:
        raise WrongAnswer(f"allowed, but it gave {seen!r}")


VERBS: Verbs = {
    ("REST", "get read keys of"): get_keys,
    ("REST", "get write keys of"): get_keys,
    ("REST", "get keys of a new table in"): get_keys,
    ("Files", "list"): list_files,
    ("Files", "download from"): download,
    ("Files", "upload to"): upload,
    ("Files", "delete from"): delete_file,
    ("Files", "make a folder in"): make_directory,
    ("SQL", "select from"): select,
    ("SQL", "select on"): select,
    ("SQL", "insert into"): execute,
    ("SQL", "update"): execute,
    ("SQL", "delete from"): execute,
    ("SQL", "grant on"): execute,
    ("SQL", "call"): call,
    ("SQL", "read files of"): select_files,
    ("REST", "run"): run_job,
    ("REST", "cancel runs of"): cancel_runs,
    ("REST", "start"): lambda attempt: attempt.client.warehouses.start(attempt.name),
    ("REST", "stop"): lambda attempt: attempt.client.warehouses.stop(attempt.name),
    ("REST", "make a token in"): make_token,
    ("REST", "make a token for another in"): make_token_for_another,
    ("REST", "create a group in"): create_group,
    ("REST", "create a service principal in"): create_service_principal,
    ("REST", "create a user in"): create_user,
    ("REST", "assign a principal to"): assign_principal,
}
