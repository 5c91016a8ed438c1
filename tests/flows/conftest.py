"""The whole path on the warm workspace: tables, landed files, queue and checkpoint as if the estate were new."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest

from lakehouse.targets import Target


@dataclass
class Flow:
    """A target with its Dagster instance: land, let the sensor run what it wants, ask."""

    target: Target
    instance: dg.DagsterInstance

    def put(self, key: str, text: str) -> None:
        from lakehouse.workspace import open_aws

        s3 = open_aws(self.target, "deployer").client("s3")
        s3.put_object(Bucket=self.target.bucket("landing"), Key=key, Body=text.encode())

    def put_rows(self, key: str, rows: list[dict[str, Any]]) -> None:
        self.put(key, "".join(json.dumps(row) + "\n" for row in rows))

    def land(self, first: date, last: date) -> Any:
        from demo.landing import land

        return land(self.target, first, last, lambda _: None)

    def run_arrivals(self) -> Any:
        from demo.arrivals import run_arrivals

        return run_arrivals(self.instance, False, lambda _: None)

    def ask(self, statement: str) -> pd.DataFrame:
        """Ask as the pipeline; `{flights}` is the catalog."""
        from demo.warehouse import Warehouse

        answer = Warehouse(self.target, "pipeline").ask(statement.format(flights=self.target.catalog("flights")))
        return pd.DataFrame(list(answer.rows), columns=list(answer.columns))

    def messages(self, purpose: str) -> int:
        from lakehouse.workspace import open_aws

        sqs = open_aws(self.target, "pipeline").client("sqs")
        url = sqs.get_queue_url(QueueName=self.target.queue(purpose))["QueueUrl"]
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]  # type: ignore[arg-type]
        return sum(map(int, counts.values()))

    def peek_events(self) -> list[str]:
        """Return the bodies of all waiting messages, leaving them where they are."""
        from lakehouse.workspace import open_aws

        sqs = open_aws(self.target, "deployer").client("sqs")
        url = sqs.get_queue_url(QueueName=self.target.queue("landing-events"))["QueueUrl"]
        found: dict[str, tuple[str, str]] = {}
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=60).get(
            "Messages"
        ):
            found |= {message["MessageId"]: (message["ReceiptHandle"], message["Body"]) for message in messages}
        for receipt, _ in found.values():
            sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=receipt, VisibilityTimeout=0)
        return [body for _, body in found.values()]

    def send(self, body: str) -> None:
        from lakehouse.workspace import open_aws

        sqs = open_aws(self.target, "deployer").client("sqs")
        url = sqs.get_queue_url(QueueName=self.target.queue("landing-events"))["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody=body)


@pytest.fixture(scope="module")
def flow(estate: Target, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flow]:
    from demo.dagster_runs import open_instance

    clear(estate)
    home: Path = tmp_path_factory.mktemp("dagster")
    with open_instance(home) as instance:
        yield Flow(estate, instance)


def clear(target: Target) -> None:
    """Remove what other tests of the session have left."""
    from lakehouse.workspace import open_aws

    deployer = open_aws(target, "deployer")
    s3, sqs = deployer.resource("s3"), deployer.client("sqs")
    s3.Bucket(target.bucket("landing")).objects.delete()
    drop_tables(target)
    s3.Bucket(target.bucket("lake")).objects.filter(Prefix="external/").delete()
    remove_checkpoints(target)
    for purpose in ("landing-events", "landing-events-dead-letters"):
        empty_queue(sqs, sqs.get_queue_url(QueueName=target.queue(purpose))["QueueUrl"])


def drop_tables(target: Target) -> None:
    from data_assets.tables import STEPS
    from demo.warehouse import Warehouse

    for step in STEPS:
        for table in step.tables:
            Warehouse(target, "admin").ask(f"DROP TABLE IF EXISTS {table.parsed.on(target)}")


def remove_checkpoints(target: Target) -> None:
    from lakehouse.names import physical_name
    from lakehouse.workspace import open_aws, open_workspace

    volume = open_workspace(target, "admin").volumes.read(physical_name(target, "flights.ops.checkpoints"))
    bucket, _, prefix = (volume.storage_location or "").removeprefix("s3://").partition("/")
    open_aws(target, "deployer").resource("s3").Bucket(bucket).objects.filter(Prefix=f"{prefix}/").delete()


def empty_queue(sqs: Any, url: str) -> None:
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            with contextlib.suppress(sqs.exceptions.ReceiptHandleIsInvalid):
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
