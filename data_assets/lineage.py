"""What a table comes after: the tables it reads, what is granted to its step, and the node of what all steps run with.

What another edge implies is left out, so that the flow of data can be seen in the graph.
"""

import dagster as dg

from data_assets.plans import CHECKPOINTS_VOLUME, LANDING_VOLUME
from data_assets.remote_steps import PIPES_VOLUME, TEAM
from data_assets.tables.model import Step, Table
from lakehouse.names import resource_key, table_key
from lakehouse.wheels import STEPS as WHEEL

STEP_RUNTIME = resource_key("step_runtime", WHEEL.package)


def describe_step_runtime() -> dg.AssetSpec:
    """Return the one node by way of which tables come after what their steps run with.

    It has no state of its own and nobody materializes it: it stands for the resources that it comes after.
    """
    return dg.AssetSpec(
        key=STEP_RUNTIME,
        deps=list_runtime(),
        description="What all steps run with: their wheel, the volume of messages, the volume of checkpoints.\n\n"
        "It stands for these resources and is never materialized itself.",
        group_name="step_runtime",
        kinds={"databricks"},
        owners=[f"team:{TEAM}"],
        tags={"domain": "platform"},
    )


def list_runtime() -> list[dg.AssetKey]:
    """Return the platform resources that steps run with, whichever table they build."""
    volumes = [resource_key("grants", "volume", *name.split(".")) for name in (PIPES_VOLUME, CHECKPOINTS_VOLUME)]
    return [resource_key("wheel", WHEEL.package), *volumes]


def list_dependencies(step: Step, table: Table) -> list[dg.AssetKey]:
    """Return the tables a table is built of, and the platform resources that nothing else of it implies.

    A table comes after its schema by way of the grants on it, and after what steps run with by way of a table it reads.
    Each table that it reads is named, even one that another is built of: that is where its rows come from.
    """
    return [
        *(table_key(name) for name in step.reads),
        *list_grants(step, table),
        *([] if step.reads else [STEP_RUNTIME]),
    ]


def list_grants(step: Step, table: Table) -> list[dg.AssetKey]:
    """Return the grants on where this table is written, and on where its step reads files."""
    return [
        resource_key("grants", "schema", table.parsed.catalog, table.parsed.schema),
        *([resource_key("grants", "volume", *LANDING_VOLUME.split("."))] if step.landing else []),
        *([resource_key("grants", "external_location", "lake")] if table.folder else []),
    ]
