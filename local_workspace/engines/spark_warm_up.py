"""What sessions do most, done once with nobody waiting: it trains the AOT cache and warms a server that is up."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from local_workspace.engines.spark_connect import SparkConnectServer

# {0} is a directory that the server may write to.
STATEMENTS = (
    "CREATE TABLE delta.`{0}/warm` USING delta AS SELECT id, cast(id AS string) AS name FROM range(100)",
    "MERGE INTO delta.`{0}/warm` t USING (SELECT id, 'x' AS name FROM range(50, 150)) s ON t.id = s.id "
    "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *",
    "SELECT name, count(*), avg(id) FROM delta.`{0}/warm` GROUP BY name ORDER BY 2 LIMIT 5",
    "SELECT row_number() OVER (PARTITION BY name ORDER BY id) FROM delta.`{0}/warm`",
    "DESCRIBE HISTORY delta.`{0}/warm`",
    "SELECT from_json('{{\"a\": 1}}', 'a INT'), to_timestamp('2013-01-01'), current_user()",
)


def warm_up(server: SparkConnectServer) -> None:
    """Run the statements on a server that is ready; what they write is gone afterwards.

    Raises:
        PySparkException, grpc.RpcError: the server failed or is being stopped.
    """
    from pyspark.sql.connect.session import SparkSession

    directory = server.scratch / "warm-up"
    session = SparkSession(connection=f"{server.url}/;user_id=warm-up")
    try:
        session.conf.set("fs.lakehouse.token", server.warm_up_token)
        for statement in STATEMENTS:
            session.sql(statement.format(f"file:{directory}")).collect()
    finally:
        session.stop()
        shutil.rmtree(directory, ignore_errors=True)
