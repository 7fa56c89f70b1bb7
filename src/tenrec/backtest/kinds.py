"""Calls and puts told apart where a file of many days does not say which is which."""

import numpy as np
import polars as pl

from tenrec.backtest.quotes import implied_volatility
from tenrec.core.errors import DataError

SMILE = ("trade_date", "expiry")
AWAY = 0.01
"""|log(strike/spot)| from which on the spot tells which of two options at a strike is dearer."""


def with_kinds(name: str, table: pl.DataFrame, says: list[str]) -> pl.DataFrame:
    """Rows whose `sign` is missing get it, at most one call and one put a strike, and it is said how many there are.

    Two prices at one strike differ by the forward less the strike: from pairs away from the money comes the forward of
    the smile, and with it the dearer of each pair. A price that stands alone is of the kind whose implied volatility
    is the nearer to the median of the pairs; where there are no pairs, to that of the smile read as calls or as puts,
    whichever makes volatilities agree.

    Args:
        table: trade_date, expiry, maturity, strike, sign (null where unknown), price, spot, forward.

    Raises:
        DataError: neither a spot nor a forward is known.
    """
    if table["sign"].null_count() == 0:
        return table
    known = pl.coalesce("forward", "spot")
    if table.select(known.null_count()).item() == table.height:
        raise DataError(f"{name} says neither call nor put nor a spot; add a column of one of them.")
    there = (*SMILE, "strike")
    rows = table.with_columns(
        paired=pl.len().over(there) == 2, dearer=pl.col("price") == pl.col("price").max().over(there), known=known
    )
    rows = rows.join(_forwards(rows), on=list(SMILE), how="left").with_columns(pl.coalesce("parity", "known"))
    by_pair = pl.when(pl.col("dearer") == (pl.col("strike") < pl.col("parity"))).then(1.0).otherwise(-1.0)
    rows = rows.with_columns(sign=pl.coalesce("sign", pl.when("paired").then(by_pair)))
    rows = rows.with_columns(sign=pl.coalesce("sign", pl.Series(_alone(rows)).fill_nan(None)))
    made = rows.filter(pl.col("sign").is_not_null()).select(table.columns)
    calls = int((made["sign"] > 0).sum())
    says.append(
        f"No option type is given; by put–call parity and implied volatility {calls:,} are calls and "
        f"{made.height - calls:,} puts."
    )
    return made.unique([*there, "sign", "multiplier"], keep="last", maintain_order=True)


def _forwards(rows: pl.DataFrame) -> pl.DataFrame:
    """The forward that pairs away from the money tell: the strike plus call less put; trade_date, expiry, parity."""
    away = (pl.col("strike") / pl.col("known")).log()
    gap = pl.col("price").max() - pl.col("price").min()
    pairs = rows.filter("paired", away.abs() > AWAY).group_by(*SMILE, "strike").agg(gap, known=pl.col("known").first())
    side = pl.when(pl.col("strike") < pl.col("known")).then(1.0).otherwise(-1.0)
    return pairs.group_by(SMILE).agg(parity=(pl.col("strike") + side * pl.col("price")).median())


def _alone(rows: pl.DataFrame) -> np.ndarray:
    """The sign of every row by implied volatility, NaN where the price is that of neither kind."""
    columns = [rows[name].to_numpy().astype(float) for name in ("parity", "strike", "maturity", "price")]
    volatility = {sign: implied_volatility(np.full(rows.height, sign), *columns) for sign in (1.0, -1.0)}
    own = np.where(rows["sign"].fill_null(0.0).to_numpy() > 0, volatility[1.0], volatility[-1.0])
    typed = np.where(rows["paired"].to_numpy(), own, np.nan)
    readings = {"typed": typed, "calls": volatility[1.0], "puts": volatility[-1.0]}
    table = rows.select(SMILE).with_columns(**{name: pl.Series(v).fill_nan(None) for name, v in readings.items()})
    pairs, calls, puts = (pl.col(name).median() for name in readings)
    agree = pl.col("calls").std() / calls <= pl.col("puts").std() / puts
    median = pl.coalesce(pairs, pl.when(agree).then(calls).otherwise(puts), calls, puts).over(SMILE)
    typical = table.select(median).to_series().to_numpy().astype(float)
    gaps = {sign: np.abs(np.log(found / typical)) for sign, found in volatility.items()}
    as_call, as_put = (np.nan_to_num(gaps[sign], nan=np.inf) for sign in (1.0, -1.0))
    sign = np.where(as_call <= as_put, 1.0, -1.0)
    return np.where(np.isinf(np.minimum(as_call, as_put)), np.nan, sign)
