"""The estate: one line per resource. What each type means is in resource_types/.

To add a resource, add a line to the file of its kind; nothing else is to be touched.
"""

from __future__ import annotations

from platform_assets.declarations import artifacts, catalogs, grants, insights, storage
from platform_assets.resource_types.model import Resource

RESOURCES: tuple[Resource, ...] = (
    *storage.RESOURCES,
    *catalogs.RESOURCES,
    *artifacts.RESOURCES,
    *insights.RESOURCES,
    *grants.RESOURCES,
)
