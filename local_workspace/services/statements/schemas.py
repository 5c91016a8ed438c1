"""A result's schema as the statement API reports it, from Spark's types."""

from __future__ import annotations

from typing import Any

from pyspark.sql import types as t

NAMES: dict[type[t.DataType], str] = {
    t.ArrayType: "ARRAY",
    t.BinaryType: "BINARY",
    t.BooleanType: "BOOLEAN",
    t.ByteType: "BYTE",
    t.CharType: "CHAR",
    t.DateType: "DATE",
    t.DayTimeIntervalType: "INTERVAL",
    t.DecimalType: "DECIMAL",
    t.DoubleType: "DOUBLE",
    t.FloatType: "FLOAT",
    t.IntegerType: "INT",
    t.LongType: "LONG",
    t.MapType: "MAP",
    t.NullType: "NULL",
    t.ShortType: "SHORT",
    t.StringType: "STRING",
    t.StructType: "STRUCT",
    t.TimeType: "TIME",
    t.TimestampNTZType: "TIMESTAMP_NTZ",
    t.TimestampType: "TIMESTAMP",
    t.VarcharType: "STRING",
    t.VariantType: "VARIANT",
    t.YearMonthIntervalType: "INTERVAL",
}
# Types that Arrow does not carry: they are rendered to text by Spark before they leave it.
TEXT_ONLY = (t.CalendarIntervalType, t.YearMonthIntervalType, t.VariantType)


def is_text_only(data_type: t.DataType) -> bool:
    """Say whether Arrow cannot carry the type, or something nested in it."""
    if isinstance(data_type, t.ArrayType):
        return is_text_only(data_type.elementType)
    if isinstance(data_type, t.MapType):
        return is_text_only(data_type.keyType) or is_text_only(data_type.valueType)
    if isinstance(data_type, t.StructType):
        return any(is_text_only(field.dataType) for field in data_type.fields)
    return isinstance(data_type, TEXT_ONLY)


def describe_schema(schema: t.StructType) -> dict[str, Any]:
    """Return manifest.schema."""
    columns = [_describe_column(position, field) for position, field in enumerate(schema.fields)]
    return {"column_count": len(columns), "columns": columns}


def type_text(data_type: t.DataType) -> str:
    """Return the SQL text of a type, such as STRUCT<a: INT, b: ARRAY<STRING>>."""
    if isinstance(data_type, t.ArrayType):
        return f"ARRAY<{type_text(data_type.elementType)}>"
    if isinstance(data_type, t.MapType):
        return f"MAP<{type_text(data_type.keyType)}, {type_text(data_type.valueType)}>"
    if isinstance(data_type, t.StructType):
        fields = ", ".join(f"{field.name}: {type_text(field.dataType)}" for field in data_type.fields)
        return f"STRUCT<{fields}>"
    if isinstance(data_type, t.NullType):
        return "VOID"
    return data_type.simpleString().upper()


def _describe_column(position: int, field: t.StructField) -> dict[str, Any]:
    data_type = field.dataType
    column: dict[str, Any] = {
        "name": field.name,
        "type_text": type_text(data_type),
        "type_name": NAMES.get(type(data_type), "USER_DEFINED_TYPE"),
        "position": position,
    }
    if isinstance(data_type, t.DecimalType):
        column.update(type_precision=data_type.precision, type_scale=data_type.scale)
    if column["type_name"] == "INTERVAL":
        column["type_interval_type"] = column["type_text"].removeprefix("INTERVAL ")
    return column
