"""A chain's columns as numbers, times and signs; what is missing is inferred, and what is inferred is said."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from tenrec.core.errors import DataError
from tenrec.data.chain_columns import DROPPED, NUMBERS, Preset

ROW, FILE = "__row__", "__file__"
EMPTY = ("", "-", "--", "n/a", "na", "nan", "null", "none", "#n/a")
CALLS, PUTS = ("c", "call", "ce", "calls", "1", "1.0"), ("p", "put", "pe", "puts", "-1", "-1.0", "2", "2.0", "0", "0.0")
YEAR = 365.0
MORNING_ROOTS = ("SPX", "NDX", "RUT", "DJX", "VIX")
MORNING = 6.5 / 24.0 / YEAR
"""Years from the opening auction, at which options of these roots settle, to the close."""
SECONDS = YEAR * 86400.0
TIMES = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M")
DATES = ("%Y-%m-%d", "%d-%b-%Y", "%Y%m%d", "%m/%d/%Y", "%d.%m.%Y")


def normalise(
    frame: pl.LazyFrame, roles: Mapping[str, str], two_sided: Mapping[str, Mapping[str, str]], layout: Preset | None
) -> pl.LazyFrame:
    """Role columns instead of the file's, numbers as Float64; calls and puts side by side become rows."""
    schema = frame.collect_schema()
    if not two_sided:
        return _one_side(frame, schema, roles, None, layout)
    halves = []
    for kind, own in two_sided.items():
        rest = {role: column for role, column in roles.items() if role not in ("bid", "ask", "price", "implied_vol")}
        halves.append(_one_side(frame, schema, {**rest, **own}, kind, layout))
    return pl.concat(halves)


def _one_side(
    frame: pl.LazyFrame, schema: Mapping[str, Any], roles: Mapping[str, str], kind: str | None, layout: Preset | None
) -> pl.LazyFrame:
    kind = kind or (layout.kind if layout else None)
    made = [pl.col(ROW).cast(pl.Int64).alias("row"), pl.col(FILE).alias("file")]
    bad: list[pl.Expr] = []
    for role in NUMBERS:
        number, unreadable = _number(roles.get(role), schema)
        made.append(number.alias(role))
        bad.append(pl.when(unreadable).then(pl.lit(role)))
    for role in ("date", "expiry"):
        time, unreadable = _time(roles.get(role), schema)
        made.append(time.alias("time" if role == "date" else role))
        bad.append(pl.when(unreadable).then(pl.lit(role)))
    for role in ("symbol", "contract", "currency", "style"):
        made.append(_text(roles.get(role)).alias(role))
    sign, unreadable = (pl.lit(1.0 if kind == "call" else -1.0), pl.lit(False)) if kind else _sign(roles.get("kind"))
    made.append(sign.alias("sign"))
    bad.append(pl.when(unreadable).then(pl.lit("kind")))
    dropped = [
        pl.when(pl.col(name).cast(pl.String).str.to_lowercase().is_in(["true", "1"])).then(pl.lit(f"marked {name}"))
        for name in DROPPED
        if name in schema
    ]
    made += [pl.coalesce(bad).alias("unreadable")]
    made += [(pl.coalesce(dropped) if dropped else pl.lit(None, pl.String)).alias("dropped")]
    return frame.select(made).with_columns(_from_contract()).with_columns(alive=_alive())


def _alive() -> pl.Expr:
    """Whether a row has not expired, as far as its columns tell, and is not marked as bad."""
    late = (pl.col("expiry").dt.date() > pl.col("time").dt.date()).fill_null(True)
    timed = pl.coalesce(pl.col("maturity") > 0, pl.col("days") > 0, late)
    return timed.fill_null(True) & late & pl.col("dropped").is_null()


def _from_contract() -> list[pl.Expr]:
    """Root, expiry and kind out of an OCC symbol such as SPXW260814P06000000, where columns are missing."""
    parts = pl.col("contract").str.strip_chars().str.extract_groups(r"^([A-Z]{1,6})W?\s*(\d{6})([CP])\d{8}$")
    written = parts.struct.field("2").str.to_date("%y%m%d", strict=False).cast(pl.Datetime("us"))
    sign = pl.when(parts.struct.field("3") == "C").then(1.0).when(parts.struct.field("3") == "P").then(-1.0)
    root = pl.col("contract").str.extract(r"^([A-Z]{1,6})\s*\d{6}[CP]\d{8}$", 1)
    return [
        pl.coalesce("expiry", written).alias("expiry"),
        pl.coalesce("sign", sign).alias("sign"),
        root.alias("root"),
    ]


def _text(column: str | None) -> pl.Expr:
    if column is None:
        return pl.lit(None, pl.String)
    text = pl.col(column).cast(pl.String).str.strip_chars()
    return pl.when(~text.str.to_lowercase().is_in(EMPTY)).then(text)


def _number(column: str | None, schema: Mapping[str, Any]) -> tuple[pl.Expr, pl.Expr]:
    """The number, null where there is none; and whether the cell holds something else."""
    if column is None:
        return pl.lit(None, pl.Float64), pl.lit(False)
    if schema[column].is_numeric():
        value = pl.col(column).cast(pl.Float64)
        return pl.when(value.is_finite()).then(value), pl.lit(False)
    text = _text(column)
    value = text.str.replace_all(",", "").str.strip_suffix("%").cast(pl.Float64, strict=False)
    scaled = pl.when(text.str.ends_with("%")).then(value / 100.0).otherwise(value)
    return pl.when(scaled.is_finite()).then(scaled), text.is_not_null() & value.is_null()


def _time(column: str | None, schema: Mapping[str, Any]) -> tuple[pl.Expr, pl.Expr]:
    if column is None:
        return pl.lit(None, pl.Datetime("us")), pl.lit(False)
    kind = schema[column]
    if isinstance(kind, pl.Datetime):
        plain = (
            pl.col(column).dt.convert_time_zone("UTC").dt.replace_time_zone(None) if kind.time_zone else pl.col(column)
        )
        return plain.cast(pl.Datetime("us")), pl.lit(False)
    if kind == pl.Date:
        return pl.col(column).cast(pl.Datetime("us")), pl.lit(False)
    text = _text(column)
    plain = text.str.replace("T", " ", literal=True).str.replace(r"(\+00:00|Z)$", "")
    readings = [plain.str.to_datetime(form, time_unit="us", strict=False) for form in TIMES]
    readings += [plain.str.to_date(form, strict=False).cast(pl.Datetime("us")) for form in DATES]
    parsed = pl.coalesce(readings)
    return parsed, text.is_not_null() & parsed.is_null()


def _sign(column: str | None) -> tuple[pl.Expr, pl.Expr]:
    if column is None:
        return pl.lit(None, pl.Float64), pl.lit(False)
    text = _text(column).str.to_lowercase()
    sign = pl.when(text.is_in(CALLS)).then(1.0).when(text.is_in(PUTS)).then(-1.0)
    return sign, text.is_not_null() & sign.is_null()


def checked(
    file: str, table: pl.DataFrame, roles: Mapping[str, str], layout: Preset | None, says: list[str]
) -> pl.DataFrame:
    """Units settled, maturities and middles made, and for each row that cannot be used the reason."""
    _refuse_text(file, table, roles)
    table = _units(table, layout, says)
    table = _maturities(file, table, roles, layout, says)
    both = (pl.col("bid") > 0) & (pl.col("ask") > 0)
    one_side = table.select(((pl.col("bid") > 0) | (pl.col("ask") > 0)).any()).item()
    unpriced = table["price"].null_count() == table["implied_vol"].null_count() == table.height
    quoted = table.select(both.any()).item() or (one_side and unpriced)
    middle = pl.when(both).then(0.5 * (pl.col("bid") + pl.col("ask")))
    price = pl.coalesce(middle, "price") if not quoted else middle
    forward = pl.coalesce("forward", pl.col("strike") / pl.col("log_moneyness").exp())
    rate_discount = (-pl.col("rate") * pl.col("maturity")).exp()
    table = table.with_columns(price=price, forward=forward, discount=pl.coalesce("discount", rate_discount))
    return table.with_columns(refused=_reasons(quoted))


def _refuse_text(file: str, table: pl.DataFrame, roles: Mapping[str, str]) -> None:
    bad = table.filter(pl.col("unreadable").is_not_null())
    if bad.height == 0:
        return
    row, role, name = bad["row"][0], bad["unreadable"][0], bad["file"][0]
    what = {"date": "a date", "expiry": "a date", "kind": "a kind of option (call or put)"}.get(role, "a number")
    more = f" (and {bad.height - 1:,} more row{'s' if bad.height > 2 else ''})" if bad.height > 1 else ""
    raise DataError(
        f"{name} row {row}, column {roles.get(role, role)}: the cell is not {what}{more}; fix the cell or empty it."
    )


def _units(table: pl.DataFrame, layout: Preset | None, says: list[str]) -> pl.DataFrame:
    vol = table["implied_vol"].filter(table["implied_vol"] > 0)
    median = vol.median()
    if (layout is not None and layout.percent) or (isinstance(median, float) and median > 3.0):
        says.append("Implied volatilities are in percent and are divided by 100.")
        table = table.with_columns(pl.col("implied_vol") / 100.0)
    if layout is not None and layout.coin:
        says.append("Prices are in coin and are multiplied by the forward.")
        table = table.with_columns(pl.col("bid", "ask", "price") * pl.col("forward"))
    for role, factor in (layout.scale if layout else {}).items():
        table = table.with_columns(pl.col(role) * factor)
    return table


def _maturities(
    file: str, table: pl.DataFrame, roles: Mapping[str, str], layout: Preset | None, says: list[str]
) -> pl.DataFrame:
    if "maturity" in roles:
        median = table["maturity"].median()
        if isinstance(median, float) and median > 5.0:
            says.append(f"Maturities (median {median:.4g}) are taken as days.")
            table = table.with_columns(maturity=pl.col("maturity") / YEAR)
        return table
    if "days" in roles and "expiry" not in roles:
        return table.with_columns(maturity=pl.col("days") / YEAR)
    hours = layout.expiry_hour if layout else None
    intraday = hours is not None
    start, end = pl.col("time"), pl.col("expiry")
    if intraday:
        end = end.dt.truncate("1d") + pl.duration(seconds=int(3600 * (hours or 0)))
    else:
        start, end = start.dt.truncate("1d"), end.dt.truncate("1d")
    made = table.with_columns(maturity=(end - start).dt.total_microseconds() / 1e6 / SECONDS)
    if made["maturity"].null_count() == made.height and "days" in roles:
        return table.with_columns(maturity=pl.col("days") / YEAR)
    if made["maturity"].null_count() == made.height:
        raise DataError(f"{file} gives no quote date, so its maturities are not known; add a column date.")
    early = pl.col("root").is_in(MORNING_ROOTS).fill_null(False) & (pl.col("maturity") > MORNING)
    if not intraday and made.select(early.any()).item():
        roots = ", ".join(sorted(set(made.filter(early)["root"].to_list())))
        says.append(f"{roots} options settle at the open of their last day, 6.5 hours before the others.")
        made = made.with_columns(maturity=pl.when(early).then(pl.col("maturity") - MORNING).otherwise("maturity"))
    return made


def _reasons(quoted: bool) -> pl.Expr:
    """Why a row is not used, the first reason that applies; null where it is."""
    bid, ask = pl.col("bid"), pl.col("ask")
    has_bid, has_ask = (bid > 0).fill_null(False), (ask > 0).fill_null(False)
    vol_only = pl.col("price").is_null() & (pl.col("implied_vol") > 0).fill_null(False) & pl.lit(not quoted)
    rules: list[tuple[pl.Expr, str]] = [
        (pl.col("strike").is_null() | (pl.col("strike") <= 0), "no strike"),
        (pl.col("maturity").is_null(), "no maturity"),
        (pl.col("maturity") < 0, "expiry before the quote date"),
        (pl.col("maturity") == 0, "expires on the quote date"),
    ]
    if quoted:
        rules += [
            (~has_bid & ~has_ask, "no quote"),
            (~has_bid, "no bid"),
            (~has_ask, "no ask"),
            (bid > ask, "bid above ask"),
        ]
    rules += [
        (pl.col("price").is_null() & ~vol_only, "no price"),
        (pl.col("price") < 0, "negative price"),
        (pl.col("price") == 0, "price of zero"),
    ]
    chain = pl.when(pl.col("dropped").is_not_null()).then(pl.col("dropped"))
    for rule, said in rules:
        chain = chain.when(rule.fill_null(False)).then(pl.lit(said))
    contract = ("symbol", "root", "time", "expiry", "maturity", "strike", "sign")
    # Without a type, two prices at one strike are a call and a put.
    untyped = pl.col("sign").is_null()
    first = pl.struct(*contract, pl.when(untyped).then("price")).is_first_distinct()
    third = untyped & (first.cast(pl.Int32).cum_sum().over(*contract) > 2)
    return chain.when(~first | third).then(pl.lit("duplicate contract")).otherwise(pl.lit(None, pl.String))
