"""The jobs of both code locations, as functions that Dagster can find again by their name."""

from __future__ import annotations

import dagster as dg


def estate() -> dg.JobDefinition:
    """The job that reconciles the estate."""
    return load_platform().resolve_job_def("estate")


def arrival() -> dg.JobDefinition:
    """The job from bronze to gold."""
    return load_tables().resolve_job_def("arrival")


def load_platform() -> dg.Definitions:
    """Return the code location platform_assets."""
    from platform_assets.definitions import defs

    return defs


def load_tables() -> dg.Definitions:
    """Return the code location data_assets."""
    from data_assets.definitions import defs

    return defs
