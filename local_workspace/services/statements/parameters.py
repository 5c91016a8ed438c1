"""Turns a statement's named parameters into typed literals, with the checks that `cast` would make."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from pyspark.sql.connect.column import Column
from pyspark.sql.connect.expressions import LiteralExpression
from pyspark.sql.types import (
    BooleanType,
    ByteType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    NullType,
    ShortType,
    StringType,
    TimestampNTZType,
    TimestampType,
)

from local_workspace.gateway.errors import bad_request
from local_workspace.services.statements.requests import Parameter

_TRUE, _FALSE = ("t", "true", "y", "yes", "1"), ("f", "false", "n", "no", "0")


def bind_parameters(parameters: Iterable[Parameter]) -> dict[str, Column]:
    """Return the literals by marker name.

    Raises:
        ApiError: 400 naming the parameter whose type or value is wrong.
    """
    return {parameter.name: Column(_make_literal(parameter)) for parameter in parameters}


def _make_literal(parameter: Parameter) -> LiteralExpression:
    kind = parameter.type_text.strip().upper()
    data_type, parse = _choose_type(kind, parameter.name)
    if parameter.value is None:
        return LiteralExpression(None, data_type)
    try:
        return LiteralExpression(_fit(parse(parameter.value.strip(" ")), data_type, parameter), data_type)
    except (ValueError, InvalidOperation, AssertionError, OverflowError):
        message = f"Parameter {parameter.name}: '{parameter.value}' cannot be cast to {kind}"
        raise bad_request(message) from None


def _choose_type(kind: str, name: str) -> tuple[DataType, Callable[[str], Any]]:
    if kind.startswith(("DECIMAL", "NUMERIC", "DEC")):
        return _decimal_type(kind, name), Decimal
    if kind not in _TYPES:
        raise bad_request(f"Parameter {name}: type {kind} is not supported")
    return _TYPES[kind]


def _fit(value: Any, data_type: DataType, parameter: Parameter) -> Any:
    if isinstance(data_type, StringType):
        return parameter.value
    bits = _INTEGER_BITS.get(type(data_type))
    if bits is not None and not -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
        raise ValueError("out of range")
    if isinstance(data_type, DecimalType):
        value = value.quantize(Decimal(1).scaleb(-data_type.scale))
        if len(value.as_tuple().digits) > data_type.precision:
            raise ValueError("out of range")
    return value


def _decimal_type(kind: str, name: str) -> DecimalType:
    match = re.fullmatch(r"\w+(?:\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?", kind)
    if match is None:
        raise bad_request(f"Parameter {name}: type {kind} is not a decimal type such as DECIMAL(10, 2)")
    return DecimalType(int(match[1] or 10), int(match[2] or 0))


def _parse_boolean(text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise ValueError(text)


def _parse_timestamp(text: str) -> datetime:
    parsed = datetime.fromisoformat(text)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _parse_local_timestamp(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=None)


_TYPES: dict[str, tuple[DataType, Callable[[str], Any]]] = {
    "STRING": (StringType(), str),
    "BOOLEAN": (BooleanType(), _parse_boolean),
    "BYTE": (ByteType(), int),
    "TINYINT": (ByteType(), int),
    "SHORT": (ShortType(), int),
    "SMALLINT": (ShortType(), int),
    "INT": (IntegerType(), int),
    "INTEGER": (IntegerType(), int),
    "LONG": (LongType(), int),
    "BIGINT": (LongType(), int),
    "FLOAT": (FloatType(), float),
    "REAL": (FloatType(), float),
    "DOUBLE": (DoubleType(), float),
    "DATE": (DateType(), date.fromisoformat),
    "TIMESTAMP": (TimestampType(), _parse_timestamp),
    "TIMESTAMP_NTZ": (TimestampNTZType(), _parse_local_timestamp),
    "VOID": (NullType(), str),
}
_INTEGER_BITS: dict[type[DataType], int] = {ByteType: 8, ShortType: 16, IntegerType: 32, LongType: 64}
