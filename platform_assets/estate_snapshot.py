"""The estate's snapshot as an asset: after everything that it shows, a new version only when something has changed."""

import dagster as dg

from lakehouse.targets import current_target
from platform_assets.assets import OWNER
from platform_assets.declarations import RESOURCES
from platform_assets.lineage import find_last
from platform_assets.recovery.drill import Export, export_estate

KEY = dg.AssetKey(["snapshot", "estate"])


@dg.asset(
    key=KEY,
    deps=[dg.AssetKey(key.split("/")) for key in find_last(RESOURCES)],  # by way of which it comes after all
    group_name="platform_recovery",
    kinds={"s3", "aws"},
    owners=[OWNER],
    tags={"domain": "platform"},
)
def export_estate_snapshot(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """The estate as it is, as a version in the recovery bucket, from which `lakehouse rebuild` makes an equal one."""
    done = export_estate(current_target())
    for key, reason in done.snapshot.left_out.items():
        context.log.warning("Not in the snapshot: %s: %s", key, reason)
    return dg.MaterializeResult(metadata=_describe(done), data_version=dg.DataVersion(done.snapshot.content[:12]))


def _describe(done: Export) -> dict[str, dg.MetadataValue]:
    changes = [("added", done.changes.added), ("changed", done.changes.changed), ("removed", done.changes.removed)]
    lines = [f"- {what} `{key}`" for what, keys in changes for key in keys]
    left_out = [f"- `{key}`: {reason}" for key, reason in done.snapshot.left_out.items()]
    return {
        "version": dg.MetadataValue.int(done.number),
        "is_new": dg.MetadataValue.bool(done.is_new),
        "place": dg.MetadataValue.text(done.place),
        "resources": dg.MetadataValue.int(len(done.snapshot.entries)),
        **{what: dg.MetadataValue.int(len(keys)) for what, keys in changes},
        "since_the_last": dg.MetadataValue.md("\n".join(lines) or "nothing changed"),
        "left_out": dg.MetadataValue.md("\n".join(left_out) or "nothing"),
        "content": dg.MetadataValue.text(done.snapshot.content),
        "code": dg.MetadataValue.text(done.snapshot.code),
    }
