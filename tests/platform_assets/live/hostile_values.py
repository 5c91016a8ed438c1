"""Hostile declarations of every type: a sound one, of which a field or two hold values that were derived from its type.

The values are what people and attackers write: other scripts, blanks, quotes, backticks, dots, slashes, wildcards,
braces, control characters, very long texts, empty ones, another case; numbers at and beyond their ends.
"""

from __future__ import annotations

import dataclasses
import sys
import types
import typing
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from hypothesis import strategies as st

from lakehouse.names import TableName, parse_table_name
from lakehouse.wheels import Wheel
from platform_assets.declarations import RESOURCES
from platform_assets.resource_types import dashboard, notebook, volume_file, workspace_file
from platform_assets.resource_types.alert import Alert
from platform_assets.resource_types.catalog import Catalog
from platform_assets.resource_types.cluster_policy import ClusterPolicy
from platform_assets.resource_types.control_plane_role import ControlPlaneRole
from platform_assets.resource_types.dashboard import Dashboard
from platform_assets.resource_types.directory import Directory
from platform_assets.resource_types.experiment import Experiment
from platform_assets.resource_types.external_location import ExternalLocation
from platform_assets.resource_types.function import Function, Parameter
from platform_assets.resource_types.grants import Grants
from platform_assets.resource_types.group import Group
from platform_assets.resource_types.iam_role import StorageRole
from platform_assets.resource_types.jar_upload import JarUpload
from platform_assets.resource_types.job import Job
from platform_assets.resource_types.kms_key import KmsKey
from platform_assets.resource_types.model import Resource
from platform_assets.resource_types.notebook import Notebook
from platform_assets.resource_types.pipeline import Pipeline
from platform_assets.resource_types.query import Query
from platform_assets.resource_types.query_parameters import QueryParameter
from platform_assets.resource_types.registered_model import RegisteredModel
from platform_assets.resource_types.repo import Repo
from platform_assets.resource_types.s3_bucket import S3Bucket
from platform_assets.resource_types.s3_lifecycle import LifecycleRule
from platform_assets.resource_types.schema import Schema
from platform_assets.resource_types.secret_scope import SecretScope
from platform_assets.resource_types.service_principal import ServicePrincipal
from platform_assets.resource_types.serving_endpoint import ServingEndpoint
from platform_assets.resource_types.sql_warehouse import SqlWarehouse
from platform_assets.resource_types.sqs_queue import SqsQueue
from platform_assets.resource_types.storage_credential import StorageCredential
from platform_assets.resource_types.table import Table
from platform_assets.resource_types.table_columns import Column
from platform_assets.resource_types.token_policy import TokenPolicy
from platform_assets.resource_types.user import User
from platform_assets.resource_types.view import View
from platform_assets.resource_types.volume import Volume
from platform_assets.resource_types.volume_file import VolumeFile
from platform_assets.resource_types.wheel_upload import WheelUpload
from platform_assets.resource_types.workspace_assignment import AccountPrincipal, WorkspaceAssignment
from platform_assets.resource_types.workspace_file import WorkspaceFile

_STEPS = next(one for one in RESOURCES if isinstance(one, WheelUpload))
FILES = Volume("flights.ops.reference", files=True)
MODEL = RegisteredModel("flights.gold.served")
# What hostile declarations stand on, beside the project's own estate.
GROUND: tuple[Resource, ...] = (FILES, MODEL, Group("crew", members=("analysts",)), S3Bucket("spare"))
ESTATE: tuple[Resource, ...] = tuple(
    dataclasses.replace(one, buckets=(*one.buckets, "spare")) if isinstance(one, StorageRole) else one
    for one in (*RESOURCES, *GROUND)
)
URL = "https://git.example/flights.git"  # in the place of the test's own remote
SOUND: tuple[Resource, ...] = (
    ServicePrincipal("robot"),
    User("ann@hostile.example", "Ann", ("workspace-access",)),
    Group("team", members=("analysts", "pipeline")),
    WorkspaceAssignment("outside", AccountPrincipal("user", "outsider@lakehouse.example")),
    TokenPolicy(longest_days=30, users=("analysts",)),
    SqlWarehouse("bi", users=("analysts",)),
    ClusterPolicy("small", {"node_type_id": {"type": "fixed", "value": "m5d.large"}}, "Small", users=("analysts",)),
    SecretScope("vault", readers=("pipeline",), writers=("analysts",)),
    Directory("reports", {"analysts": "CAN_READ"}),
    WorkspaceFile("about.md", {"analysts": "CAN_READ"}),
    Experiment("tries", {"analysts": "CAN_READ"}, purpose="Tries", tags={"team": "one"}),
    Repo("code", url=URL, provider="gitHub", branch="main"),
    KmsKey("second"),
    SqsQueue("more-events"),
    S3Bucket("attic", lifecycle=(LifecycleRule("old", expire_days=30),)),
    StorageRole("reader", buckets=("spare",)),
    ControlPlaneRole("compute", networks={"local": ("vpc-0123456789abcdef0", "sg-0123456789abcdef0")}),
    StorageCredential("second"),
    ExternalLocation("spare", bucket="spare"),
    Catalog("sales", purpose="Sales"),
    Schema("flights.extra", purpose="Extra"),
    Volume("flights.gold.files", purpose="Files"),
    VolumeFile("airlines.csv", FILES),
    Table("flights.gold.counts", (Column("id", "BIGINT"), Column("n", "DECIMAL(10, 2)", "How many")), purpose="Counts"),
    Function("flights.gold.double", (Parameter("n", "INT"),), "INT", "NULL", purpose="Nothing"),
    RegisteredModel("flights.gold.delay", purpose="Delay"),
    View("flights.gold.one", "SELECT 1 AS n", purpose="One"),
    Query("daily", text="SELECT 1 AS n, :day AS day", parameters=(QueryParameter("day", date(2013, 1, 1)),)),
    Alert("late", text="SELECT 1 AS n", column="n", threshold=1.0, schedule="0 0 6 * * ?"),
    Dashboard("shown", source="carriers", reads={"days": parse_table_name("flights.gold.days")}),
    _STEPS,
    Notebook("hello"),
    JarUpload("hello-spark", "flights.ops.artifacts"),
    Job("nightly", notebooks=("hello",), permissions={"analysts": "CAN_VIEW"}),
    Pipeline("flow", schema="flights.silver", configuration={"days": "7"}),
    ServingEndpoint("served", MODEL.name, 1),
    Grants("schema.flights.bronze", {"analysts": ("USE_SCHEMA", "SELECT")}),
)
NEEDS: Mapping[str, tuple[Resource, ...]] = {"job": (Notebook("hello"),)}
# What only the service can tell of, and so is no declaration's fault; and what would close the workspace to the tests.
_KEPT = {
    "after",
    "wheel",
    "principal",
    "enabled",
    "active",
    "url",
    "told",
    "networks",
    "managed_sqs",
    "branch",
    "tag",
    "commit",
}
_SQL = ("query", "text", "body")

EDGES = (
    *("", " ", "a b", "a.b", "a/b", "a`b", "a'b", 'a"b', "a\\b", "*", "a*", "{city}", "{{x}}", "${aws:username}"),
    *(
        "ä",
        "日本",
        "İ",
        "a\u0301",
        "\u202eabc",
        "🛫",
        "a\nb",
        "a\tb",
        "a\x00b",
        "\x7f",
        "..",
        ".",
        "/",
        "-a",
        "_",
        "A",
        "ID",
    ),
    *(
        "x" * 70,
        "x" * 300,
        "x" * 3000,
        "select",
        "default",
        "null",
        "a-b",
        "--",
        "a;b",
        "a,b",
        "a=b",
        "(a)",
        "%s",
        "a%20b",
    ),
    *("admin", "users", "pipeline", "deployer", "analysts", "Analysts", "group/crew", "group/none", "lakehouse.copy"),
    *("CAN_MANAGE", "can_read", "IS_OWNER", "USE SCHEMA", "select", "ALL PRIVILEGES", "SELECTT", "flights.gold.t"),
    *("INT", "int not null", "STRUCT<userId: INT, `b c`: INT>", "DECIMAL(40,2)", "MAP<STRING, DATE>", "variant"),
    *(
        "CHAR(3)",
        "interval day",
        "timestamp_ntz",
        "BIGINT GENERATED ALWAYS AS IDENTITY",
        "delta",
        "managed_by",
        "spare",
    ),
)
TEXTS = st.sampled_from(EDGES) | st.text(max_size=12)
NUMBERS = st.sampled_from((-1, 0, 1, 2, 30, 101, 1000, 43_201, 2**31 - 1, 2**31, 2**63))
_DEFINITION = b'{"datasets": [{"name": "d", "queryLines": ["SELECT 1 FROM {days}"]}], "pages": []}'
# SQL that parses, whatever the text in it.
_LITERALS = TEXTS.map(lambda text: "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\x00", "") + "'")
_STATEMENTS = st.builds("SELECT {} AS n, ':day' AS d -- {{todo}} {}".format, _LITERALS, st.just("'"))


def list_hostile(sound: Resource) -> st.SearchStrategy[dict[str, Any]]:
    """Return what fields of a declaration are given: one of them, or two."""
    fields = {one.name: _values_of(one.name, _hint_of(type(sound), one.name)) for one in dataclasses.fields(sound)}
    usable = {name: values for name, values in fields.items() if values is not None and name not in _KEPT}
    chosen = st.lists(st.sampled_from(sorted(usable)), min_size=1, max_size=2, unique=True)
    return chosen.flatmap(lambda names: st.fixed_dictionaries({name: usable[name] for name in names}))


def write_sources(folder: Path, name: str) -> None:
    """Put a source for the name where each type that has one looks for it, if there can be such a file."""
    files = {
        folder / "workspace_files" / name: b"about",
        folder / "notebooks" / f"{name}.py": b"# Databricks notebook source\nprint(1)\n",
        folder / "volume_files" / FILES.name / name: b"UA,United\n",
        folder / "dashboards" / f"{name}{dashboard.SUFFIX}": _DEFINITION,
    }
    for path, content in files.items():
        try:
            if folder in path.resolve().parents:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        except (OSError, ValueError):
            continue


def patch_sources(folder: Path, setattr_: Any) -> None:
    """Let all types look for their sources below a folder."""
    for module, name in (
        (workspace_file, "workspace_files"),
        (notebook, "notebooks"),
        (volume_file, "volume_files"),
        (dashboard, "dashboards"),
    ):
        setattr_(module, "SOURCES", folder / name)


def _hint_of(resource_type: type[Resource], field: str) -> Any:
    """The type of a field, in the words of the module that declares it; `get_type_hints` wants all, fields or not."""
    owner = next(one for one in resource_type.__mro__ if field in vars(one).get("__annotations__", {}))
    return eval(owner.__annotations__[field], vars(sys.modules[owner.__module__]))


def _values_of(name: str, hint: Any) -> st.SearchStrategy[Any] | None:
    if name in _SQL:
        return _STATEMENTS if name != "body" else _LITERALS
    if name == "properties":
        return st.dictionaries(TEXTS.filter(lambda key: not key.lower().startswith("delta.")), TEXTS, max_size=2)
    if name == "members":
        return st.lists(TEXTS.filter(lambda one: "@" not in one), max_size=3).map(tuple)
    return _from_hint(hint)


def _from_hint(hint: Any) -> st.SearchStrategy[Any] | None:
    plain: Mapping[Any, st.SearchStrategy[Any]] = {
        str: TEXTS,
        bool: st.booleans(),
        int: NUMBERS,
        float: st.floats(),
        date: st.dates(),
        type(None): st.none(),
        Any: TEXTS | NUMBERS | st.lists(TEXTS, max_size=2),
    }
    if hint in plain:
        return plain[hint]
    if get_origin(hint) is Literal:
        return st.sampled_from(get_args(hint)) | TEXTS
    if get_origin(hint) in (types.UnionType, typing.Union):
        known = [made for one in get_args(hint) if (made := _from_hint(one)) is not None]
        return st.one_of(known) if len(known) == len(get_args(hint)) else None
    return _from_generic(hint)


def _from_generic(hint: Any) -> st.SearchStrategy[Any] | None:
    inner = [_from_hint(one) for one in get_args(hint) if one is not ...]
    if any(one is None for one in inner):
        return None
    if get_origin(hint) is tuple:
        if get_args(hint)[-1] is ...:
            return st.lists(inner[0], max_size=3).map(tuple)  # type: ignore[arg-type]
        return st.tuples(*inner)  # type: ignore[arg-type]
    if inner and issubclass(get_origin(hint), Mapping):
        return st.dictionaries(inner[0], inner[1], max_size=2)  # type: ignore[arg-type]
    if isinstance(hint, type) and not issubclass(hint, Resource | TableName | Wheel):
        fields = typing.get_type_hints(hint)
        parts = {name: made for name in fields if (made := _values_of(name, fields[name])) is not None}
        return st.fixed_dictionaries(parts).map(lambda given: (hint, given))  # made later: it may refuse itself
    return None


def build(sound: Resource, given: Mapping[str, Any]) -> Resource:
    """Return the declaration with the fields that are given.

    Raises:
        InvalidDeclaration: it refuses itself.
    """
    return dataclasses.replace(sound, **{name: _build(value) for name, value in given.items()})


def _build(value: Any) -> Any:
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], type):
        return value[0](**{name: _build(one) for name, one in value[1].items()})
    if isinstance(value, tuple):
        return tuple(map(_build, value))
    return value
