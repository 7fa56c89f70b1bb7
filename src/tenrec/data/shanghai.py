"""The bundled Shanghai 50ETF options: daily closes 2015-02-09..2021-12-31, see bundled/PROVENANCE.md."""

from importlib import resources

import polars as pl

TICK = 1e-4
"""Prices are stored as integers of 1e-4 CNY."""

COLUMNS = (
    "trade_date",
    "expiry",
    "cp",
    "strike",
    "strike_raw",
    "multiplier",
    "adj_event",
    "dup_key",
    "close",
    "dte",
    "spot_parity",
    "iv_calc",
    "spot_est",
    "fwd_parity",
)


def shanghai_options() -> pl.DataFrame:
    """Daily closes of every listed 50ETF option, one row a contract and date, sorted by date, expiry and strike.

    Columns: trade_date, expiry (Date); cp ("C" or "P"); strike in force on the date and strike_raw, the final one
    (CNY per share); multiplier (shares per contract); adj_event (ex-dividend date that touches the contract, else
    null); dup_key (True where two listings share date, expiry, kind and strike); close (CNY per share, null where
    missing); dte (calendar days); spot_parity, fwd_parity (put–call-parity spot and forward at 2.5 %, the latter null
    on the last days of an expiry); iv_calc (implied volatility off fwd_parity, decimal); spot_est (ETF close,
    from 2017).

    Example:
        >>> options = shanghai_options()
        >>> options.height, options["trade_date"].max().isoformat()
        (208422, '2021-12-31')
    """
    packed = _read("shanghai_options")
    exact = packed.with_columns(
        (pl.col("strike", "strike_raw", "close") * TICK).round(4),
        pl.col("multiplier").cast(pl.Int64),
        pl.col("iv_calc").cast(pl.Float64),
        dte=(pl.col("expiry") - pl.col("trade_date")).dt.total_days(),
    )
    forwards = shanghai_forwards().select("trade_date", "expiry", "fwd_parity")
    closes = shanghai_etf().select(pl.col("date").alias("trade_date"), "spot_est")
    joined = exact.join(forwards, on=["trade_date", "expiry"], how="left", maintain_order="left")
    return joined.join(closes, on="trade_date", how="left", maintain_order="left").select(COLUMNS)


def shanghai_forwards() -> pl.DataFrame:
    """Put–call-parity forward of each date and expiry, sorted.

    Columns: trade_date, expiry (Date); fwd_parity (CNY per share, at 2.5 % interest); n_strikes used;
    parity_resid_std (CNY, spread of the parity forward over those strikes); basis_ann (annualised basis of the forward
    over spot_est, from 2017).
    """
    table = _read("shanghai_forwards")
    return table.with_columns(
        pl.col("n_strikes").cast(pl.Int64), pl.col("parity_resid_std", "basis_ann").cast(pl.Float64)
    )


def shanghai_etf() -> pl.DataFrame:
    """Closes of the 50ETF from 2017-01-03, sorted.

    Columns: date (Date); etf50_hfq (close adjusted for past dividends); spot_est (unadjusted close, CNY per share).
    """
    return _read("shanghai_etf")


def _read(name: str) -> pl.DataFrame:
    file = resources.files("tenrec.data") / "bundled" / f"{name}.parquet"
    return pl.read_parquet(file.read_bytes())
