"""Who may do what: one line per securable. Roles are resolved to principals by the target."""

from platform_assets.resource_types.grants import Grants
from platform_assets.resource_types.model import Resource

_BUILD = ("USE_SCHEMA", "CREATE_TABLE", "SELECT", "MODIFY")
_READ = ("USE_SCHEMA", "SELECT")

RESOURCES: tuple[Resource, ...] = (
    Grants("external_location.lake", {"pipeline": ("CREATE_EXTERNAL_TABLE",)}),
    Grants("catalog.flights", {"pipeline": ("USE_CATALOG",), "analysts": ("USE_CATALOG",)}),
    Grants("schema.flights.bronze", {"pipeline": _BUILD}),
    Grants("schema.flights.silver", {"pipeline": _BUILD}),
    Grants("schema.flights.gold", {"pipeline": _BUILD, "analysts": _READ}),
    Grants("schema.flights.ops", {"pipeline": _BUILD}),
    Grants("volume.flights.bronze.landing", {"pipeline": ("READ_VOLUME",)}),
    Grants("volume.flights.ops.artifacts", {"pipeline": ("READ_VOLUME",)}),
    Grants("volume.flights.ops.pipes", {"pipeline": ("READ_VOLUME", "WRITE_VOLUME")}),
    Grants("volume.flights.ops.checkpoints", {"pipeline": ("READ_VOLUME", "WRITE_VOLUME")}),
)
