"""Git folders on a real workspace: cloned, switched, mended, cloned anew, run from, imported, rebuilt, pruned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from databricks.sdk.errors import NotFound, PermissionDenied
from databricks.sdk.service.compute import Environment
from databricks.sdk.service.iam import AccessControlRequest, PermissionLevel
from databricks.sdk.service.jobs import JobEnvironment, NotebookTask, RunResultState, SparkPythonTask, SubmitTask
from databricks.sdk.service.workspace import ExportFormat, ImportFormat, RepoInfo

from lakehouse.targets import Target
from lakehouse.workspace import open_workspace
from platform_assets.estate import apply_estate, carry_out, plan_estate
from platform_assets.reconcile.explain import explain_plan
from platform_assets.reconcile.importing import import_resources
from platform_assets.reconcile.plan import Prune
from platform_assets.recovery.drill import plan_rebuild
from platform_assets.recovery.proof import prove_equal
from platform_assets.recovery.snapshot import read_snapshot, write_snapshot
from platform_assets.recovery.taking import take_snapshot
from platform_assets.resource_types.directory import Directory
from platform_assets.resource_types.group import Group
from platform_assets.resource_types.model import Clients, InvalidDeclaration, Resource
from platform_assets.resource_types.repo import Repo
from tests.git_remote import GitRemote, serve_remote
from tests.platform_assets.live.conftest import Gateway, NewTarget, declare_alone

Declared = tuple[Repo, Repo, Directory]
NOTEBOOK = b'# Databricks notebook source\nprint("from the notebook")\n'


@pytest.fixture(scope="module")
def remote() -> Iterator[GitRemote]:
    with serve_remote() as made:
        files = {"README.md": b"one\n", "etl/load.py": NOTEBOOK, "etl/say.py": b'print("from the file")\n'}
        made.tag("v1", made.commit("main", files))
        made.branch("dev", "main")
        made.commit("main", {"README.md": b"two\n"})
        yield made


@pytest.fixture
def declared(remote: GitRemote) -> Declared:
    first = remote.repository.refs[b"refs/heads/dev"].decode()
    flights = Repo("code/flights", {"analysts": "CAN_READ", "pipeline": "CAN_MANAGE"}, remote.url, "gitHub", "main")
    released = Repo("released", {}, remote.url, "gitHub", tag="v1", commit=first, sparse=("etl",))
    return flights, released, Directory("code")


@pytest.fixture
def target(new_target: NewTarget, declared: Declared) -> Iterator[Target]:
    with declare_alone(new_target, declared) as made:
        yield made


def find(target: Target, one: Repo) -> RepoInfo:
    api = Clients(target).workspace
    identity = int(api.workspace.get_status(one.physical_name(target)).object_id or 0)
    return RepoInfo.from_dict(api.repos.get(identity).as_dict())


def text(target: Target, one: Repo, name: str = "README.md") -> bytes:
    path = f"{one.physical_name(target)}/{name}"
    return Clients(target).workspace.workspace.download(path, format=ExportFormat.SOURCE).read()


def test_a_second_apply_writes_nothing(target: Target, declared: Declared, gateway: Gateway) -> None:
    flights, released, _ = declared
    assert (find(target, flights).branch, text(target, flights)) == ("main", b"two\n")
    assert (find(target, released).branch, find(target, released).head_commit_id) == (None, released.commit)
    since = gateway.now()
    assert apply_estate(target, resources=declared).changed_nothing
    assert gateway.writes(since) == []
    assert plan_estate(target, resources=declared, find_undeclared=True).undeclared == ()


def test_each_may_do_what_is_declared_and_no_more(target: Target, declared: Declared) -> None:
    flights, released, _ = declared
    identity = int(find(target, flights).id or 0)
    clients = {role: open_workspace(target, role) for role in ("analyst", "pipeline", "outsider")}
    assert clients["analyst"].repos.get(identity).branch == "main"
    clients["pipeline"].repos.update(identity, branch="main")
    for role, level, call in (
        ("analyst", "CAN_MANAGE", lambda api: api.repos.update(identity, branch="dev")),
        ("analyst", "CAN_MANAGE", lambda api: api.repos.delete(identity)),
        ("outsider", "CAN_READ", lambda api: api.repos.get(identity)),
        ("pipeline", "CAN_READ", lambda api: api.repos.get(int(find(target, released).id or 0))),
    ):
        with pytest.raises(PermissionDenied, match=f"does not have {level} on Workspace object"):
            call(clients[role])


def test_tasks_run_what_is_checked_out(target: Target, declared: Declared) -> None:
    flights, _, _ = declared
    api, folder = open_workspace(target, "pipeline"), flights.physical_name(target)
    tasks = [
        SubmitTask(task_key="notebook", notebook_task=NotebookTask(notebook_path=f"{folder}/etl/load")),
        SubmitTask(
            task_key="file",
            environment_key="e",
            spark_python_task=SparkPythonTask(python_file=f"/Workspace{folder}/etl/say.py"),
        ),
    ]
    environments = [JobEnvironment("e", Environment(environment_version="4"))]
    run = api.jobs.submit_and_wait(tasks=tasks, environments=environments, run_name="from a Git folder")
    assert run.state and run.state.result_state is RunResultState.SUCCESS
    logs = {one.task_key: api.jobs.get_run_output(int(one.run_id or 0)).logs or "" for one in run.tasks or []}
    assert "from the file" in logs["file"]


def test_a_checkout_by_hand_is_named_and_mended(target: Target, declared: Declared, remote: GitRemote) -> None:
    flights, released, _ = declared
    api = Clients(target).workspace
    for one in (flights, released):
        api.repos.update(int(find(target, one).id or 0), branch="dev" if one is flights else "main")
    analyst = open_workspace(target, "analyst").current_user.me().user_name
    entry = AccessControlRequest(user_name=analyst, permission_level=PermissionLevel.CAN_EDIT)
    api.permissions.set("repos", str(find(target, flights).id), access_control_list=[entry])
    main = remote.repository.refs[b"refs/heads/main"].decode()
    shown = explain_plan(plan_estate(target, resources=declared))
    for line in ("branch: dev -> main", f"commit: {main} -> {released.commit}", "(other_users ["):
        assert line in shown
    assert apply_estate(target, resources=declared).failures == ()
    assert plan_estate(target, resources=declared).is_empty
    assert text(target, flights) == b"two\n"


def test_changes_that_were_not_committed_stop_a_checkout(target: Target, declared: Declared) -> None:
    flights, _, _ = declared
    api, path = Clients(target).workspace, flights.physical_name(target)
    api.repos.update(int(find(target, flights).id or 0), branch="dev")
    api.workspace.upload(f"{path}/README.md", b"mine", format=ImportFormat.RAW, overwrite=True)
    failures = apply_estate(target, resources=declared).failures
    assert [one.key for one in failures] == [flights.key]
    assert "README.md was changed and not committed" in str(failures[0].error)
    assert text(target, flights) == b"mine"


def test_another_remote_repository_is_cloned_anew_and_keeps_who_may(target: Target, declared: Declared) -> None:
    flights, released, folder = declared
    with serve_remote() as other:
        other.commit("main", {"README.md": b"another\n"})
        before, moved = find(target, flights), replace(flights, url=other.url, provider="gitLab")
        analyst = open_workspace(target, "analyst")
        user = analyst.current_user.me().user_name
        entry = AccessControlRequest(user_name=user, permission_level=PermissionLevel.CAN_EDIT)
        Clients(target).workspace.permissions.update("repos", str(before.id), access_control_list=[entry])
        resources = (moved, replace(released, sparse=None), folder)
        assert "it is deleted and cloned anew" in explain_plan(plan_estate(target, resources=resources))
        assert apply_estate(target, resources=resources).failures == ()
        assert plan_estate(target, resources=resources).is_empty
        assert (find(target, moved).id != before.id, text(target, moved)) == (True, b"another\n")
        place = f"{moved.physical_name(target)}/README.md"
        analyst.workspace.upload(place, b"edited", format=ImportFormat.RAW, overwrite=True)
        assert text(target, released) == b"one\n"


def test_a_tag_that_moved_is_refused(target: Target, declared: Declared, remote: GitRemote) -> None:
    main = remote.repository.refs[b"refs/heads/main"].decode()
    wrong = Repo("wrong", {}, remote.url, "gitHub", tag="v1", commit=main)
    failures = apply_estate(target, resources=(*declared, wrong)).failures
    assert f"is at {declared[1].commit}, not at the declared {main}" in str(failures[0].error)
    assert not plan_estate(target, resources=(*declared, wrong)).is_empty


def test_a_branch_that_is_not_there_fails_and_the_next_apply_mends_it(
    target: Target, declared: Declared, remote: GitRemote
) -> None:
    later = Repo("later", {}, remote.url, "gitHub", "later")
    assert "GIT_UNKNOWN_REF" not in str(apply_estate(target, resources=declared).failures)
    failures = apply_estate(target, resources=(*declared, later)).failures
    assert "Branch 'later' does not exist" in str(failures[0].error)
    remote.branch("later", "dev")
    assert apply_estate(target, resources=(*declared, later)).failures == ()
    assert text(target, later) == b"one\n"


def test_it_is_imported_and_a_tag_has_no_words(target: Target, declared: Declared, remote: GitRemote) -> None:
    plain = Repo("plain", {"analysts": "CAN_RUN"}, remote.url, "gitHub", "dev", sparse=("etl",))
    assert apply_estate(target, resources=(*declared, plain)).failures == ()
    found = import_resources(Clients(target))
    flights, released, code = declared
    assert set(found.resources) == {code, flights, plain}
    assert list(found.refused) == [released.key]
    assert "does not say which tag" in found.refused[released.key]


def test_it_is_rebuilt_in_another_workspace_as_it_is(
    target: Target, declared: Declared, remote: GitRemote, recovery_target: Target
) -> None:
    flights, released, _ = declared
    group, name = Group("readers", members=("pipeline",)), target.bucket_prefix
    remote.branch(name, "main")  # called as the estate is, and not ours to translate
    shared = Repo("shared", {"group/readers": "CAN_RUN"}, remote.url, "gitHub", name)
    everything = (*declared, group, shared)
    assert apply_estate(target, resources=everything).failures == ()
    Clients(target).workspace.repos.update(int(find(target, flights).id or 0), branch="dev")
    taken = read_snapshot(write_snapshot(take_snapshot(Clients(target), everything)), "here")
    spare = replace(recovery_target, bucket_prefix="lakehouse-repos", catalog_prefix="repos_")
    assert carry_out(spare, plan_rebuild(taken, spare)).failures == ()
    proof = prove_equal(taken, Clients(target), Clients(spare))
    assert (proof.resources, proof.differences, proof.pending) == (len(everything), (), ())
    assert (find(spare, flights).branch, text(spare, flights)) == ("dev", b"one\n")
    assert find(spare, released).head_commit_id == released.commit
    assert Repo("shared", shared.permissions).read(Clients(spare))["permissions"] == {  # type: ignore[index]
        spare.account_wide("readers"): "CAN_RUN"
    }
    for one in (target, spare):
        assert apply_estate(one, resources=(), prune=Prune(True)).failures == ()


def test_a_private_one_takes_a_credential_of_the_deployers(new_target: NewTarget) -> None:
    made, api = new_target(), Clients(new_target()).workspace.git_credentials
    with serve_remote() as private:
        private.commit("main", {"README.md": b"private\n"})
        private.password = "s3cret"
        one = Repo("private", {}, private.url, "bitbucketServer", "main")
        failures = apply_estate(made, resources=(one,)).failures
        assert "Missing Git provider credentials" in str(failures[0].error)
        credential = api.create("bitbucketServer", git_username="deployer", personal_access_token="s3cret")
        assert apply_estate(made, resources=(one,)).failures == ()
        assert text(made, one) == b"private\n"
        api.delete(credential.credential_id)
    assert plan_estate(made, resources=(one,)).is_empty, "reading needs no remote"
    assert apply_estate(made, resources=(), prune=Prune(True)).failures == ()


def test_pruning_takes_only_ours(target: Target, declared: Declared, remote: GitRemote, new_target: NewTarget) -> None:
    theirs = Clients(target).workspace.repos.create(remote.url, "gitHub")
    other, made = replace(declared[0], name="flights"), new_target()
    assert apply_estate(made, resources=(other,)).failures == ()
    undeclared = plan_estate(target, resources=(), find_undeclared=True).undeclared
    assert set(undeclared) == {one.key for one in declared}
    assert apply_estate(target, resources=(), prune=Prune(True)).failures == ()
    with pytest.raises(NotFound):
        find(target, declared[0])
    assert find(made, other).branch == "main"
    assert Clients(target).workspace.repos.get(int(theirs.id or 0)).path == theirs.path
    Clients(target).workspace.repos.delete(int(theirs.id or 0))
    assert apply_estate(made, resources=(), prune=Prune(True)).failures == ()


def test_a_lost_answer_makes_no_second_one(new_target: NewTarget, remote: GitRemote, gateway: Gateway) -> None:
    made, one = new_target(), Repo("flights", {"analysts": "CAN_READ"}, remote.url, "gitHub", "dev")
    gateway.add_fault(method="POST", path="*/api/2.0/repos", drop="after", times=1)
    assert apply_estate(made, resources=(one,)).failures == ()
    assert plan_estate(made, resources=(one,)).is_empty
    assert text(made, one) == b"one\n"
    assert apply_estate(made, resources=(), prune=Prune(True)).failures == ()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"url": "git@host:x.git", "branch": "main"}, "url is the https:// URL"),
        ({"url": "https://me:x@host/x.git", "branch": "main"}, "must hold no credentials"),
        ({"url": "https://host/x.git", "provider": "svn", "branch": "main"}, "provider is one of"),
        ({"url": "https://host/x.git"}, "give a branch, or a tag"),
        ({"url": "https://host/x.git", "branch": "main", "tag": "v1"}, "give a branch, or a tag"),
        ({"url": "https://host/x.git", "tag": "v1"}, "the full id of the commit"),
    ],
)
def test_what_cannot_be_meant_is_refused(fields: dict[str, str], said: str) -> None:
    with pytest.raises(InvalidDeclaration, match=f"^repo/x: .*{said}"):
        Repo("x", **{"provider": "gitHub", **fields})


def test_resources_are_what_they_say(declared: Declared) -> None:
    resource: Resource = declared[0]
    assert resource.dependencies[0] == "directory/code"
