"""How a local workspace looks on a terminal: its addresses, its engines, its start. Only printing lives here."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

    from local_workspace.lifecycle import Endpoints, EngineStatus, WorkspaceStatus

COLOURS: Mapping[str, str] = {
    "up": "green",
    "ready": "green",
    "degraded": "yellow",
    "restarting": "yellow",
    "failed": "red",
}
PATIENCE_S = 15.0  # a warm start takes a third of this


class StartDisplay:
    """Shows the engines as they start: one changing block on a terminal, else a line for each change."""

    def __init__(self, console: Console) -> None:
        from rich.live import Live

        self._console = console
        self._states: dict[str, str] = {}
        self._began = time.monotonic()
        self._live = Live(console=console, transient=True, refresh_per_second=8) if console.is_terminal else None

    def __enter__(self) -> StartDisplay:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def show(self, status: WorkspaceStatus) -> None:
        """Show where the start is."""
        if self._live:
            self._live.update(self._draw(status))
        for engine in status.engines:
            if self._states.get(engine.name) != engine.state:
                self._states[engine.name] = engine.state
                self._note(engine)

    def _note(self, engine: EngineStatus) -> None:
        if engine.state == "ready":
            self._console.print(f"  {engine.name:<8} ready in {engine.start_seconds:.1f} s", highlight=False)
        elif engine.state == "starting" and not self._live:
            self._console.print(f"  {engine.name:<8} starting", highlight=False)

    def _draw(self, status: WorkspaceStatus) -> RenderableType:
        from rich.spinner import Spinner

        seconds = time.monotonic() - self._began
        waiting = [engine.name for engine in status.engines if engine.state != "ready"] or ["gateway"]
        text = f" {', '.join(waiting)}  {seconds:.0f} s"
        if seconds > PATIENCE_S and "spark" in waiting:
            text += "  (the first start on a machine fetches and checks Spark's jars)"
        return Spinner("dots", text)


def print_endpoints(console: Console, endpoints: Endpoints, directory: str, name_option: str) -> None:
    """Print where everything listens and how a client gets in."""
    rows = {
        "Databricks REST API": endpoints.host,
        "AWS (S3, SQS, IAM, STS, KMS)": endpoints.aws_endpoint,
        "Spark Connect": endpoints.spark_connect or "-",
        "State and logs": directory,
        "For any client": f'eval "$(lakehouse local token --env{name_option})"',
        "For a browser": f"lakehouse local link{name_option}",
    }
    for label, value in rows.items():
        console.print(f"  {label:<30}{value}", markup=False, highlight=False, soft_wrap=True)


def print_status(console: Console, status: WorkspaceStatus) -> None:
    """Print the workspace and its engines, and what went wrong with them."""
    colour = COLOURS.get(status.state, "default")
    console.print(f"Workspace '{status.name}' is [{colour}]{status.state}[/]  ({status.directory})", soft_wrap=True)
    if status.failure:
        console.print(f"  {status.failure}", markup=False, style="red", soft_wrap=True)
    if status.engines:
        console.print(engines_table(status.engines))
    for engine in status.engines:
        if engine.last_failure:
            times = f"restarted {engine.restarts}×; last: " if engine.restarts else ""
            console.print(
                f"  {engine.name}: {times}{engine.last_failure}", markup=False, style="yellow", soft_wrap=True
            )


def engines_table(engines: list[EngineStatus]) -> Table:
    """Return the engines as a table."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("engine")
    table.add_column("state")
    for name in ("since", "pid", "port", "memory", "restarts"):
        table.add_column(name, justify="right")
    for engine in engines:
        memory = f"{engine.memory_mb} MB" if engine.memory_mb is not None else "-"
        numbers = [str(value) if value is not None else "-" for value in (engine.pid, engine.port)]
        state = f"[{COLOURS.get(engine.state, 'default')}]{engine.state}[/]"
        table.add_row(engine.name, state, format_age(engine.since), *numbers, memory, str(engine.restarts))
    return table


def format_age(since: float) -> str:
    """Return how long ago that was, in the largest unit that says enough."""
    if not since:
        return "-"
    seconds = max(0, int(time.time() - since))
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
