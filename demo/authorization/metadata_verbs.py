"""Verbs on what securables and objects of the workspace are: get, change, grant, permit. They leave all as it was."""

from __future__ import annotations

from demo.authorization.attempt import UC, Attempt, Verbs
from demo.authorization.holdings import access_control
from demo.authorization.kind import MARK
from demo.authorization.objects import KINDS, share_object
from demo.authorization.stage import SECURABLES
from demo.authorization.tree_objects import import_notebook

_COMMENT = "changed by the matrix"


def get(attempt: Attempt) -> None:
    """Get it; of a dashboard what is published."""
    uc, name = attempt.client, attempt.name
    if attempt.target in KINDS:
        KINDS[attempt.target].get(uc, name)
        return
    match SECURABLES.get(attempt.target, attempt.target):
        case _ if attempt.target == "model":
            uc.registered_models.get(name)
        case "volume":
            uc.volumes.read(name)
        case "job":
            uc.jobs.get(int(name))
        case kind:
            getattr(uc, f"{kind}s").get(name)


def change(attempt: Attempt) -> None:
    """Change its comment, text or tag; of a job or warehouse, its name into the same."""
    uc, name = attempt.client, attempt.name
    if attempt.target in KINDS:
        KINDS[attempt.target].change(uc, name, attempt.new_name)
        return
    match SECURABLES.get(attempt.target, attempt.target):
        case _ if attempt.target == "model":
            uc.registered_models.update(name, comment=_COMMENT)
        case "table":
            uc.api_client.do("PATCH", f"{UC}/tables/{name}", body={"comment": _COMMENT})
        case "job":
            from databricks.sdk.service.jobs import JobSettings

            uc.jobs.update(int(name), new_settings=JobSettings(name="matrix job"))
        case "warehouse":
            uc.warehouses.edit(name, name="matrix warehouse", cluster_size="2X-Small", max_num_clusters=1)
        case kind:
            getattr(uc, f"{kind}s").update(name, comment=_COMMENT)


def grant(attempt: Attempt) -> None:
    """Grant the readers what they would not have otherwise, and take it away again."""
    from databricks.sdk.service.catalog import PermissionsChange, Privilege

    kind, readers = SECURABLES[attempt.target], attempt.stage.target.account_wide("readers")
    privilege = Privilege.BROWSE if kind != "storage_credential" else Privilege.CREATE_EXTERNAL_TABLE
    for change_of in ("add", "remove"):
        body = PermissionsChange.from_dict({"principal": readers, change_of: [privilege.value]})
        attempt.client.grants.update(kind, attempt.name, changes=[body])


def permit(attempt: Attempt) -> None:
    """Give levels of an object of the workspace to those who have them already."""
    if attempt.target in KINDS:
        share_object(attempt.stage, attempt.client, attempt.target, attempt.name)
        return
    control = access_control(attempt.stage.target, attempt.stage.principals, attempt.target)
    attempt.client.permissions.update(f"{attempt.target}s", attempt.name, access_control_list=control)


def list_folder(attempt: Attempt) -> None:
    """List what is in a folder."""
    list(attempt.client.workspace.list(attempt.name))


def put_notebook(attempt: Attempt) -> None:
    """Import a notebook and delete it."""
    path = f"{attempt.name}/{MARK}{attempt.role.name}"
    import_notebook(attempt.client, path, "1")
    attempt.client.workspace.delete(path)


VERBS: Verbs = {
    ("REST", "get"): get,
    ("REST", "change"): change,
    ("REST", "grant"): grant,
    ("REST", "permit on"): permit,
    ("REST", "list"): list_folder,
    ("REST", "put a notebook into"): put_notebook,
}
