"""A session on the warm workspace's Spark server, and the landing volume as Python sees it, as a step has them."""

from __future__ import annotations

import builtins
import io
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from lakehouse.targets import Target


@pytest.fixture
def session(estate: Target, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A session as the pipeline's; functions of pyspark are then those of Connect."""
    from lakehouse.workspace import open_workspace
    from local_workspace.engines.spark_session import open_session
    from local_workspace.lifecycle.files import read_endpoints

    monkeypatch.setenv("SPARK_CONNECT_MODE_ENABLED", "1")
    assert estate.profiles_home is not None
    token = open_workspace(estate, "pipeline").config.token
    spark_url = read_endpoints(estate.profiles_home).spark_connect
    session = open_session(spark_url, token, estate.principals["pipeline"], [estate.catalog("flights")])
    yield session
    session.stop()


@dataclass(frozen=True)
class Landing:
    """A data set of a test's own in the landing volume, and a step's run over it."""

    target: Target
    session: Any
    dataset: str

    @property
    def path(self) -> str:
        return f"/Volumes/{self.target.catalog('flights')}/bronze/landing/{self.dataset}"

    def put(self, files: Mapping[str, bytes | str], **options: str) -> None:
        from lakehouse.workspace import open_aws

        s3 = open_aws(self.target, "deployer").client("s3")
        for name, content in files.items():
            body = content.encode() if isinstance(content, str) else content
            s3.put_object(Bucket=self.target.bucket("landing"), Key=f"{self.dataset}/{name}", Body=body, **options)  # type: ignore[arg-type]

    def run(self, days: tuple[str, str] | None = None, path: str | None = None, name: str = "probe") -> Any:
        from data_assets.steps._plan import Output, Plan
        from data_assets.steps._run import StepRun

        output = Output(name, name, name, "overwrite", (), daily=days is not None)
        return StepRun(self.session, Plan("probe", (output,), {}, days, landing=path or self.path))


@pytest.fixture
def landing(estate: Target, session: Any) -> Iterator[Landing]:
    from lakehouse.workspace import open_aws, open_workspace
    from local_workspace.serverless_runtime.gateway_client import GatewayClient
    from local_workspace.serverless_runtime.volumes import interpose

    replaced = [(module, dict(vars(module))) for module in (builtins, io, os, shutil)]
    avoids = shutil.rmtree.avoids_symlink_attacks
    config = open_workspace(estate, "pipeline").config
    interpose(GatewayClient(str(config.host), str(config.token)))
    found = Landing(estate, session, f"probe{uuid.uuid4().hex[:8]}")
    yield found
    for module, before in replaced:
        vars(module).update(before)
    shutil.rmtree.avoids_symlink_attacks = avoids
    bucket = open_aws(estate, "deployer").resource("s3").Bucket(estate.bucket("landing"))
    bucket.objects.filter(Prefix=f"{found.dataset}/").delete()
