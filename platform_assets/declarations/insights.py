"""What people look at: saved queries and dashboards over gold, which they read with their own rights."""

from datetime import date

from lakehouse.names import parse_table_name
from platform_assets.resource_types.dashboard import Dashboard
from platform_assets.resource_types.model import Resource
from platform_assets.resource_types.query import Query
from platform_assets.resource_types.query_parameters import QueryParameter

_DAYS = parse_table_name("flights.gold.daily_carrier_performance")

WORST_CARRIERS = Query(
    "worst-carriers",
    text="""
SELECT carrier_name, sum(flights) AS flights, sum(mean_arr_delay * flights) / sum(flights) AS minutes_late
FROM {days}
WHERE flight_date BETWEEN :first AND :last
GROUP BY carrier_name
ORDER BY minutes_late DESC
""",
    reads={"days": _DAYS},
    parameters=(QueryParameter("first", date(2013, 1, 1)), QueryParameter("last", date(2013, 12, 31))),
    purpose="Which carriers arrive late",
    permissions={"analysts": "CAN_RUN"},
)
CARRIERS = Dashboard("carriers", source="carriers", reads={"days": _DAYS}, permissions={"analysts": "CAN_RUN"})

RESOURCES: tuple[Resource, ...] = (WORST_CARRIERS, CARRIERS)
