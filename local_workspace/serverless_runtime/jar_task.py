"""Runs the main class of a JAR task in a Java process of the worker's group, with the run's session and rights.

The other half is spark_catalog's JarTask.java; the JARs were fetched by the gateway (engines/environments.py).
"""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

from local_workspace.engines.processes import TETHER
from local_workspace.engines.spark_session import session_settings, session_url
from local_workspace.serverless_runtime.assignment import Assignment, TaskReport
from local_workspace.serverless_runtime.gateway_client import GatewayClient
from local_workspace.serverless_runtime.session import list_catalogs

# Libraries warn of what is no concern of a task's author; what user code logs is shown from INFO on.
LOGGING = """\
appender.out.type=Console
appender.out.name=out
appender.out.target=SYSTEM_ERR
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{yy/MM/dd HH:mm:ss} %p %c{1}: %m%n%ex
rootLogger.level=info
rootLogger.appenderRef.out.ref=out
logger.spark.name=org.apache.spark
logger.spark.level=error
logger.shaded.name=org.sparkproject
logger.shaded.level=error
"""


def run_jar(assignment: Assignment, client: GatewayClient) -> TaskReport:
    """Run the main class to its end; cancellation ends the Java process, which is in this process's group."""
    report = Path("java-report.xml").absolute()
    options, logging = Path("java.options"), Path("log4j2.properties").absolute()
    logging.write_text(LOGGING)
    options.touch(mode=0o600)  # not on the command line: any process may read that, and it holds the token
    properties = dict(_properties(assignment, client, report, logging))
    options.write_text("\n".join(f"-D{name}={_quote(value)}" for name, value in properties.items()))
    *java, bootstrap = assignment.java
    command = [*java, f"@{options}", bootstrap, *assignment.parameters]
    tethered = [sys.executable, "-I", "-S", str(TETHER), str(os.getpid()), "9", *command]
    sys.stdout.flush()
    with subprocess.Popen(tethered, stdin=subprocess.DEVNULL) as process:
        try:
            code = process.wait()
        finally:
            process.kill()
    if code == 0:
        return TaskReport(ok=True)
    if report.exists():
        said = read_report(report)
        return TaskReport(ok=False, error=said["error"], error_trace=said["error_trace"], failure="workload")
    return TaskReport(ok=False, error=word_exit(code), failure="workload")


def read_report(path: Path) -> dict[str, str]:
    """Return what the bootstrap class wrote of an uncaught exception."""
    return {entry.attrib["key"]: entry.text or "" for entry in ET.parse(path).getroot().iter("entry")}


def word_exit(code: int) -> str:
    """Return how a Java process ended that threw nothing."""
    if code < 0:
        return f"The Java process was ended by signal {-code}"
    return f"The Java process exited with code {code}: a JAR task succeeds when main returns or exits with 0"


def _properties(
    assignment: Assignment, client: GatewayClient, report: Path, logging: Path
) -> Iterator[tuple[str, str]]:
    yield "spark.remote", session_url(assignment.spark_url, assignment.principal, assignment.session_id)
    yield "log4j2.configurationFile", str(logging)
    yield "lakehouse.main", assignment.entry_point
    yield "lakehouse.jars", os.pathsep.join(assignment.jars)
    yield "lakehouse.report", str(report)
    for name, value in session_settings(assignment.token, list_catalogs(client)).items():
        yield f"lakehouse.session.{name}", value


def _quote(value: str) -> str:
    """Quote for Java's argument files."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
