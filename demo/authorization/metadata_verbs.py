"""Verbs on what securables and objects of the workspace are: get, change, grant, permit. They leave all as it was."""

from __future__ import annotations

import base64

from demo.authorization.attempt import UC, Attempt, Verbs
from demo.authorization.holdings import access_control
from demo.authorization.stage import SECURABLES

_COMMENT = "changed by the matrix"


def get(attempt: Attempt) -> None:
    """Get it."""
    uc, name = attempt.client, attempt.name
    match SECURABLES.get(attempt.target, attempt.target):
        case "volume":
            uc.volumes.read(name)
        case "job":
            uc.jobs.get(int(name))
        case kind:
            getattr(uc, f"{kind}s").get(name)


def change(attempt: Attempt) -> None:
    """Change its comment; of a job or warehouse, its name into the same."""
    uc, name = attempt.client, attempt.name
    match SECURABLES.get(attempt.target, attempt.target):
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
    """Give a level of a job or warehouse to those who have it already."""
    control = access_control(attempt.stage.target, attempt.stage.principals, attempt.target)
    attempt.client.permissions.update(f"{attempt.target}s", attempt.name, access_control_list=control)


def list_folder(attempt: Attempt) -> None:
    """List what is in a folder."""
    list(attempt.client.workspace.list(attempt.name))


def put_notebook(attempt: Attempt) -> None:
    """Import a notebook and delete it."""
    from databricks.sdk.service.workspace import ImportFormat, Language

    path, content = f"{attempt.name}/matrix_{attempt.role.name}", base64.b64encode(b"1").decode()
    api = attempt.client.workspace
    api.import_(path, content=content, format=ImportFormat.SOURCE, language=Language.PYTHON, overwrite=True)
    api.delete(path)


VERBS: Verbs = {
    ("REST", "get"): get,
    ("REST", "change"): change,
    ("REST", "grant"): grant,
    ("REST", "permit on"): permit,
    ("REST", "list"): list_folder,
    ("REST", "put a notebook into"): put_notebook,
}
