"""Entry point of the gateway process: `python -m local_workspace.lifecycle.serve`, started by `lifecycle.up`.

Ends on SIGTERM with all state saved; when it is killed, the kernel ends its engines.
"""

from __future__ import annotations

import argparse
import faulthandler
import logging
import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

from local_workspace.lifecycle.files import remove_endpoints
from local_workspace.lifecycle.locks import LockHeld, hold_lock

ENGINES = ("moto", "spark", "pool")


def main() -> None:
    """Hold the workspace's lock and serve it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("--cache-home", type=Path, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--region")
    parser.add_argument("--warm-up", action="store_true")
    arguments = parser.parse_args()
    os.umask(0o077)  # of the gateway and of all that it starts: state is its owner's alone
    faulthandler.register(signal.SIGUSR1)  # `kill -USR1` writes every thread's stack to the log
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("botocore").setLevel(logging.WARNING)
    try:
        with hold_lock(arguments.directory / "gateway.lock", timeout_s=0):
            serve(arguments)
    except LockHeld as error:
        sys.exit(f"this workspace has a gateway already: {error}")


def serve(arguments: argparse.Namespace) -> NoReturn:
    """Run the gateway until a signal ends it."""
    from local_workspace.lifecycle.gateway_process import GatewayProcess  # half a second of imports

    remove_endpoints(arguments.directory)
    engines = tuple(name for name in arguments.engines.split(",") if name)
    gateway = GatewayProcess(
        arguments.directory, arguments.name, arguments.cache_home, engines, arguments.region, arguments.warm_up
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: gateway.stop())
    code = gateway.run()
    logging.shutdown()
    # All state is saved and all engines are gone. Libraries' exit hooks are not run: pyspark's, for one, calls the
    # stopped Spark server, and retries for ten minutes.
    os._exit(code)


if __name__ == "__main__":
    main()
