"""An estate of the workspace's own objects, with all that their declarations can say, and what they are about."""

from __future__ import annotations

from datetime import date

from lakehouse.names import parse_table_name
from platform_assets.declarations import RESOURCES
from platform_assets.resource_types.alert import Alert
from platform_assets.resource_types.catalog import Catalog
from platform_assets.resource_types.cluster_policy import ClusterPolicy
from platform_assets.resource_types.dashboard import Dashboard
from platform_assets.resource_types.directory import Directory
from platform_assets.resource_types.experiment import Experiment
from platform_assets.resource_types.function import Function, Parameter
from platform_assets.resource_types.group import Group
from platform_assets.resource_types.model import Resource
from platform_assets.resource_types.notebook import Notebook
from platform_assets.resource_types.pipeline import Pipeline
from platform_assets.resource_types.query import Query
from platform_assets.resource_types.query_parameters import QueryParameter
from platform_assets.resource_types.registered_model import RegisteredModel
from platform_assets.resource_types.schema import Schema
from platform_assets.resource_types.secret_scope import SecretScope
from platform_assets.resource_types.service_principal import ServicePrincipal
from platform_assets.resource_types.serving_endpoint import ServingEndpoint
from platform_assets.resource_types.sql_warehouse import SqlWarehouse
from platform_assets.resource_types.table import Table
from platform_assets.resource_types.table_columns import Column
from platform_assets.resource_types.user import User
from platform_assets.resource_types.workspace_file import WorkspaceFile

CATALOG = Catalog("more", folder="more", isolated=True)
COUNTS = Table(
    "more.s.counts", (Column("id", "BIGINT", "It's", nullable=False), Column("n", "DECIMAL")), clustered_by=("id",)
)
DOUBLE = Function("more.s.double", (Parameter("n", "INT"),), "INT", "n * 2")
GOLD = next(one for one in RESOURCES if isinstance(one, Schema) and one.name == "flights.gold")
ETL = ServicePrincipal("importer")
ANN = User("ann@imported.example", "Ann", ("workspace-access",))
TEAM = Group("importers", members=("analysts", "pipeline", "service_principal/importer", f"user/{ANN.name}"))
NESTED = Group("nested", members=(TEAM.key, "analyst@lakehouse.example"))
SMALL = SqlWarehouse("small", "Small", 2, 20, users=("analysts", TEAM.key))
REPORTS = Directory("reports", {"analysts": "CAN_READ", TEAM.key: "CAN_EDIT"})
ABOUT = WorkspaceFile("ABOUT.md", {TEAM.key: "CAN_READ"})
LATE = Query(
    "reports/late",
    {"analysts": "CAN_RUN"},
    warehouse=SMALL,
    text="SELECT id, {double}(n) FROM {counts} WHERE n > :least AND id = :id AND 'a' = :letter AND '2013-02-02' > :day",
    reads={"double": DOUBLE, "counts": COUNTS},
    parameters=(
        QueryParameter("least", 1.5),
        QueryParameter("id", "7", "Which"),
        QueryParameter("letter", "a", choices=("a", "b")),
        QueryParameter("day", date(2013, 1, 1)),
    ),
    schema=GOLD,
    purpose="Who's late",
    tags=("ours",),
    run_as="OWNER",
)
ALERT = Alert(
    "reports/many",
    {TEAM.key: "CAN_READ"},
    text="SELECT count(*) AS n FROM {counts}",
    reads={"counts": COUNTS},
    column="n",
    aggregation="MAX",
    threshold=3.0,
    when_empty="UNKNOWN",
    schedule="0 0 6 * * ?",
    timezone="Europe/Berlin",
    paused=True,
    told=("analyst@lakehouse.example",),
    told_of_ok=True,
    told_again_after_seconds=60,
    summary="Many",
    purpose="More than three",
)
FEW = Alert("few", text="SELECT 1 AS n", column="n", condition="IS_NULL", schedule="0 0 6 * * ?")
DAYS = {"days": parse_table_name("flights.gold.daily_carrier_performance")}
INSIDE = Dashboard("reports/again", source="carriers", reads=DAYS, warehouse=SMALL, embeds_credentials=True)
DRAFT = Dashboard("draft", {TEAM.key: "CAN_EDIT"}, source="carriers", reads=DAYS, published=False)
MODEL = RegisteredModel("more.s.guess", purpose="Guesses")
LIMITS = {"node_type_id": {"type": "allowlist", "values": ["a", "b"]}, "num_workers": {"type": "fixed", "value": 9}}
WORKSPACE: tuple[Resource, ...] = (
    *(ETL, ANN, TEAM, NESTED, SMALL, REPORTS, ABOUT, LATE, ALERT, FEW, INSIDE, DRAFT),
    User("gone@imported.example", "Gone", active=False),
    ClusterPolicy("small", LIMITS, "Small ones", 2, users=("analysts", TEAM.key)),
    SecretScope("small", readers=("analysts",), writers=("pipeline", TEAM.key)),
    Experiment("reports/delays", {TEAM.key: "CAN_READ"}, purpose="Delays", tags={"team": "data"}),
    Pipeline(
        "small",
        "flights.silver",
        (Notebook("copy_file"), ABOUT),
        {"rows": "10"},
        development=True,
        permissions={"analysts": "CAN_VIEW"},
    ),
    ServingEndpoint("small", MODEL.name, 1, "Medium", scale_to_zero=False, permissions={TEAM.key: "CAN_QUERY"}),
)
