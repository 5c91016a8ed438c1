"""`lakehouse local`: the Databricks workspace on this machine — up, down, status, reset, token, link, logs."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from lakehouse.cli.consoles import open_console
from lakehouse.targets import Target, local_target, read_settings

app = typer.Typer(help="The Databricks workspace on this machine.", no_args_is_help=True)

Name = Annotated[
    str | None, typer.Option("--name", "-n", help="which workspace; LAKEHOUSE_WORKSPACE or 'default' when left out")
]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON on stdout, everything else on stderr")]


def add_commands(parent: typer.Typer) -> None:
    """Hang `local` into the command line."""
    parent.add_typer(app, name="local")


@app.command("up")
def bring_up(name: Name = None, as_json: AsJson = False) -> None:
    """Bring the workspace up, or find it up, and print where it listens."""
    from lakehouse.cli.local_display import StartDisplay, print_endpoints
    from local_workspace import lifecycle

    name, home = _choose(name)
    console = open_console(as_json)
    cache, region = read_settings().cache_home, local_target(home, name).region
    if lifecycle.status(name, home).state in ("up", "degraded"):
        endpoints = lifecycle.up(name, home, cache, region=region)
    else:
        console.print(f"Starting workspace '{name}'", highlight=False)
        with StartDisplay(console) as display:
            endpoints = lifecycle.up(name, home, cache, on_progress=display.show, region=region, warm_up=True)
    if as_json:
        _print_json(asdict(endpoints))
        return
    console.print(f"Workspace '{name}' is up", highlight=False)
    print_endpoints(console, endpoints, str(lifecycle.workspace_home(home, name)), _name_option(name))


@app.command("down")
def take_down(
    name: Name = None,
    every: Annotated[bool, typer.Option("--all", help="all workspaces of this state directory")] = False,
    as_json: AsJson = False,
) -> None:
    """Stop the workspace and save its state."""
    from local_workspace import lifecycle

    chosen, home = _choose(name)
    stopped = [
        {"name": one, "was_up": lifecycle.down(one, home)}
        for one in (lifecycle.list_workspaces(home) if every else [chosen])
    ]
    if as_json:
        _print_json(stopped if every else stopped[0])
        return
    for one in stopped:
        state = "is down, its state is kept" if one["was_up"] else "was not up"
        print(f"Workspace '{one['name']}' {state}")


@app.command("status")
def show_status(name: Name = None, as_json: AsJson = False) -> None:
    """Show the workspace and its engines: state, process, port, memory, restarts."""
    from lakehouse.cli.local_display import print_status
    from local_workspace import lifecycle

    name, home = _choose(name)
    status = lifecycle.status(name, home)
    if as_json:
        _print_json(asdict(status))
    else:
        print_status(open_console(), status)


@app.command("reset")
def reset_state(
    name: Name = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask")] = False,
) -> None:
    """Remove all of the workspace's state: catalogs, tables, objects, runs, principals."""
    from local_workspace import lifecycle

    name, home = _choose(name)
    directory = lifecycle.workspace_home(home, name)
    if not directory.exists():
        print(f"Workspace '{name}' has no state")
        return
    if lifecycle.status(name, home).state != "down":
        raise lifecycle.WorkspaceIsUp(
            f"Workspace '{name}' is up; stop it first: lakehouse local down{_name_option(name)}"
        )
    if not yes:
        typer.confirm(f"Remove all state of workspace '{name}' in {directory}?", abort=True)
    lifecycle.reset(name, home)
    print(f"Workspace '{name}' starts over")


@app.command("token")
def show_token(
    name: Name = None,
    principal: Annotated[
        str, typer.Option("--as", help="admin, deployer, pipeline, analyst, outsider, or one of these by its name")
    ] = "admin",
    env: Annotated[
        bool, typer.Option("--env", help="print the exports that point any client to the workspace")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print a principal's token, or with --env all that a client needs."""
    from lakehouse.cli.local_access import format_exports, read_access

    access = read_access(_running_target(*_choose(name)), principal)
    if as_json:
        _print_json(access.variables)
    else:
        print(format_exports(access.variables) if env else access.token)


@app.command("link")
def show_link(
    page: Annotated[
        str, typer.Argument(help="a page, such as /jobs/runs, or the URL of a run; the first page when left out")
    ] = "",
    name: Name = None,
    principal: Annotated[
        str, typer.Option("--as", help="admin, deployer, pipeline, analyst, outsider, or one of these by its name")
    ] = "admin",
) -> None:
    """Print a link to the workspace's web pages that logs a browser in: once, within two minutes."""
    from lakehouse.cli.local_access import make_page_link, read_access

    print(make_page_link(read_access(_running_target(*_choose(name)), principal), page))


@app.command("logs")
def show_logs(
    name: Name = None,
    engine: Annotated[str | None, typer.Option(help="gateway, moto, spark or pool; all when left out")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="go on as lines come")] = False,
    lines: Annotated[int, typer.Option(min=0, help="how many of the last lines of each log")] = 50,
) -> None:
    """Print what the gateway and the engines wrote."""
    from local_workspace import lifecycle

    name, home = _choose(name)
    for source, line in lifecycle.read_logs(name, home, engine, lines, follow):
        print(f"{source}: {line}", flush=follow)


def _choose(name: str | None) -> tuple[str, Path]:
    settings = read_settings()
    return name or settings.workspace, settings.home


def _running_target(name: str, home: Path) -> Target:
    from lakehouse.cli.local_access import WorkspaceIsDown
    from local_workspace import lifecycle

    if lifecycle.status(name, home).state == "down":
        raise WorkspaceIsDown(f"Workspace '{name}' is down; bring it up first: lakehouse local up{_name_option(name)}")
    return local_target(home, name)


def _name_option(name: str) -> str:
    return "" if name == read_settings().workspace else f" --name {name}"


def _print_json(document: Any) -> None:
    json.dump(document, sys.stdout, indent=2)
    print()
