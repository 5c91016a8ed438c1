"""The gold tables calculated by pandas from the package's own files: an independent second opinion."""

from __future__ import annotations

from datetime import date

import pandas as pd

from demo.flights_data import read_dataset

MEASURES = {
    "flights": ("flight", "size"),
    "cancelled": ("cancelled", "sum"),
    "mean_dep_delay": ("dep_delay", "mean"),
    "mean_arr_delay": ("arr_delay", "mean"),
    "on_time_share": ("on_time", "mean"),
}


def read_flights(first: date, last: date) -> pd.DataFrame:
    frame = read_dataset("flights")
    frame = frame.assign(flight_date=pd.to_datetime(frame[["year", "month", "day"]]).dt.strftime("%Y-%m-%d"))
    frame = frame[frame["flight_date"].between(str(first), str(last))]
    on_time = (frame["arr_delay"] <= 15).astype("Float64")
    return frame.assign(cancelled=frame["dep_time"].isna(), on_time=on_time)


def daily_carrier_performance(flights: pd.DataFrame) -> pd.DataFrame:
    names = read_dataset("airlines").rename(columns={"name": "carrier_name"})
    days = flights.groupby(["flight_date", "carrier"], as_index=False).agg(**MEASURES)
    return days.merge(names, on="carrier", how="left")


def route_performance(flights: pd.DataFrame) -> pd.DataFrame:
    names = read_dataset("airports").rename(columns={"faa": "dest", "name": "dest_name"})[["dest", "dest_name"]]
    wanted = {name: MEASURES[name] for name in ("flights", "cancelled", "mean_arr_delay", "on_time_share")}
    routes = flights.groupby(["origin", "dest"], as_index=False).agg(distance=("distance", "max"), **wanted)
    return routes.merge(names, on="dest", how="left")


def weather_delay_impact(flights: pd.DataFrame, first: date, last: date) -> pd.DataFrame:
    weather = read_dataset("weather")
    days = pd.to_datetime(weather[["year", "month", "day"]]).dt.strftime("%Y-%m-%d")
    weather = weather[days.between(str(first), str(last))]
    joined = flights.merge(weather[["origin", "time_hour", "precip", "visib"]], on=["origin", "time_hour"], how="left")
    rain = pd.cut(joined["precip"], [-1, 0, 0.1, 99], labels=["dry", "light", "heavy"]).astype(object)
    # pd.cut takes the right edge in; exactly 0.1 inches is heavy
    rain = rain.mask(joined["precip"] == 0.1, "heavy").fillna("unknown")
    sight = pd.cut(joined["visib"], [-1, 3, 10, 99], labels=["poor", "moderate", "clear"], right=False)
    joined = joined.assign(rain=rain, sight=sight.astype(object).fillna("unknown"))
    wanted = {name: MEASURES[name] for name in ("flights", "cancelled", "mean_dep_delay")}
    return joined.groupby(["rain", "sight"], as_index=False).agg(**wanted)


def calculate(first: date, last: date) -> dict[str, tuple[list[str], pd.DataFrame]]:
    """Return table -> (its key, its rows) for days of which flights, weather and all reference sets have landed."""
    flights = read_flights(first, last)
    return {
        "daily_carrier_performance": (["flight_date", "carrier"], daily_carrier_performance(flights)),
        "route_performance": (["origin", "dest"], route_performance(flights)),
        "weather_delay_impact": (["rain", "sight"], weather_delay_impact(flights, first, last)),
    }


def assert_same(name: str, found: pd.DataFrame, expected: pd.DataFrame, key: list[str]) -> None:
    """Assert that both have the same columns, keys and values; measures are compared to the digits that gold keeps."""
    assert sorted(found.columns) == sorted(expected.columns), name
    one, other = (
        frame.set_index(key).sort_index()[sorted(set(frame.columns) - set(key))] for frame in (found, expected)
    )
    assert list(one.index) == list(other.index), name
    for column in one.columns:
        if column.endswith("_name"):
            assert one[column].fillna("").tolist() == other[column].fillna("").tolist(), f"{name}.{column}"
        else:
            mine, theirs = (pd.to_numeric(frame[column]).astype(float) for frame in (one, other))
            wrong = ~((mine - theirs).abs() <= 5.1e-4) & ~(mine.isna() & theirs.isna())
            assert not wrong.any(), f"{name}.{column}:\n{pd.DataFrame({'gold': mine, 'pandas': theirs})[wrong]}"
