"""What trading dislocated quotes would have made: entered and closed at recorded bids and asks, hedged in between."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl

from tenrec.contracts.quoted import QuotedBook
from tenrec.core.paths import market_paths
from tenrec.hedging.assess import Sample, assess
from tenrec.hedging.costs import ProportionalCost
from tenrec.hedging.engine import Terms
from tenrec.hedging.policies.delta import BlackScholesDelta, NoHedge

KEY = ("symbol", "root", "expiry", "strike", "sign")
DRAWS = 2000


@dataclass(frozen=True)
class RecordedDay:
    """One day of a chain.

    Fields:
        day: ISO date. quotes: KEY, maturity, bid, ask, volatility (null where there is none). forwards: maturity,
        forward, discount.
    """

    day: str
    quotes: pl.DataFrame
    forwards: pl.DataFrame


def trade(entries: pl.DataFrame, days: Sequence[RecordedDay], *, hedge_cost: float = 0.0) -> pl.DataFrame:
    """Enter every dislocation on the first day, hedge with the forward at each recorded close, close on the last.

    What is cheap is bought at its ask and sold at a later bid (nothing where there is none), what is rich is sold at
    its bid and bought back at an ask. A contract that cannot be closed on the last day is closed on the last day before
    on which it can; one that never can is left out and its row says so. Delta is Black's at the contract's own
    volatility of the day, the last known where a day tells none.

    Args:
        entries: KEY, side, bid, ask, fair, forward, discount, fitted, maturity. days: at least two.
        hedge_cost: share of the traded value of the forward.

    Returns:
        entries with `closed` (day, null where never), and P&L per unit of the option's underlying at expiry's money,
        quote currency: `pnl` (hedged), `unhedged`, `pnl_bp` (of the forward).
    """
    return settle(entries, follow(entries, days), hedge_cost=hedge_cost)


def follow(entries: pl.DataFrame, days: Sequence[RecordedDay]) -> list[dict | None]:
    """The path of every entry over the days, None where it can never be closed; `settle` wants them."""
    return [_path(row, days) for row in entries.to_dicts()]


def settle(entries: pl.DataFrame, made: Sequence[dict | None], *, hedge_cost: float = 0.0) -> pl.DataFrame:
    """P&L of entries, of any number of entry days, along the paths of `follow`; see `trade`."""
    closed = [None if path is None else path["closed"] for path in made]
    kept = [path for path in made if path is not None]
    results: Mapping[str, np.ndarray] = {"pnl": np.empty(0), "unhedged": np.empty(0)}
    if kept:
        with jax.enable_x64(True):
            policies = {"pnl": BlackScholesDelta(), "unhedged": NoHedge()}
            terms = Terms(margined=(True,), costs=(ProportionalCost(jnp.asarray(hedge_cost)),))
            results = {name: np.asarray(out.pnl) for name, out in assess(policies, _sample(kept), terms).items()}
    place = np.cumsum([path is not None for path in made]) - 1
    columns = {
        name: [None if made[n] is None else float(values[place[n]]) for n in range(len(made))]
        for name, values in results.items()
    }
    table = entries.with_columns(
        pl.Series("closed", closed, dtype=pl.String), *[pl.Series(n, v, dtype=pl.Float64) for n, v in columns.items()]
    )
    forward = pl.col("forward")
    return table.with_columns(
        pnl_bp=1e4 * pl.col("pnl"), pnl=pl.col("pnl") * forward, unhedged=pl.col("unhedged") * forward
    )


def summary(trades: pl.DataFrame, *, seed: int = 0) -> dict[str, float | int | None]:
    """Mean P&L per trade, basis points of the forward, with a 95 % interval over whole entry days.

    Args:
        trades: `entered` (day) and the columns of `trade`.
    """
    done = trades.filter(pl.col("pnl").is_not_null())
    days = done.group_by("entered").agg(pl.col("pnl_bp").sum(), pl.len())
    total, count = days["pnl_bp"].to_numpy(), days["len"].to_numpy()
    low = high = None
    if days.height >= 2:
        drawn = np.random.default_rng(seed).multinomial(days.height, np.full(days.height, 1 / days.height), DRAWS)
        low, high = (float(edge) for edge in np.quantile((drawn @ total) / (drawn @ count), [0.025, 0.975]))
    mean = {side: done.filter(pl.col("side") == side)["pnl_bp"].mean() for side in ("rich", "cheap")}
    unhedged = (1e4 * done["unhedged"] / done["forward"]).mean()
    spread = (1e4 * (done["ask"] - done["bid"]) / done["forward"]).mean()
    return {
        "trades": done.height,
        "days": days.height,
        "never_closed": trades.height - done.height,
        "mean_bp": _number(done["pnl_bp"].mean()),
        "low_bp": low,
        "high_bp": high,
        "share_gained": _number((done["pnl"] > 0).mean()),
        "rich_mean_bp": _number(mean["rich"]),
        "cheap_mean_bp": _number(mean["cheap"]),
        "unhedged_mean_bp": _number(unhedged),
        "spread_bp": _number(spread),
    }


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None


def _path(entry: dict, days: Sequence[RecordedDay]) -> dict | None:
    """Forwards, volatilities and closing value of one contract over the days; None where it cannot be closed."""
    key = pl.lit(True)
    for name in KEY:
        key = key & pl.col(name).eq_missing(pl.lit(entry[name]))
    start, scale = days[0], entry["forward"]
    forward, volatility, dates, closing = [1.0], [entry["fitted"]], [start.day], 0
    value, first = 0.0, entry["ask"] if entry["side"] == "cheap" else entry["bid"]
    for day in days[1:]:
        rows = day.quotes.filter(key)
        row = rows.to_dicts()[0] if rows.height else {}
        market = day.forwards.filter((pl.col("maturity") - row["maturity"]).abs() < 1e-9) if row else pl.DataFrame()
        if market.is_empty():
            continue
        level, discount = market["forward"][0] / scale, market["discount"][0]
        forward.append(level)
        volatility.append(row["volatility"] or volatility[-1])
        dates.append(day.day)
        out = row["bid"] or 0.0 if entry["side"] == "cheap" else row["ask"]
        if out is not None:
            closing, value = len(dates) - 1, out / discount / scale
    if closing == 0:
        return None
    elapsed = np.diff(np.array(dates[: closing + 1], "datetime64[D]")).astype(float) / 365.0
    return {
        "forward": forward[: closing + 1],
        "volatility": volatility[: closing + 1],
        "dt": elapsed,
        "left": max(entry["maturity"] - float(elapsed.sum()), 1e-6),
        "closing": closing,
        "closed": dates[closing],
        "value": value,
        "premium": first / entry["discount"] / scale,
        "quantity": 1.0 if entry["side"] == "cheap" else -1.0,
        "strike": entry["strike"] / scale,
        "sign": entry["sign"],
    }


def _sample(paths: Sequence[dict]) -> Sample:
    """The trades as paths of the engine; what follows a closing repeats it and takes no time, the expiry comes last."""
    steps = max(path["closing"] for path in paths)
    spot = np.array([_padded(path["forward"], steps + 2) for path in paths])
    dt = np.array([[*_padded(path["dt"], steps, 0.0), path["left"]] for path in paths])
    closing = np.array([path["closing"] for path in paths])[:, None]
    quantity, value, premium, strike, sign = (
        np.array([path[name] for path in paths]) for name in ("quantity", "value", "premium", "strike", "sign")
    )
    return Sample(
        market_paths(
            spot=jnp.asarray(spot),
            dt=jnp.asarray(dt),
            volatility=jnp.asarray([_padded(path["volatility"], steps + 2) for path in paths]),
            tradable=jnp.asarray(np.arange(steps + 2) < closing),
        ),
        QuotedBook(
            strike=jnp.asarray(strike[:, None]),
            sign=jnp.asarray(sign[:, None]),
            expiry=jnp.full(closing.shape, steps + 1),
            quantity=jnp.asarray(quantity[:, None]),
            closing=jnp.asarray(closing),
            value=jnp.asarray(value[:, None]),
        ),
        jnp.asarray(-quantity * premium),
    )


def _padded(values: Sequence[float] | np.ndarray, length: int, fill: float | None = None) -> list[float]:
    given = [float(value) for value in values]
    return given + [given[-1] if fill is None else fill] * (length - len(given))
