"""What is built here and run there, and the jobs that run it."""

from lakehouse.jars import HELLO_SPARK
from lakehouse.wheels import STEPS, STEPS_VOLUME
from platform_assets.resource_types.jar_upload import JarUpload
from platform_assets.resource_types.job import Job
from platform_assets.resource_types.model import Resource
from platform_assets.resource_types.notebook import Notebook
from platform_assets.resource_types.wheel_upload import WheelUpload

TEST_JAR_JOB = Job(
    "test-jar-job",
    jars=(HELLO_SPARK.name,),
    notebooks=("count_range",),
    volume=STEPS_VOLUME,
    permissions={"pipeline": "CAN_MANAGE_RUN", "analysts": "CAN_VIEW"},
)

RESOURCES: tuple[Resource, ...] = (
    WheelUpload(STEPS.package, STEPS_VOLUME, wheel=STEPS),
    Notebook("copy_file"),
    Notebook("count_range"),
    JarUpload(HELLO_SPARK.name, STEPS_VOLUME),
    TEST_JAR_JOB,
)
