"""The main job: its phases, each doing one room's work. A second run finds nothing to do and says so."""

from __future__ import annotations

import gc
import warnings
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import dagster as dg
from rich.console import Console

from demo import dagster_jobs
from demo.arrivals import run_arrivals
from demo.checks import read_checks
from demo.dagster_runs import open_instance, run_job
from demo.estate import EstateChanges, read_changes
from demo.flights_data import check_days, read_dataset
from demo.landing import land
from demo.locking import only_one
from demo.phases import Phases
from demo.questions import ask_gold, count_rows
from demo.report import PATH, Report
from lakehouse.targets import Settings


def run(settings: Settings, first: date, last: date, console: Console) -> Report:
    """Do everything for a range of days, write the report file and return the report.

    Raises:
        DemoFailed: with what went wrong and what to do.
    """
    check_days(first, last)
    phases = Phases(console)
    with only_one(settings.home, console):
        prepare(settings, phases)
        with open_instance(settings.dagster_home) as instance:
            report = _run_phases(settings, instance, first, last, phases)
    report.write(PATH)
    return report


def prepare(settings: Settings, phases: Phases) -> None:
    """Start the local workspace (a remote one is there), and load both code locations while it starts."""
    with ThreadPoolExecutor(1) as threads, phases.phase("Start the workspace, load both code locations"):
        loading = threads.submit(_load)
        bring_up(settings)
        loading.result()


def bring_up(settings: Settings) -> None:
    """Start the local workspace, or find it up; a remote one is there."""
    if settings.target_name == "local":
        from local_workspace import lifecycle

        lifecycle.up(
            settings.workspace, settings.home, settings.cache_home, region=settings.target.region, warm_up=True
        )


def reconcile(instance: dg.DagsterInstance, phases: Phases) -> EstateChanges:
    """Bring the estate to what is declared; above all, the wheel of today's steps into its volume."""
    with phases.phase("Reconcile the estate") as say:
        return read_changes(instance, run_job(instance, dagster_jobs.estate, say))


def _load() -> None:
    warnings.filterwarnings("ignore", category=dg.PreviewWarning)  # of Dagster's own Pipes, at every step
    dagster_jobs.load_platform()
    dagster_jobs.load_tables()
    read_dataset("flights")
    gc.freeze()  # it all stays: no need to look through it again and again


def _run_phases(settings: Settings, instance: dg.DagsterInstance, first: date, last: date, phases: Phases) -> Report:
    target, tables = settings.target, dagster_jobs.load_tables()
    estate = reconcile(instance, phases)
    with phases.phase(f"Land {first} to {last}") as say:
        landing = land(target, first, last, say)
    with phases.phase("Sense what arrived, run bronze to gold") as say:
        arrivals = run_arrivals(instance, landing.written > 0, say)
    with phases.phase("Read the checks, ask the warehouse as an analyst"):
        with ThreadPoolExecutor(2) as threads:
            counting, asking = threads.submit(count_rows, target), threads.submit(ask_gold, target)
            checks = read_checks(instance, (dagster_jobs.load_platform(), tables))
        rows, (gold, highlights) = counting.result(), asking.result()
    return Report(target.name, phases, estate, landing, arrivals, checks, rows, gold, highlights)
