"""Surfaces of many days: slices joined without arbitrage, constant maturities, and the arbitrage in slices."""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
from jaxtyping import Array, Float

from tenrec.volatility import essvi
from tenrec.volatility.variance.smiles import QUOTES, SVI_COLUMNS, Smile, raw_slice, slice_figures
from tenrec.volatility.variance.terms import DAYS, Term

GRID = np.linspace(-2.5, 1.5, 41)
"""Standardised moneyness k/(σ√T) at which slices are compared."""
TOLERANCE = 1e-8
TOGETHER = 16
MATURITIES = (30.0, 91.0, 182.0)


def joint_smiles(
    terms: Sequence[Term], smiles: Sequence[Smile | None], tell: Callable[[int, int], None] | None = None
) -> list[Smile | None]:
    """The smiles with the slices of one extended SSVI surface a day, free of butterfly and calendar arbitrage.

    All days are fitted with one number of slices; days with fewer are filled up with slices that weigh nothing.
    """
    by_day: dict[np.datetime64, list[int]] = {}
    for place, (term, smile) in enumerate(zip(terms, smiles, strict=True)):
        if smile is not None and (not by_day.get(term.day) or _later(terms, by_day[term.day][-1], place)):
            by_day.setdefault(term.day, []).append(place)
    most = max((len(places) for places in by_day.values()), default=0)
    found: list[Smile | None] = [None] * len(terms)
    groups = list(by_day.values())
    for begin in range(0, len(groups), TOGETHER):
        some = groups[begin : begin + TOGETHER]
        for places, slices in zip(some, _joint(terms, smiles, some, most), strict=True):
            for place, (svi, error) in zip(places, slices, strict=True):
                smile = smiles[place]
                assert smile is not None
                found[place] = Smile(smile.k, smile.w, svi, error, smile.wings)
        if tell is not None:
            tell(min(begin + TOGETHER, len(groups)), len(groups))
    return found


def _later(terms: Sequence[Term], before: int, place: int) -> bool:
    return terms[place].strip.maturity > terms[before].strip.maturity + 1e-6


def _joint(
    terms: Sequence[Term], smiles: Sequence[Smile | None], groups: list[list[int]], most: int
) -> list[list[tuple[np.ndarray, float]]]:
    shape = (TOGETHER, most)
    k, volatility, weights = (np.zeros((*shape, QUOTES)) for _ in range(3))
    maturity = np.ones(shape)
    for row in range(TOGETHER):
        places = groups[min(row, len(groups) - 1)]
        for column in range(most):
            place = places[min(column, len(places) - 1)]
            smile, years = smiles[place], terms[place].strip.maturity
            assert smile is not None
            own = smile.padded(years)
            k[row, column], volatility[row, column] = own[0], own[1]
            weights[row, column] = own[2] if column < len(places) else 0.0
            maturity[row, column] = years + 0.05 * max(column - len(places) + 1, 0)
    with jax.enable_x64(True):
        fitted = _fit_days(*(jnp.asarray(x) for x in (k, volatility, maturity, weights)))
        parts = [np.asarray(x) for x in (fitted.at_the_money, fitted.correlation, fitted.skew)]
    results = []
    for row, places in enumerate(groups):
        slices = []
        for column, place in enumerate(places):
            smile, years = smiles[place], terms[place].strip.maturity
            assert smile is not None
            svi = raw_slice(*(part[row, column] for part in parts))
            own_k, own_v, own_w = smile.padded(years)
            made = Smile(smile.k, smile.w, svi, 0.0, smile.wings)
            miss = np.sqrt(np.maximum(made.total_variance(own_k), 0.0) / years) - own_v
            slices.append((svi, float(np.sqrt(np.sum(own_w * miss**2) / np.sum(own_w)))))
        results.append(slices)
    return results


@jax.jit
def _fit_days(k: Array, volatility: Array, maturity: Array, weights: Array) -> essvi.ESSVI:
    return jax.lax.map(lambda day: essvi.fit_one(*day).surface, (k, volatility, maturity, weights))


def refitted(table: pl.DataFrame, terms: Sequence[Term], smiles: Sequence[Smile | None]) -> pl.DataFrame:
    """The term table with the figures of other slices; rows without a slice are left out."""
    rows = []
    for row, term, smile in zip(table.iter_rows(named=True), terms, smiles, strict=True):
        if smile is not None:
            rows.append(row | slice_figures(smile, term.strip.maturity))
    return pl.DataFrame(rows, infer_schema_length=None)


def constant_maturities(table: pl.DataFrame, maturities: Sequence[float] = MATURITIES) -> pl.DataFrame:
    """Volatility at the money, skew, curvature and 25-delta quotes at constant maturities, one row a date and each.

    Total variance is linear in time between the neighbouring expiries, the rest linear; nothing is carried beyond them.
    """  # fmt: skip
    rows = []
    for (date,), part in table.drop_nulls("at_the_money").group_by("date", maintain_order=True):
        own = part.sort("maturity").unique("maturity", keep="first", maintain_order=True)
        times = own["maturity"].to_numpy()
        for days in maturities:
            years = days / DAYS
            if times.size < 2 or not times[0] <= years <= times[-1]:
                continue
            total = np.interp(years, times, own["at_the_money"].to_numpy() ** 2 * times)
            row = {"date": date, "days": days, "at_the_money": float(np.sqrt(total / years))}
            for name in ("skew", "curvature", "risk_reversal", "butterfly"):
                known = own.drop_nulls(name)
                at = known["maturity"].to_numpy()
                inside = at.size > 1 and at[0] <= years <= at[-1]
                row[name] = float(np.interp(years, at, known[name].to_numpy())) if inside else None
            rows.append(row)
    schema = {"date": pl.Date, "days": pl.Float64, **dict.fromkeys(
        ("at_the_money", "skew", "curvature", "risk_reversal", "butterfly"), pl.Float64)}  # fmt: skip
    return pl.DataFrame(rows, schema=schema)


def volatility_grid(
    day: pl.DataFrame, moneyness: Float[np.ndarray, " points"] = GRID
) -> Float[np.ndarray, "slices points"]:
    """Volatility of every slice of one day at standardised moneyness k/(σ_ATM·√T); rows as in `day`."""
    sigma, years = day["at_the_money"].to_numpy(), day["maturity"].to_numpy()
    k = moneyness * (sigma * np.sqrt(years))[:, None]
    level, slope, correlation, centre, width = (day[name].to_numpy()[:, None] for name in SVI_COLUMNS)
    w = level + slope * (correlation * (k - centre) + np.sqrt((k - centre) ** 2 + width**2))
    return np.sqrt(np.maximum(w, 0.0) / years[:, None])


def arbitrage_shares(table: pl.DataFrame) -> dict[str, float]:
    """Shares of points with a butterfly (Durrleman's g < 0) and, between neighbouring slices, a calendar arbitrage.

    Looked for between −2.5 and 1.5 standard deviations, where options are quoted.
    """  # fmt: skip
    known = table.drop_nulls("at_the_money").sort("date", "maturity")
    level, slope, correlation, centre, width = (known[name].to_numpy()[:, None] for name in SVI_COLUMNS)
    years = known["maturity"].to_numpy()
    k = GRID * (known["at_the_money"].to_numpy() * np.sqrt(years))[:, None]

    def variance(at: np.ndarray, rows: slice) -> np.ndarray:
        apart = at - centre[rows]
        return level[rows] + slope[rows] * (correlation[rows] * apart + np.sqrt(apart**2 + width[rows] ** 2))

    every = slice(None)
    w, root = variance(k, every), np.sqrt((k - centre) ** 2 + width**2)
    first, second = slope * (correlation + (k - centre) / root), slope * width**2 / root**3
    g = (1.0 - 0.5 * k * first / w) ** 2 - 0.25 * first**2 * (1.0 / w + 0.25) + 0.5 * second
    days = known["date"].to_numpy()
    pairs = (days[1:] == days[:-1]) & (years[1:] > years[:-1] + 1e-6)
    later = variance(k[:-1], slice(1, None)) - w[:-1]
    calendar = float(np.mean(later[pairs] < -TOLERANCE)) if pairs.any() else 0.0
    return {"butterfly": float(np.mean(g < -TOLERANCE)), "calendar": calendar}
