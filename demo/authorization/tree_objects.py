"""What lies in folders of the workspace: notebooks, files, queries, dashboards, experiments, Git folders, alerts."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from demo.authorization.kind import FOLDER, MARK, ROOT, Kind, by_permissions_api
from demo.authorization.stage import FILE

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

    from demo.authorization.stage import Stage

_TOLD = r"does not have {level} on Workspace object"
_TEXT = "SELECT 1 AS one"


def import_notebook(client: WorkspaceClient, path: str, text: str) -> None:
    """Import a notebook, over the one that may be there."""
    from databricks.sdk.service.workspace import ImportFormat, Language

    content = base64.b64encode(text.encode()).decode()
    kind = {"format": ImportFormat.SOURCE, "language": Language.PYTHON}
    client.workspace.import_(path, content=content, overwrite=True, **kind)  # type: ignore[arg-type]


def _put_file(client: WorkspaceClient, path: str, text: str) -> None:
    from databricks.sdk.service.workspace import ImportFormat

    client.workspace.upload(path, text.encode(), format=ImportFormat.RAW, overwrite=True)


def _make_folder(stage: Stage, name: str) -> str:
    path = FOLDER if name == f"{MARK}folder" else f"{FOLDER}/{name}"
    stage.admin.workspace.mkdirs(path)
    return path


def _make_notebook(stage: Stage, name: str) -> str:
    import_notebook(stage.admin, f"{FOLDER}/{name}", "1")
    return f"{FOLDER}/{name}"


def _make_file(stage: Stage, name: str) -> str:
    _put_file(stage.admin, f"{FOLDER}/{name}", "1")
    return f"{FOLDER}/{name}"


def _make_query(run_as: str, stage: Stage, name: str) -> str:
    from databricks.sdk.service.sql import CreateQueryRequestQuery, RunAsMode

    query = CreateQueryRequestQuery(
        display_name=name, parent_path=FOLDER, query_text=_TEXT, run_as_mode=RunAsMode(run_as)
    )
    return str(stage.admin.queries.create(query=query).id)


def _change_query(client: WorkspaceClient, query: str, text: str) -> None:
    from databricks.sdk.service.sql import UpdateQueryRequestQuery

    client.queries.update(query, "query_text", query=UpdateQueryRequestQuery(query_text=f"SELECT '{text}'"))


def _make_alert(stage: Stage, name: str) -> str:
    """Make one that is paused, beside the folder: what of its levels CAN_READ and CAN_EDIT open, no document says."""
    from databricks.sdk.service.sql import AlertV2

    evaluation = {
        "source": {"name": "one"},
        "comparison_operator": "GREATER_THAN",
        "threshold": {"value": {"double_value": 1}},
    }
    schedule = {"quartz_cron_schedule": "0 0 0 * * ?", "timezone_id": "UTC", "pause_status": "PAUSED"}
    fields: dict[str, Any] = {"display_name": name, "parent_path": ROOT, "query_text": _TEXT}
    fields |= {"warehouse_id": stage.warehouse, "evaluation": evaluation, "schedule": schedule}
    return str(stage.admin.alerts_v2.create_alert(AlertV2.from_dict(fields)).id)


def _change_alert(client: WorkspaceClient, alert: str, text: str) -> None:
    from databricks.sdk.service.sql import AlertV2

    client.alerts_v2.update_alert(alert, AlertV2(custom_summary=text), "custom_summary")


def _make_dashboard(stage: Stage, name: str) -> str:
    from databricks.sdk.service.dashboards import Dashboard

    draft = Dashboard(display_name=name, parent_path=FOLDER, serialized_dashboard=_define_dashboard(name))
    made = str(stage.admin.lakeview.create(draft).dashboard_id)
    stage.admin.lakeview.publish(made, embed_credentials=False)
    return made


def _change_dashboard(client: WorkspaceClient, dashboard: str, text: str) -> None:
    from databricks.sdk.service.dashboards import Dashboard

    client.lakeview.update(dashboard, Dashboard(serialized_dashboard=_define_dashboard(text)))


def _define_dashboard(page: str) -> str:
    return json.dumps({"datasets": [], "pages": [{"name": page, "displayName": page}]})


def _make_experiment(stage: Stage, name: str) -> str:
    return str(stage.admin.experiments.create_experiment(f"{FOLDER}/{name}").experiment_id)


def _identify(client: WorkspaceClient, path: str) -> object:
    return client.workspace.get_status(path).object_id


def _delete(client: WorkspaceClient, path: str) -> None:
    client.workspace.delete(path, recursive=True)


def _clone(stage: Stage, name: str) -> str:
    return str(stage.admin.repos.create(stage.repository, "gitHub", path=f"{ROOT}/{name}").id)


_QUERY = Kind(
    told=r"does not have {level} on (Query|Workspace object)",
    make=partial(_make_query, "VIEWER"),
    get=lambda client, query: client.queries.get(query),
    change=_change_query,
    share=by_permissions_api("queries"),
    delete=lambda client, query: client.queries.delete(query),
)
# In the order in which they are made.
TREE: dict[str, Kind] = {
    "folder": Kind(_TOLD, _make_folder, _delete, by_permissions_api("directories", _identify)),
    "notebook": Kind(
        told=_TOLD,
        make=_make_notebook,
        get=lambda client, path: client.workspace.export(path),
        change=import_notebook,
        share=by_permissions_api("notebooks", _identify),
        delete=_delete,
    ),
    "workspace file": Kind(
        told=_TOLD,
        make=_make_file,
        get=lambda client, path: client.workspace.export(path),
        change=_put_file,
        share=by_permissions_api("files", _identify),
        delete=_delete,
    ),
    "query": _QUERY,
    "query run as owner": replace(_QUERY, make=partial(_make_query, "OWNER")),
    "dashboard": Kind(
        told=r"does not have {level} on (Dashboard|Workspace object)",
        make=_make_dashboard,
        # The published one: which level opens a draft, the levels' page leaves open.
        get=lambda client, dashboard: client.lakeview.get_published(dashboard),
        change=_change_dashboard,
        share=by_permissions_api("dashboards"),
        delete=lambda client, dashboard: client.lakeview.trash(dashboard),
    ),
    "experiment": Kind(
        told=_TOLD,
        make=_make_experiment,
        get=lambda client, experiment: client.experiments.get_experiment(experiment),
        change=lambda client, experiment, text: client.experiments.set_experiment_tag(experiment, "matrix", text),
        share=by_permissions_api("experiments"),
        delete=lambda client, experiment: client.experiments.delete_experiment(experiment),
    ),
    "Git folder": Kind(
        told=_TOLD,
        make=_clone,
        get=lambda client, folder: client.repos.get(int(folder)),
        share=by_permissions_api("repos"),
        delete=lambda client, folder: client.repos.delete(int(folder)),
    ),
    "file of Git folder": Kind(
        told=_TOLD,
        make=lambda _, name: f"{ROOT}/{MARK}Git_folder/{FILE}",  # it came with the folder
        get=lambda client, path: client.workspace.export(path),
        change=_put_file,
        share=by_permissions_api("files", _identify),
        delete=_delete,
    ),
    "alert": Kind(
        told=r"does not have {level} on (Alert|Workspace object)",
        make=_make_alert,
        get=lambda client, alert: client.alerts_v2.get_alert(alert),
        change=_change_alert,
        share=by_permissions_api("alertsv2"),
        delete=lambda client, alert: client.alerts_v2.trash_alert(alert),
    ),
}
