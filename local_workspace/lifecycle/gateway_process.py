"""One running workspace inside its gateway process: engines, REST API, profile files, in the right order.

Starting this as a process is serve.py's, asking for it from outside control.py's.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from local_workspace import services
from local_workspace.engines.moto_server import MotoServer
from local_workspace.gateway.app import SERVICES, create_app, load_routes
from local_workspace.gateway.faults import FaultLayer, FaultRules, fault_routes
from local_workspace.gateway.request_log import RequestLog, RequestLogLayer, TokenNames, request_log_routes
from local_workspace.gateway.workspace import AWS_ACCOUNT, REGION, Workspace
from local_workspace.lifecycle import files, identities
from local_workspace.lifecycle.health import describe_engine, health_routes, write_progress
from local_workspace.lifecycle.listener import choose_port, listen, read_ports, write_ports
from local_workspace.lifecycle.supervisor import Engine, Supervisor
from local_workspace.services.jobs.records import active_runs

log = logging.getLogger(__name__)


class GatewayProcess:
    """One workspace, from its first port to its last snapshot."""

    def __init__(
        self,
        directory: Path,
        name: str,
        cache_home: Path,
        engines: tuple[str, ...],
        region: str | None = None,
        warm_up: bool = False,
    ) -> None:
        self._directory = directory
        self._cache_home = cache_home
        self._state, self._failure = "starting", ""
        self._publishing = threading.Lock()
        self._listener, self.workspace = self._take_ports(name, region or REGION)
        self._left_over = active_runs(self.workspace.store)  # before anybody can begin another
        makers: dict[str, Callable[[], Engine]] = {
            "moto": self._make_moto,
            "spark": self._make_spark,
            "pool": self._make_pool,
        }
        chosen = {engine: makers[engine] for engine in engines}
        after = {"moto": self._bootstrap, **({"spark": self._begin_warm_up} if warm_up else {})}
        self._supervisor = Supervisor(chosen, self._publish, after)
        self._server: _Server | None = None
        self._told_to_stop = threading.Event()
        self._has_imported = threading.Event()

    def run(self) -> int:
        """Serve until `stop`; return the exit code."""
        threading.Thread(target=self._come_up, name="come-up", daemon=True).start()
        try:
            self._serve()
        except Exception as error:
            log.exception("the REST API ended")
            self._fail(error)
        self._enter("stopping")
        self._supervisor.stop()
        self._enter("down")
        return 1 if self._failure else 0

    def stop(self) -> None:
        """Make `run` end; safe in a signal handler."""
        self._told_to_stop.set()
        if self._server is not None:
            self._server.should_exit = True

    def describe(self, with_memory: bool = True) -> dict[str, Any]:
        """Return the health document."""
        engines = [describe_engine(record, with_memory) for record in self._supervisor.records.values()]
        degraded = self._state == "up" and any(engine.state != "ready" for engine in engines)
        return {
            "name": self.workspace.name,
            "state": "degraded" if degraded else self._state,
            "directory": str(self._directory),
            "engines": [asdict(engine) for engine in engines],
            "failure": self._failure or None,
        }

    def _serve(self) -> None:
        application = build_application(self.workspace, self.describe)  # imports for a second, engines start meanwhile
        self._has_imported.set()
        self._server = _Server(application)
        self._server.should_exit = self._told_to_stop.is_set()
        self._server.run([self._listener])

    def _come_up(self) -> None:
        try:
            identities.ensure_principals(self.workspace.store)
            tokens = identities.ensure_tokens(self.workspace.store, self._directory)
            files.write_databricks_profiles(self._directory, self.workspace.host, tokens)
            self._supervisor.start()
            while not (self._server and self._server.started):
                if self._told_to_stop.wait(0.01):
                    return
            if "pool" in self._supervisor.records:
                self._take_up_jobs()
            if "spark" in self._supervisor.records:
                self._watch_alerts()
            self._enter("up")
        except Exception as error:
            log.exception("the workspace did not come up")
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        """End the process; `up` reports why."""
        self._failure = f"{type(error).__name__}: {error}"
        self.stop()

    def _bootstrap(self) -> None:
        if not self._await_imports():
            return
        keys = identities.ensure_aws_users(self.workspace, self._directory)
        files.write_aws_profiles(self._directory, self.workspace.aws_endpoint, self.workspace.region, keys)
        for service in SERVICES:
            if (Path(services.__file__).parent / service / "bootstrap.py").exists():
                import_module(f"local_workspace.services.{service}.bootstrap").bootstrap(self.workspace)

    def _begin_warm_up(self) -> None:
        threading.Thread(target=self._warm_up, name="warm-up", daemon=True).start()

    def _warm_up(self) -> None:
        spark = self.workspace.engines.spark
        if spark is None or not self._await_imports():
            return
        from grpc import RpcError
        from pyspark.errors import PySparkException

        from local_workspace.engines.spark_warm_up import warm_up

        began = time.monotonic()
        try:
            warm_up(spark)
        except (PySparkException, RpcError) as error:  # nothing waits for it; what ails Spark shows where it is used
            log.warning("Spark was not warmed up: %s", error)
        else:
            log.info("Spark is warm after %.1f s", time.monotonic() - began)

    def _await_imports(self) -> bool:
        """Return True once pyspark may be imported, False when told to stop.

        Its modules import each other in circles: two threads at once in different ones fail, or wait for ever.
        """
        while not self._has_imported.wait(0.1):
            if self._told_to_stop.is_set():
                return False
        return True

    def _take_up_jobs(self) -> None:
        from local_workspace.services.jobs.clock import ScheduleClock
        from local_workspace.services.jobs.runner import runner_of

        runner_of(self.workspace).recover(self._left_over)
        ScheduleClock(self.workspace).start()

    def _watch_alerts(self) -> None:
        from local_workspace.services.alerts.clock import AlertClock

        AlertClock(self.workspace).start()

    def _enter(self, state: str) -> None:
        self._state = state
        self._publish()

    def _publish(self) -> None:
        with self._publishing:
            write_progress(self._directory, self.describe(with_memory=False))
            if self._state == "up":
                files.write_endpoints(self._directory, self._endpoints())
            else:
                files.remove_endpoints(self._directory)

    def _endpoints(self) -> files.Endpoints:
        workspace, records = self.workspace, self._supervisor.records.values()
        pids = {record.name: record.engine.pid for record in records if record.engine and record.engine.pid}
        pids["gateway"] = os.getpid()
        return files.Endpoints(
            workspace.name, workspace.host, workspace.aws_endpoint, workspace.spark_url, os.getpid(), pids
        )

    def _take_ports(self, name: str, region: str) -> tuple[socket.socket, Workspace]:
        before = read_ports(self._directory)
        listener = listen(before.get("gateway"))
        ports = {engine: choose_port(before.get(engine)) for engine in ("moto", "spark")}
        ports["gateway"] = listener.getsockname()[1]
        write_ports(self._directory, ports)
        self._ports = ports
        host, aws = (f"http://127.0.0.1:{ports[engine]}" for engine in ("gateway", "moto"))
        return listener, Workspace(name, self._directory, host, aws, region=region)

    def _make_moto(self) -> Engine:
        key_id, secret = self.workspace.root_keys.values()
        moto = MotoServer(self._directory, AWS_ACCOUNT, key_id, secret, port=self._ports["moto"])
        self.workspace.engines.moto = moto
        return moto

    def _make_spark(self) -> Engine:
        from local_workspace.engines.spark_connect import SparkConnectServer
        from local_workspace.engines.toolchain import ensure_toolchain

        workspace, toolchain = self.workspace, ensure_toolchain(self._cache_home, say=log.info)
        spark = SparkConnectServer(
            toolchain,
            self._directory,
            workspace.aws_endpoint,
            workspace.host,
            port=self._ports["spark"],
            engine_secret=workspace.engine_secret,
        )
        workspace.engines.spark, workspace.spark_url = spark, spark.url
        return spark

    def _make_pool(self) -> Engine:
        from local_workspace.engines.serverless_pool import ServerlessPool

        self.workspace.engines.pool = pool = ServerlessPool(self._directory)
        return pool


def build_application(workspace: Workspace, describe: Callable[[], dict[str, Any]]) -> ASGIApp:
    """Return the whole REST API: the services, and around them the request log and the faults."""
    rules, requests, names = FaultRules(), RequestLog(), TokenNames(workspace.store)
    own = [*fault_routes(rules), *request_log_routes(requests), *health_routes(describe)]
    application = create_app(workspace, [*own, *load_routes()])
    return RequestLogLayer(FaultLayer(application, rules, names), requests, names)


class _Server(uvicorn.Server):
    """uvicorn that leaves signals to the process: it would end it before the engines are stopped."""

    def __init__(self, application: ASGIApp) -> None:
        settings: dict[str, Any] = {"log_config": None, "access_log": False, "proxy_headers": False}
        super().__init__(uvicorn.Config(application, timeout_graceful_shutdown=5, **settings))

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield
