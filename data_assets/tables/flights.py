"""Tables of the catalog `flights`: bronze as it came, silver one row per fact, gold the answers."""

from __future__ import annotations

from collections.abc import Iterable

from data_assets.tables.model import Check, Column, Step, Table

DAY = Column("flight_date", "DATE", "Day of the scheduled departure, local to New York")
LINEAGE = (
    Column("_rescued", "STRING", "Fields that no column is declared for, as JSON"),
    Column("_corrupt_record", "STRING", "The line, if it is no JSON object"),
    Column("_source_file", "STRING", "File the row came from"),
    Column("_source_version", "BIGINT", "Modification time of that file, in ms since the epoch"),
    Column("_loaded_at", "TIMESTAMP", "When the row was loaded"),
)
SOURCE = LINEAGE[2:4]
LOADED_AT = ("_loaded_at",)  # all that is ever looked for in raw text
UNREADABLE = Check("nothing_unreadable", "Every landed line is a JSON object of known fields")
LANDED = Check("landed_files", "Every line of every landed file is here", blocking=True)
DAY_LANDED = Check("day_landed", "The day has landed: there were rows to build it of")
UNIQUE = Check("unique_keys", "No key is there twice", blocking=True)
CONSERVED = Check("row_conservation", "Every row of the layer before is here or accounted for", blocking=True)


def _as_landed(fields: str) -> tuple[Column, ...]:
    return tuple(Column(name, "STRING", "As landed") for name in fields.split())


def _columns(lines: str) -> Iterable[Column]:
    for line in filter(str.strip, lines.splitlines()):
        name, kind, comment = line.split(maxsplit=2)
        yield Column(name, kind, comment)


def _reference(name: str, fields: str, key: str, comment: str) -> Step:
    """A small set that comes whole; a line that cannot be read is a key of its own."""
    table = Table(
        f"flights.bronze.{name}",
        comment,
        (*_as_landed(fields), *LINEAGE),
        mode="merge",
        keys=(key, "_corrupt_record"),
        statistics=(key, *LOADED_AT),
        checks=(LANDED, UNIQUE, UNREADABLE),
    )
    return Step((table,), landing=name)


BRONZE_FLIGHTS = Table(
    "flights.bronze.flights",
    "Flights as they came, a file or more per day",
    (
        DAY,
        *_as_landed("year month day dep_time sched_dep_time dep_delay arr_time sched_arr_time arr_delay carrier"),
        *_as_landed("flight tailnum origin dest air_time distance hour minute time_hour"),
        *LINEAGE,
    ),
    mode="replace_days",
    daily=True,
    statistics=("flight_date", *LOADED_AT),
    checks=(LANDED, DAY_LANDED, UNREADABLE),
)

BRONZE_WEATHER = Table(
    "flights.bronze.weather",
    "Hourly weather at the airports of New York as it came",
    (
        *_as_landed("origin year month day hour temp dewp humid wind_dir wind_speed wind_gust precip pressure visib"),
        *_as_landed("time_hour"),
        *LINEAGE,
    ),
    mode="append_stream",
    statistics=LOADED_AT,
    checks=(LANDED, UNREADABLE),
)

SILVER_FLIGHTS = Table(
    "flights.silver.flights",
    "Flights, one row for each scheduled departure",
    (
        DAY,
        *_columns(
            """
            time_hour TIMESTAMP Scheduled hour of departure
            carrier STRING Two-letter code of the carrier
            tailnum STRING Plane; none for many cancelled flights
            origin STRING Airport of departure
            dest STRING Airport of destination
            flight INT Flight number
            sched_dep_time INT Scheduled departure, local, as HMM
            dep_time INT Departure, local, as HMM; none if cancelled
            dep_delay INT Minutes late at departure
            sched_arr_time INT Scheduled arrival, local, as HMM
            arr_time INT Arrival, local, as HMM
            arr_delay INT Minutes late at arrival
            air_time INT Minutes in the air
            distance INT Miles
            hour INT Hour of the scheduled departure
            minute INT Minute of the scheduled departure
            cancelled BOOLEAN It never departed
            """
        ),
        *SOURCE,
    ),
    mode="replace_days",
    daily=True,
    statistics=("flight_date", "time_hour", "carrier", "tailnum", "origin", "dest", "flight"),
    checks=(
        CONSERVED,
        UNIQUE,
        DAY_LANDED,
        Check("carriers_known", "Every carrier is among the airlines"),
        Check("freshness", "A day that has landed has good rows here"),
    ),
)

SILVER_QUARANTINE = Table(
    "flights.silver.flights_quarantine",
    "Landed flights that are not in silver, with the reason",
    (
        DAY,
        Column("reason", "STRING", "Why the row is not in silver"),
        Column("record", "STRING", "The row as it landed"),
        LINEAGE[0],
        *SOURCE,
        Column("_quarantined_at", "TIMESTAMP", "When it was judged"),
    ),
    mode="replace_days",
    daily=True,
    checks=(Check("nothing_quarantined", "All landed flights are good"),),
)

SILVER_WEATHER = Table(
    "flights.silver.weather",
    "Weather, one row per airport and hour",
    (
        *_columns(
            """
            origin STRING Airport
            time_hour TIMESTAMP Hour
            temp DOUBLE Degrees Fahrenheit
            dewp DOUBLE Dew point, degrees Fahrenheit
            humid DOUBLE Relative humidity, percent
            wind_speed DOUBLE Miles per hour
            wind_gust DOUBLE Miles per hour
            precip DOUBLE Inches in the hour
            pressure DOUBLE Millibars at sea level
            visib DOUBLE Miles
            wind_dir INT Degrees
            """
        ),
        *SOURCE,
    ),
    mode="overwrite",
    statistics=("origin", "time_hour"),
    checks=(CONSERVED, UNIQUE, Check("values_readable", "Every value is of its column's type")),
)

_MEASURES = """
flights BIGINT Scheduled flights
cancelled BIGINT Those that never departed
"""

DAILY_CARRIER_PERFORMANCE = Table(
    "flights.gold.daily_carrier_performance",
    "How each carrier did on each day",
    (
        DAY,
        *_columns(
            f"""
            carrier STRING Two-letter code
            carrier_name STRING Name{_MEASURES}
            mean_dep_delay DOUBLE Minutes late at departure
            mean_arr_delay DOUBLE Minutes late at arrival
            on_time_share DOUBLE Share of arrivals at most 15 minutes late
            """
        ),
    ),
    mode="replace_days",
    daily=True,
    statistics=("flight_date", "carrier"),
    checks=(CONSERVED, UNIQUE, DAY_LANDED, Check("carriers_known", "Every carrier is among the airlines")),
)

ROUTE_PERFORMANCE = Table(
    "flights.gold.route_performance",
    "How flights did on each route",
    tuple(
        _columns(
            f"""
            origin STRING Airport of departure
            dest STRING Airport of destination
            dest_name STRING Its name; none if it is not among the airports{_MEASURES}
            distance INT Miles
            mean_arr_delay DOUBLE Minutes late at arrival
            on_time_share DOUBLE Share of arrivals at most 15 minutes late
            """
        )
    ),
    mode="overwrite",
    folder="external/route_performance",
    checks=(CONSERVED, UNIQUE, Check("airports_known", "Every destination is among the airports")),
)

WEATHER_DELAY_IMPACT = Table(
    "flights.gold.weather_delay_impact",
    "What weather does to departures",
    tuple(
        _columns(
            f"""
            rain STRING dry, light (under 0.1 inches an hour), heavy, unknown
            sight STRING poor (under 3 miles), moderate (under 10), clear, unknown{_MEASURES}
            mean_dep_delay DOUBLE Minutes late at departure
            """
        )
    ),
    mode="overwrite",
    checks=(CONSERVED, UNIQUE),
)

RUN_COSTS = Table(
    "flights.ops.run_costs",
    "What each task of each job run has used, and which table it built",
    tuple(
        _columns(
            """
            workspace_id STRING Workspace; the system tables tell of all in the region
            job_id STRING Job; of a submitted run its own
            job_run_id STRING Run, as in the metadata of what it built
            task_key STRING Task of the run
            asset STRING Asset key of the step that the task was; none if it was none of ours
            run_type STRING JOB_RUN or SUBMIT_RUN
            run_name STRING What the run was called
            dagster_run STRING First eight digits of the Dagster run that submitted it; none if a job ran by itself
            partitions STRING Day or first...last
            started_at TIMESTAMP When the task began to be set up
            ended_at TIMESTAMP When it ended
            result STRING SUCCEEDED, FAILED, SKIPPED, CANCELLED, TIMED_OUT, ERROR
            seconds DOUBLE How long it was set up and executed
            dbu DOUBLE Its share of what the run used; none if that is not on the bill yet
            custom_tags MAP<STRING,STRING> Tags on the bill: those of the serverless budget policy
            """
        )
    ),
    mode="overwrite",
    checks=(
        Check("bill_shared_out", "What runs used is shared out among their tasks"),
        UNIQUE,
        Check("all_billed", "Every task that ran is on the bill"),
    ),
)

STEPS: tuple[Step, ...] = (
    Step((BRONZE_FLIGHTS,), landing="flights"),
    Step((BRONZE_WEATHER,), landing="weather", checkpoint=True),
    _reference("airlines", "carrier name", "carrier", "Airlines by their two-letter code"),
    _reference("airports", "faa name lat lon alt tz dst tzone", "faa", "Airports by their FAA code"),
    _reference(
        "planes",
        "tailnum year type manufacturer model engines seats speed engine",
        "tailnum",
        "Planes by their tail number",
    ),
    Step((SILVER_FLIGHTS, SILVER_QUARANTINE), reads=("flights.bronze.flights", "flights.bronze.airlines")),
    Step((SILVER_WEATHER,), reads=("flights.bronze.weather",)),
    Step((DAILY_CARRIER_PERFORMANCE,), reads=("flights.silver.flights", "flights.bronze.airlines")),
    Step((ROUTE_PERFORMANCE,), reads=("flights.silver.flights", "flights.bronze.airports")),
    Step((WEATHER_DELAY_IMPACT,), reads=("flights.silver.flights", "flights.silver.weather")),
    Step((RUN_COSTS,)),
)
