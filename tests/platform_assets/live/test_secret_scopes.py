"""A secret scope on a real workspace: values come from AWS, are read by whom they are for, and are shown nowhere."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterator

import pytest
from databricks.sdk.errors import PermissionDenied
from databricks.sdk.service.jobs import NotebookTask, SubmitTask
from databricks.sdk.service.workspace import AclPermission, ImportFormat, Language

from lakehouse.targets import Target
from lakehouse.workspace import open_workspace
from platform_assets.estate import apply_estate, plan_estate, write_plan
from platform_assets.reconcile.explain import describe_plan, explain_plan
from platform_assets.reconcile.plan import Prune
from platform_assets.resource_types.model import Clients, Resource
from platform_assets.resource_types.secret_scope import SecretScope
from tests.local_workspace.services.jobs.harness import wait_for_run
from tests.platform_assets.live.conftest import Gateway, NewTarget

SOURCE = "flights/api-key"
SCOPES: tuple[Resource, ...] = (
    SecretScope("flights", {"api-key": f"secretsmanager:{SOURCE}"}, readers=("pipeline",), writers=("analysts",)),
)
VALUE, ROTATED = "first-Geheimnis-17", "second-Geheimnis-18"


def put_source(target: Target, value: str, name: str = SOURCE) -> None:
    Clients(target).aws("secretsmanager").put_secret_value(
        SecretId=f"{target.bucket_prefix}/{name}", SecretString=value
    )


def make_source(target: Target, name: str = SOURCE, **value: str | bytes) -> None:
    Clients(target).aws("secretsmanager").create_secret(Name=f"{target.bucket_prefix}/{name}", **value)


def read(target: Target, role: str, key: str = "api-key") -> bytes:
    found = open_workspace(target, role).secrets.get_secret(SCOPES[0].physical_name(target), key)
    return base64.b64decode(found.value or "")


@pytest.fixture(scope="module")
def target(new_target: NewTarget) -> Target:
    made = new_target()
    make_source(made, SecretString=VALUE)
    assert apply_estate(made, resources=SCOPES).failures == ()
    return made


@pytest.fixture
def declared(target: Target) -> Iterator[Target]:
    """The target as declared; what a test changes is put right."""
    put_source(target, VALUE)
    assert apply_estate(target, resources=SCOPES).failures == ()
    yield target


def test_a_second_apply_writes_nothing_and_a_plan_reads_no_value(declared: Target, gateway: Gateway) -> None:
    since = gateway.now()
    assert apply_estate(declared, resources=SCOPES).changed_nothing
    assert gateway.writes(since) == []
    assert {one["path"] for one in gateway.requests(since)} == {
        "/api/2.0/secrets/scopes/list",
        "/api/2.0/secrets/acls/list",
        "/api/2.0/secrets/list",
    }


def test_readers_read_writers_write_and_nobody_else_does(declared: Target) -> None:
    scope = SCOPES[0].physical_name(declared)
    assert read(declared, "pipeline").decode() == read(declared, "analyst").decode() == VALUE
    open_workspace(declared, "analyst").secrets.put_secret(scope, "mine", string_value="x")
    refused = [
        ("pipeline", "WRITE", lambda api: api.put_secret(scope, "mine", string_value="x")),
        ("analyst", "MANAGE", lambda api: api.put_acl(scope, "users", AclPermission.READ)),
        ("outsider", "READ", lambda api: api.get_secret(scope, "api-key")),
    ]
    for role, permission, call in refused:
        client = open_workspace(declared, role)
        name = client.current_user.me().user_name
        with pytest.raises(PermissionDenied, match=f"{name} does not have {permission} permission on scope {scope}"):
            call(client.secrets)
    open_workspace(declared, "analyst").secrets.delete_secret(scope, "mine")


def test_a_new_version_of_the_source_is_copied(declared: Target) -> None:
    put_source(declared, ROTATED)
    assert "api-key: not the current value -> " in explain_plan(plan_estate(declared, resources=SCOPES))
    assert apply_estate(declared, resources=SCOPES).failures == ()
    assert plan_estate(declared, resources=SCOPES).is_empty
    assert read(declared, "pipeline").decode() == ROTATED


def test_changes_by_hand_are_named_and_mended_and_others_are_reported(declared: Target) -> None:
    api, scope = Clients(declared).workspace.secrets, SCOPES[0].physical_name(declared)
    api.put_secret(scope, "api-key", string_value="by hand")
    api.put_secret(scope, "mine", string_value="x")
    api.put_acl(scope, "users", AclPermission.READ)
    api.delete_acl(scope, "analysts")
    shown = explain_plan(plan_estate(declared, resources=SCOPES))
    for line in (
        "permissions.analysts: WRITE",
        "secrets.api-key: not the current value -> ",
        "(other_principals ['users (READ)']",
        "(other_secrets ['mine']",
    ):
        assert line in shown
    assert apply_estate(declared, resources=SCOPES).failures == ()
    assert plan_estate(declared, resources=SCOPES).is_empty
    assert read(declared, "pipeline").decode() == VALUE
    assert read(declared, "deployer", "mine") == b"x", "others are left"
    api.delete_acl(scope, "users")
    api.delete_secret(scope, "mine")


def test_a_copy_that_was_cut_off_is_made_again(declared: Target, gateway: Gateway) -> None:
    put_source(declared, ROTATED)
    gateway.add_fault(method="POST", path="/api/2.0/secrets/put", status=400, error_code="BAD_REQUEST", skip=1)
    assert len(apply_estate(declared, resources=SCOPES).failures) == 1
    gateway.clear_faults()
    assert "not the current value" in explain_plan(plan_estate(declared, resources=SCOPES))
    assert apply_estate(declared, resources=SCOPES).failures == ()
    assert plan_estate(declared, resources=SCOPES).is_empty


def test_no_value_is_in_plan_file_report_or_error(declared: Target, tmp_path, caplog, capfd) -> None:
    caplog.set_level("DEBUG", "databricks.sdk")
    put_source(declared, ROTATED)
    plan = plan_estate(declared, resources=SCOPES)
    write_plan(declared, plan, tmp_path / "plan.json", resources=SCOPES)
    report = apply_estate(declared, resources=SCOPES)
    told = [(tmp_path / "plan.json").read_text(), json.dumps(describe_plan(plan)), explain_plan(plan), repr(report)]
    told += [repr(SCOPES), caplog.text, *capfd.readouterr()]
    assert any("/api/2.0/secrets/put" in text for text in told)
    for text in told:
        assert VALUE not in text and ROTATED not in text


def test_a_source_that_is_not_there_is_named_with_the_remedy(new_target: NewTarget) -> None:
    made = new_target()
    report = apply_estate(made, resources=SCOPES)
    (failed,) = report.failures
    source = f"{made.bucket_prefix}/{SOURCE}"
    assert f"SecretSourceMissing: AWS Secrets Manager of account {made.aws_account}" in failed.error
    assert f"aws secretsmanager create-secret --name {source}" in failed.error
    assert plan_estate(made, resources=(), find_undeclared=True).undeclared == (), "nothing was made"


def test_bytes_are_copied_as_they_are_and_a_lost_answer_makes_no_second_scope(
    new_target: NewTarget, gateway: Gateway
) -> None:
    made, raw = new_target(), bytes(range(256))
    scopes = (SecretScope("raw", {"bytes": "secretsmanager:raw"}),)
    make_source(made, "raw", SecretBinary=raw)
    gateway.add_fault(method="POST", path="/api/2.0/secrets/scopes/create", drop="after", times=1)
    assert apply_estate(made, resources=scopes).failures == ()
    assert plan_estate(made, resources=scopes).is_empty
    found = Clients(made).workspace.secrets.get_secret(scopes[0].physical_name(made), "bytes")
    assert base64.b64decode(found.value or "") == raw
    spared = apply_estate(made, resources=(), prune=Prune(enabled=True))
    assert plan_estate(made, resources=(), find_undeclared=True).undeclared == ("secret_scope/raw",), spared
    pruned = apply_estate(made, resources=(), prune=Prune(True, ("secret_scope/raw",)))
    assert pruned.failures == ()
    assert plan_estate(made, resources=(), find_undeclared=True).undeclared == ()


NOTEBOOK = """# Databricks notebook source
value = dbutils.secrets.get("{scope}", "api-key")
print("shown:", value, len(value), [one.key for one in dbutils.secrets.list("{scope}") if "lakehouse." not in one.key])
assert "{scope}" in [one.name for one in dbutils.secrets.listScopes()]
assert dbutils.secrets.getBytes("{scope}", "api-key").decode() == value
# COMMAND ----------
value
# COMMAND ----------
raise ValueError("failed with " + value)
"""


def test_a_notebook_reads_it_with_its_own_rights_and_does_not_show_it(declared: Target) -> None:
    scope, folder = SCOPES[0].physical_name(declared), f"/Shared/{declared.bucket_prefix}-secrets"
    deployer = Clients(declared).workspace
    deployer.workspace.mkdirs(folder)
    source = base64.b64encode(NOTEBOOK.format(scope=scope).encode()).decode()
    deployer.workspace.import_(
        f"{folder}/n", content=source, format=ImportFormat.SOURCE, language=Language.PYTHON, overwrite=True
    )
    task, shown = SubmitTask("main", notebook_task=NotebookTask(f"{folder}/n")), {}
    runs = {role: open_workspace(declared, role).jobs.submit(tasks=[task]).run_id for role in ("pipeline", "admin")}
    for role, run_id in runs.items():
        client = open_workspace(declared, role)
        ended = wait_for_run(client, run_id, 120)
        views = client.jobs.export_run(ended.tasks["main"].run_id or 0).views or []
        shown[role] = html.unescape(views[0].content or "") + repr(ended.output().as_dict())
    for text in shown.values():
        assert f"shown: [REDACTED] {len(VALUE)} ['api-key']" in text
        assert "'[REDACTED]'" in text and "ValueError: failed with [REDACTED]" in text
        assert VALUE not in text
    Clients(declared).workspace.secrets.delete_acl(scope, declared.principals["pipeline"])
    client = open_workspace(declared, "pipeline")
    refused = wait_for_run(client, client.jobs.submit(tasks=[task]).run_id, 120).output().error or ""
    assert refused.startswith("PermissionError: dbutils.secrets: User ")
    assert f"does not have READ permission on scope {scope}" in refused
