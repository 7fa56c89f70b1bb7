"""Quotes that are rich or cheap against a surface without arbitrage, by more than spread and error of the fit."""

import numpy as np
import polars as pl

from tenrec.pricing.black_scholes import value

TIMES_ERROR = 2.0
FEWEST = 8
"""Quotes of an expiry from which its own error is told; with fewer the chain's stands."""
COLUMNS = (
    "side", "kind", "strike", "maturity", "bid", "ask", "fair", "edge", "edge_volatility", "fit_error", "score",
    "volatility_bid", "volatility_ask", "fitted", "forward", "discount", "sign",
)  # fmt: skip
IDENTITY = ("symbol", "root", "expiry")


def dislocations(quotes: pl.DataFrame) -> pl.DataFrame:
    """Every quote whose bid lies above the fitted volatility, or its ask below, by twice the error of the fit or more.

    The error of the fit is 1.4826 times the median absolute residual of the expiry's quotes, the standard deviation of
    a normal law, so that the dislocations themselves do not widen it.

    Args:
        quotes: as the run of `tenrec price` keeps them: maturity, strike, sign, bid, ask, forward, discount,
            early_exercise, volatility, volatility_bid, volatility_ask, fitted (annualised decimals).

    Returns:
        the dislocated quotes, the largest score first: side ("rich": sell at the bid; "cheap": buy at the ask), fair
        (price of the fitted volatility), edge (quote currency beyond bid or ask), edge_volatility, fit_error, score
        (edge_volatility/fit_error).

    Example:
        >>> row = {"maturity": 0.5, "strike": 100.0, "sign": 1.0, "forward": 100.0, "discount": 1.0,
        ...        "bid": 5.6, "ask": 5.7, "early_exercise": 0.0, "volatility": 0.2, "volatility_bid": 0.199,
        ...        "volatility_ask": 0.201}
        >>> fitted = [*(0.2 + 1e-4 * (-1) ** n for n in range(9)), 0.18]
        >>> table = pl.DataFrame([row | {"fitted": one} for one in fitted])
        >>> dislocations(table).select("side", "score").rows()
        [('rich', 128.15...)]
    """
    residual = (pl.col("fitted") - pl.col("volatility")).abs()
    overall = 1.4826 * float(quotes.select(residual.median()).item() or 0.0)
    own = pl.when(pl.len().over("maturity") >= FEWEST).then(1.4826 * residual.median().over("maturity"))
    over, under = pl.col("volatility_bid") - pl.col("fitted"), pl.col("fitted") - pl.col("volatility_ask")
    marked = quotes.with_columns(
        fit_error=pl.max_horizontal(pl.coalesce(own, pl.lit(overall)), pl.lit(1e-5)),
        edge_volatility=pl.max_horizontal(over, under),
        side=pl.when(over > 0).then(pl.lit("rich")).otherwise(pl.lit("cheap")),
        kind=pl.when(pl.col("sign") > 0).then(pl.lit("call")).otherwise(pl.lit("put")),
    ).with_columns(score=pl.col("edge_volatility") / pl.col("fit_error"))
    found = marked.filter(pl.col("score") >= TIMES_ERROR)
    columns = ["sign", "forward", "strike", "fitted", "maturity", "discount"]
    fair = np.asarray(value(*(found[name].to_numpy() for name in columns)), float) if found.height else np.empty(0)
    found = found.with_columns(fair=pl.Series(fair, dtype=pl.Float64) + pl.col("early_exercise"))
    edge = (
        pl.when(pl.col("side") == "rich").then(pl.col("bid") - pl.col("fair")).otherwise(pl.col("fair") - pl.col("ask"))
    )
    kept = found.with_columns(edge=edge).filter(pl.col("edge") > 0).sort("score", descending=True)
    return kept.select(*COLUMNS, *[name for name in IDENTITY if name in quotes.columns])
