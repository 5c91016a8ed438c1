"""What is built here and run there."""

from lakehouse.wheels import STEPS, STEPS_VOLUME
from platform_assets.resource_types.model import Resource
from platform_assets.resource_types.wheel_upload import WheelUpload

RESOURCES: tuple[Resource, ...] = (WheelUpload(STEPS.package, STEPS, STEPS_VOLUME),)
