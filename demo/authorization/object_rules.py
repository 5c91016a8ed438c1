"""What verbs on jobs, warehouses and the newer objects of the workspace need. Sources: "Access control lists" of the
Databricks documentation, a table of abilities for each type; for experiments "Share experiments" and for Git folders
"Set up Git folders" beside it; for secrets the REST API.

Not here, because nothing here does it: running a query or a notebook, evaluating an alert by hand, updating a pipeline,
querying an endpoint. Nor what the tables leave open: the draft of a dashboard, renaming an experiment, CAN_READ and
CAN_EDIT on an alert, pulling into a Git folder, changing a serving endpoint.
"""

from __future__ import annotations

from demo.authorization.rule import Rule


def _rules(target: str, **levels: str) -> tuple[Rule, ...]:
    """Verb, with underscores, and what it needs beside being an admin."""
    return tuple(
        Rule("REST", verb.replace("_", " "), target, f"ADMIN on workspace | {level}") for verb, level in levels.items()
    )


JOBS = (
    *_rules("job", get="CAN_VIEW", run="CAN_MANAGE_RUN", change="CAN_MANAGE", permit_on="CAN_MANAGE"),
    *_rules("job", cancel_runs_of="CAN_MANAGE_RUN"),
    *_rules("spare job", delete="CAN_MANAGE"),
    *_rules("warehouse", get="CAN_VIEW", start="CAN_USE", stop="CAN_MANAGE", change="CAN_MANAGE"),
    *_rules("warehouse", permit_on="CAN_MANAGE"),
    *_rules("spare warehouse", delete="CAN_MANAGE"),
    Rule("SQL", "select on", "spare warehouse", "ADMIN on workspace | CAN_USE"),
)
# What lies in the folder is deleted by who manages the folder, or where a table says so the object.
TREE = (
    Rule("REST", "list", "shared folder", "MEMBER on workspace"),
    Rule("REST", "put a notebook into", "shared folder", "MEMBER on workspace"),
    *_rules("home", list="OWN", put_a_notebook_into="OWN"),
    *_rules("folder", list="CAN_READ", put_a_notebook_into="CAN_MANAGE", create_an_experiment_in="CAN_EDIT"),
    *_rules("folder", permit_on="CAN_MANAGE"),
    *_rules("spare folder", delete="CAN_MANAGE on folder"),
    *_rules("notebook", get="CAN_READ", change="CAN_EDIT", permit_on="CAN_MANAGE"),
    *_rules("spare notebook", delete="CAN_MANAGE on folder"),
    *_rules("workspace file", get="CAN_READ", change="CAN_EDIT", permit_on="CAN_MANAGE"),
    *_rules("spare workspace file", delete="CAN_MANAGE on folder"),
    *_rules("query", get="CAN_READ", change="CAN_EDIT", permit_on="CAN_MANAGE"),
    *_rules("query run as owner", change="CAN_MANAGE"),
    *_rules("spare query", change_the_warehouse_of="CAN_MANAGE", delete="CAN_MANAGE"),
    *_rules("dashboard", get="CAN_READ", change="CAN_EDIT", publish="CAN_EDIT", permit_on="CAN_MANAGE"),
    *_rules("spare dashboard", delete="CAN_MANAGE"),
    *_rules("experiment", get="CAN_READ", change="CAN_EDIT", permit_on="CAN_MANAGE"),
    *_rules("spare experiment", delete="CAN_EDIT on folder"),
    *_rules("Git folder", get="CAN_READ", permit_on="CAN_MANAGE"),
    *_rules("file of Git folder", get="CAN_READ", change="CAN_EDIT"),
    *_rules("spare Git folder", delete="CAN_MANAGE"),
    *_rules("alert", get="CAN_RUN", change="CAN_MANAGE", permit_on="CAN_MANAGE"),
    *_rules("spare alert", delete="CAN_MANAGE"),
)
OTHERS = (
    *_rules("pipeline", get="CAN_VIEW", change="CAN_MANAGE", permit_on="CAN_MANAGE"),
    *_rules("spare pipeline", delete="CAN_MANAGE"),
    *_rules("serving endpoint", get="CAN_VIEW", permit_on="CAN_MANAGE"),
    *_rules("spare serving endpoint", delete="CAN_MANAGE"),
    *_rules("cluster policy", get="CAN_USE"),
    *(Rule("REST", verb, "cluster policy", "ADMIN on workspace") for verb in ("change", "permit on")),
    Rule("REST", "delete", "spare cluster policy", "ADMIN on workspace"),
    *_rules("secret scope", list_secrets_of="READ", get_a_secret_of="READ", put_a_secret_into="WRITE"),
    *_rules("secret scope", list_permissions_of="MANAGE", permit_on="MANAGE"),
    *_rules("spare secret scope", delete="MANAGE"),
    Rule("Python", "read a secret of", "secret scope", "ADMIN on workspace | READ"),
)
WORKSPACE = (
    Rule("REST", "make a token in", "workspace", "MEMBER on workspace"),
    *(
        Rule("REST", verb, "workspace", "ADMIN on workspace")
        for verb in (
            *("make a token for another in", "read the token policy of", "change the token policy of"),
            *("create a group in", "create a service principal in", "create a cluster policy in"),
            *("create a user in", "assign a principal to"),
        )
    ),
)
OBJECTS = (*JOBS, *TREE, *OTHERS, *WORKSPACE)
