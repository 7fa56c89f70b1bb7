"""A smile for every strip: an SVI slice, wings free of arbitrage, and what they say, as a table of days and expiries."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
from jaxtyping import Float
from scipy.special import ndtr

from tenrec.pricing.implied import implied_volatilities
from tenrec.volatility import essvi
from tenrec.volatility.svi import fit_slices
from tenrec.volatility.variance.replication import Wings, fair_strikes
from tenrec.volatility.variance.strip import index_variance, strip_skewness
from tenrec.volatility.variance.terms import Term

QUOTES = 48
"""Quotes of a slice that are fitted, spread evenly; a whole exchange's strip has hundreds."""
LEAST = 4
"""Quotes that a slice needs; with fewer than `FREE`, SVI's five parameters would follow noise, and the extended SSVI
slice with its three is taken."""
FREE = 8
BATCH = 128
DELTA = 0.25


@dataclass(frozen=True)
class Smile:
    """One term's quotes and fit.

    Args:
        k, w: log(K/F) and total variance of the quotes, rising in k.
        svi: level, slope, correlation, centre, width; NaN with fewer than four quotes. error: of the fit, volatility.
        wings: of an extended SSVI slice.
    """

    k: Float[np.ndarray, " quotes"]
    w: Float[np.ndarray, " quotes"]
    svi: Float[np.ndarray, " five"]
    error: float
    wings: Wings

    def total_variance(self, k: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """The SVI slice's."""
        level, slope, correlation, centre, width = self.svi
        return level + slope * (correlation * (k - centre) + np.sqrt((k - centre) ** 2 + width**2))


def fit_smiles(terms: Sequence[Term], tell: Callable[[int, int], None] | None = None) -> list[Smile | None]:
    """A smile for each term, None where fewer than two quotes have an implied volatility.

    Args:
        tell: called with the slices fitted and their number.
    """
    quotes = _volatilities(terms)
    rows = [place for place, (k, _) in enumerate(quotes) if k.size >= LEAST]
    fitted: dict[int, tuple[np.ndarray, float, Wings]] = {}
    for begin in range(0, len(rows), BATCH):
        some = rows[begin : begin + BATCH]
        fitted.update(zip(some, _fit([quotes[row] for row in some], [terms[row] for row in some]), strict=True))
        if tell is not None:
            tell(min(begin + BATCH, len(rows)), len(rows))
    smiles: list[Smile | None] = []
    for place, (k, w) in enumerate(quotes):
        if k.size < 2:
            smiles.append(None)
            continue
        flat = Wings(float(np.interp(0.0, k, w)), 0.0, 1e-9)
        svi, error, wings = fitted.get(place, (np.full(5, np.nan), np.nan, flat))
        smiles.append(Smile(k, w, svi, error, wings))
    return smiles


def term_table(terms: Sequence[Term], smiles: Sequence[Smile | None]) -> pl.DataFrame:
    """One row a term: date, expiry, days, root, forward, discount, strikes, index (points), skewness, variance_swap and
    volatility_swap (strikes, annualised volatility), beyond_quotes (share of the variance), and of the slice: at_the_money
    (volatility), skew and curvature (∂σ/∂k, ∂²σ/∂k² at the forward), risk_reversal and butterfly (25-delta, volatility),
    fit_error, and the five SVI parameters.
    """  # fmt: skip
    return pl.DataFrame([_row(term, smile) for term, smile in zip(terms, smiles, strict=True)], infer_schema_length=None)


def _row(term: Term, smile: Smile | None) -> dict:
    strip, none = term.strip, None
    variance, skewness = index_variance(strip), strip_skewness(strip)
    row = {
        "date": term.day.astype("datetime64[D]").item(), "expiry": term.expiry.item(), "days": term.days,
        "root": term.root, "maturity": strip.maturity, "forward": strip.forward, "discount": strip.discount,
        "strikes": strip.strike.size, "index": 100.0 * float(np.sqrt(variance)) if variance > 0 else none,
        "skewness": skewness if np.isfinite(skewness) else none,
    }  # fmt: skip
    if smile is None:
        return row | dict.fromkeys(("variance_swap", "volatility_swap", "beyond_quotes", *SLICE), none)
    fair = fair_strikes(smile.k, smile.w, strip.maturity, smile.wings)
    row |= {"variance_swap": float(np.sqrt(fair.variance)), "volatility_swap": fair.volatility,
            "beyond_quotes": fair.share}  # fmt: skip
    if np.isnan(smile.svi[0]):
        return row | dict.fromkeys(SLICE, none)
    return row | slice_figures(smile, strip.maturity)


SLICE = ("at_the_money", "skew", "curvature", "risk_reversal", "butterfly", "fit_error", "svi_level", "svi_slope",
         "svi_correlation", "svi_centre", "svi_width")  # fmt: skip


def slice_figures(smile: Smile, maturity: float) -> dict[str, float | None]:
    """At-the-money level, slope and curvature of one slice, and its 25-delta quotes where strikes reach so far."""
    level, slope, correlation, centre, width = smile.svi
    root = np.sqrt(centre**2 + width**2)
    w = level + slope * (root - correlation * centre)
    first, second = slope * (correlation - centre / root), slope * width**2 / root**3
    sigma = np.sqrt(w / maturity)
    tilt = first / (2.0 * np.sqrt(w * maturity))
    bend = (second / (2.0 * w) - first**2 / (4.0 * w**2)) * sigma
    spread = 3.0 * np.sqrt(w)
    k = np.linspace(-1.2 * spread, spread, 481)
    total = np.sqrt(np.maximum(smile.total_variance(k), 1e-12))
    delta = ndtr(-k / total + 0.5 * total)
    put, call = (np.interp(-share, -delta, total / np.sqrt(maturity)) for share in (1.0 - DELTA, DELTA))
    reached = np.interp([DELTA - 1.0, -DELTA], -delta, k)
    inside = smile.k[0] <= reached[0] and reached[1] <= smile.k[-1]
    quoted = (call - put, 0.5 * (call + put) - sigma) if inside else (np.nan, np.nan)
    values = (sigma, tilt, bend, *quoted, smile.error, *smile.svi)
    return {name: None if np.isnan(value) else float(value) for name, value in zip(SLICE, values, strict=True)}


def _volatilities(terms: Sequence[Term]) -> list[tuple[np.ndarray, np.ndarray]]:
    """log(K/F) and total variance of every strip's out-of-the-money quotes."""
    sizes = [term.strip.strike.size for term in terms]
    strike, price, sign = (np.concatenate([part(term) for term in terms]) for part in (_strike, _price, _sign))
    forward, maturity, discount = (
        np.repeat([getattr(term.strip, name) for term in terms], sizes) for name in ("forward", "maturity", "discount")
    )
    found = implied_volatilities(price, forward, strike, maturity, sign, discount).volatility
    k, w = np.log(strike / forward), found**2 * maturity
    ends = np.cumsum(sizes)[:-1]
    pairs = []
    for own, total in zip(np.split(k, ends), np.split(w, ends), strict=True):
        good = np.isfinite(total) & (total > 1e-10)
        pairs.append((own[good], total[good]))
    return pairs


def _strike(term: Term) -> np.ndarray:
    return term.strip.strike


def _sign(term: Term) -> np.ndarray:
    return term.strip.sign


def _price(term: Term) -> np.ndarray:
    """The strip's prices, with the mean at K₀ moved by parity to the side that is out of the money."""
    strip = term.strip
    middle = strip.strike == strip.centre
    # The mean of call and put is the out-of-the-money one and half of D·(F − K₀).
    return strip.price - np.where(middle, 0.5 * strip.discount * np.abs(strip.forward - strip.strike), 0.0)


def _fit(quotes: list[tuple[np.ndarray, np.ndarray]], terms: list[Term]) -> list[tuple[np.ndarray, float, Wings]]:
    """SVI and extended SSVI slices of one batch, which is filled up so that one shape is compiled."""
    k, volatility, weights = (np.zeros((BATCH, QUOTES)) for _ in range(3))
    maturity = np.ones(BATCH)
    for row in range(BATCH):
        own, w = quotes[min(row, len(quotes) - 1)]
        maturity[row] = terms[min(row, len(quotes) - 1)].strip.maturity
        chosen = np.unique(np.linspace(0, own.size - 1, min(QUOTES, own.size)).round().astype(int))
        size = chosen.size
        k[row, :size], volatility[row, :size] = own[chosen], np.sqrt(w[chosen] / maturity[row])
        volatility[row, size:] = volatility[row, 0]
        deviations = own[chosen] / np.sqrt(np.interp(0.0, own, w))
        # Quotes far out are worth ticks: they count less, but still hold the wings.
        weights[row, :size] = np.exp(-0.25 * deviations**2) + 0.03
    slices = fit_slices(k, volatility, maturity, weights)
    parameters = np.stack([np.asarray(part) for part in slices.slices.__dict__.values()], axis=1)
    with jax.enable_x64(True):
        columns = (jnp.asarray(x[:, None]) for x in (k, volatility, maturity, weights))
        essvi_fit = jax.vmap(essvi.fit_one)(*columns)
        wings = essvi_fit.surface
        theta, correlation, psi = (np.asarray(x)[:, 0] for x in (wings.at_the_money, wings.correlation, wings.skew))
    errors = np.asarray(slices.error)
    simple = np.stack([0.5 * theta * (1 - correlation**2), 0.5 * psi, correlation, -correlation * theta / psi,
                       theta * np.sqrt(1 - correlation**2) / psi], axis=1)  # fmt: skip
    few = np.array([own.size < FREE for own, _ in quotes])
    found = np.where(few[:, None], simple[: len(quotes)], parameters[: len(quotes)])
    errors = np.where(few, np.asarray(essvi_fit.error)[: len(quotes)], errors[: len(quotes)])
    return [
        (found[row], float(errors[row]), Wings(float(theta[row]), float(correlation[row]), float(psi[row])))
        for row in range(len(quotes))
    ]
