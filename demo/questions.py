"""What is asked of the tables at the end: rows of each as the pipeline, gold in full and in short as an analyst."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from data_assets.tables import LAYERS, STEPS
from demo.warehouse import Answer, Warehouse
from lakehouse.names import physical_name
from lakehouse.targets import Target

# In full, in an order that makes reports comparable.
GOLD: Mapping[str, str] = {
    "flights.gold.daily_carrier_performance": "flight_date, carrier",
    "flights.gold.route_performance": "origin, dest",
    "flights.gold.weather_delay_impact": "rain, sight",
}
# What a person would ask. Means of all days are weighted by the flights that each mean is of, not departed: cancelled.
HIGHLIGHTS: Mapping[str, str] = {
    "How late does each carrier depart?": """
        SELECT carrier, carrier_name, sum(flights) AS flights, sum(cancelled) AS cancelled,
          round(sum(mean_dep_delay * (flights - cancelled)) / sum(flights - cancelled), 1) AS minutes_late
        FROM {flights}.gold.daily_carrier_performance
        GROUP BY carrier, carrier_name ORDER BY flights DESC, carrier""",
    "Which routes of at least 100 flights arrive latest?": """
        SELECT origin, dest, coalesce(dest_name, '?') AS airport, flights, distance AS miles,
          round(mean_arr_delay, 1) AS late, round(100 * on_time_share, 1) AS on_time_percent
        FROM {flights}.gold.route_performance WHERE flights >= 100
        ORDER BY mean_arr_delay DESC, origin, dest LIMIT 10""",
    "What does weather do to departures?": """
        SELECT rain, sight, flights, cancelled, round(100 * cancelled / flights, 1) AS cancelled_percent,
          round(mean_dep_delay, 1) AS minutes_late
        FROM {flights}.gold.weather_delay_impact ORDER BY flights DESC, rain, sight""",
}

_AT_ONCE = 4


def ask_gold(target: Target) -> tuple[dict[str, Answer], dict[str, Answer]]:
    """Return the gold tables in full, and the highlights by question; asked as an analyst, who may read gold only."""
    full = {table: f"SELECT * FROM {physical_name(target, table)} ORDER BY {order}" for table, order in GOLD.items()}
    short = {question: text.format(flights=target.catalog("flights")) for question, text in HIGHLIGHTS.items()}
    warehouse = Warehouse(target, "analyst")
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        answers = dict(zip([*full, *short], threads.map(warehouse.ask, [*full.values(), *short.values()]), strict=True))
    return {table: answers[table] for table in full}, {question: answers[question] for question in short}


def count_rows(target: Target) -> dict[str, int]:
    """Return the rows of each table of the layers, counted as the pipeline."""
    names = sorted(table.name for step in STEPS for table in step.tables if table.parsed.schema in LAYERS)
    # one by one, without other columns: then Delta answers from its log and reads no file
    counts = (f"SELECT count(*) FROM {physical_name(target, name)}" for name in names)
    warehouse = Warehouse(target, "pipeline")
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        return dict(zip(names, (answer.rows[0][0] for answer in threads.map(warehouse.ask, counts)), strict=True))
