"""Columns of a file as numbers, times, kinds and flags; what does not parse is refused with its row."""

import polars as pl

from tenrec.data.refusals import refuse_rows
from tenrec.data.source import Source

Parsed = tuple[pl.Series, list[str]]
"""The parsed column, null where the file is empty or unreadable, and the sentences about what is unreadable."""

KINDS = {"c": "call", "call": "call", "ce": "call", "p": "put", "put": "put", "pe": "put"}
YES_NO = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def numbers(source: Source, column: str) -> Parsed:
    """A column in 64-bit floats; text that is no number is refused."""
    raw = source.table[column]
    if raw.dtype.is_numeric():
        return raw.cast(pl.Float64).alias(column), []
    values = _text(raw)
    parsed = values.cast(pl.Float64, strict=False)
    return parsed, refuse_rows(source, values.is_not_null() & parsed.is_null(), column, "is not a number")


def times(source: Source, column: str) -> Parsed:
    """A column of dates or times, in microseconds and UTC where the file states an offset; ISO text is read."""
    raw = source.table[column]
    if raw.dtype == pl.Datetime:
        return _without_zone(raw).cast(pl.Datetime("us")), []
    if raw.dtype == pl.Date:
        return raw.cast(pl.Datetime("us")), []
    if raw.dtype.is_numeric():
        everything = pl.Series([True] * raw.len())
        fix = "write dates as 2021-12-31 or timestamps as 2021-12-31 15:00:00"
        return _no_times(raw.len()), refuse_rows(source, everything, column, "is a number, not a date", fix)
    values = _text(raw)
    parsed = _iso_times(values)
    fix = "write dates as 2021-12-31 and times as 2021-12-31 15:00:00"
    unreadable = values.is_not_null() & parsed.is_null()
    return parsed, refuse_rows(source, unreadable, column, "is not an ISO date or time", fix)


def kinds(source: Source, column: str) -> Parsed:
    """A column of "call" and "put"; C, P, CE, PE and any case are accepted."""
    values = _text(source.table[column].cast(pl.String))
    parsed = values.str.to_lowercase().replace_strict(KINDS, default=None, return_dtype=pl.String)
    unknown = values.is_not_null() & parsed.is_null()
    return parsed, refuse_rows(source, unknown, column, "is not a kind of option", "write call or put (or C or P)")


def flags(source: Source, column: str) -> Parsed:
    """A column of true and false; an empty cell is false."""
    raw = source.table[column]
    if raw.dtype == pl.Boolean:
        return raw.fill_null(False), []
    values = _text(raw.cast(pl.String))
    parsed = values.str.to_lowercase().replace_strict(YES_NO, default=None, return_dtype=pl.Boolean)
    unknown = values.is_not_null() & parsed.is_null()
    return parsed.fill_null(False), refuse_rows(source, unknown, column, "is neither true nor false")


def presence(source: Source, column: str) -> pl.Series:
    """True where a cell says something: true, or any entry (a date, say) other than an explicit no."""
    raw = source.table[column]
    if raw.dtype == pl.Boolean:
        return raw.fill_null(False)
    values = _text(raw.cast(pl.String)).str.to_lowercase()
    return (values.is_not_null() & ~values.is_in(["false", "0", "no", "none"])).fill_null(False)


def _text(raw: pl.Series) -> pl.Series:
    return raw.cast(pl.String).str.strip_chars().replace("", None)


def _no_times(rows: int) -> pl.Series:
    return pl.Series([None] * rows, dtype=pl.Datetime("us"))


def _without_zone(raw: pl.Series) -> pl.Series:
    zoned = isinstance(raw.dtype, pl.Datetime) and raw.dtype.time_zone is not None
    return raw.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if zoned else raw


def _iso_times(values: pl.Series) -> pl.Series:
    text = pl.col("text")
    offset = pl.coalesce(
        [
            text.str.to_datetime(f"%Y-%m-%d %H:%M{seconds}%#z", time_unit="us", strict=False)
            for seconds in (":%S%.f", "")
        ]
    )
    readings = [
        text.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False),
        text.str.to_datetime("%Y-%m-%d %H:%M", time_unit="us", strict=False),
        text.str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("us")),
        offset.dt.convert_time_zone("UTC").dt.replace_time_zone(None),
    ]
    # One separator and a written offset leave four formats to try instead of a dozen.
    plain = values.str.replace("T", " ", literal=True).str.replace(r"[Zz]$", "+00:00")
    return pl.DataFrame({"text": plain}).select(pl.coalesce(readings)).to_series()
