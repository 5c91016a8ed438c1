"""`lakehouse doctor`: checks all that the project stands on here, says what is wrong, and mends it with --mend."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lakehouse.cli.consoles import open_console

if TYPE_CHECKING:
    from rich.console import Console

_COLOURS = {"ok": "green", "mended": "green", "warning": "yellow", "broken": "red"}


@dataclass(frozen=True)
class Finding:
    """What a check found: `remedy` says what to do where it is not ok."""

    check: str
    state: Literal["ok", "warning", "broken", "mended"]
    detail: str
    remedy: str = ""


@dataclass(frozen=True)
class Check:
    """Something to look at; `mend` repairs what was found broken, None where only a person can."""

    name: str
    look: Callable[[], Finding]
    mend: Callable[[], None] | None = None


def add_commands(parent: typer.Typer) -> None:
    """Hang `doctor` into the command line."""
    parent.command("doctor")(examine)


def examine(
    mend: Annotated[bool, typer.Option("--mend", help="repair what can be repaired without losing state")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON on stdout, everything else on stderr")] = False,
) -> None:
    """Check environment, caches, disk, registries, ports, local workspace, Dagster instance. Exit code 1: broken."""
    from lakehouse.cli.doctor_checks import list_checks
    from lakehouse.targets import read_settings

    console = open_console(as_json)
    findings = []
    for check in list_checks(read_settings()):
        finding = _examine_one(check, mend)
        findings.append(finding)
        _show(console, finding)
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings]))
    if any(finding.state == "broken" for finding in findings):
        raise typer.Exit(1)


def _examine_one(check: Check, may_mend: bool) -> Finding:
    finding = check.look()
    if finding.state != "broken" or not may_mend or check.mend is None:
        return finding
    check.mend()
    again = check.look()
    return replace(again, state="mended", detail=f"was: {finding.detail}") if again.state != "broken" else again


def _show(console: Console, finding: Finding) -> None:
    from rich.text import Text

    line = Text.assemble(
        f"{finding.check:<12} ", (f"{finding.state:<8}", _COLOURS[finding.state]), f" {finding.detail}"
    )
    console.print(line, soft_wrap=True)
    if finding.remedy and finding.state in ("warning", "broken"):
        console.print(Text(f"{'':<12} -> {finding.remedy}"), soft_wrap=True)
