"""A smile for every strip: an SVI slice, wings free of arbitrage, and what they say, as a table."""

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

    def padded(self, maturity: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """At most `QUOTES` quotes' log(K/F), volatility and weight, filled up with quotes that weigh nothing.

        Quotes far out are worth ticks: they count less, but still hold the wings.
        """
        chosen = np.unique(np.linspace(0, self.k.size - 1, min(QUOTES, self.k.size)).round().astype(int))
        k, volatility, weights = (np.zeros(QUOTES) for _ in range(3))
        k[: chosen.size], volatility[: chosen.size] = self.k[chosen], np.sqrt(self.w[chosen] / maturity)
        volatility[chosen.size :] = volatility[0]
        deviations = self.k[chosen] / np.sqrt(np.interp(0.0, self.k, self.w))
        weights[: chosen.size] = np.exp(-0.25 * deviations**2) + 0.03
        return k, volatility, weights

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
    smiles = [_bare(k, w) if k.size > 1 else None for k, w in quotes]
    rows = [place for place, smile in enumerate(smiles) if smile is not None and smile.k.size >= LEAST]
    for begin in range(0, len(rows), BATCH):
        some = rows[begin : begin + BATCH]
        bare = [smile for row in some if (smile := smiles[row]) is not None]
        fits = _fit(bare, [terms[row].strip.maturity for row in some])
        for row, smile, (svi, error, wings) in zip(some, bare, fits, strict=True):
            smiles[row] = Smile(smile.k, smile.w, svi, error, wings)
        if tell is not None:
            tell(min(begin + BATCH, len(rows)), len(rows))
    return smiles


def _bare(k: np.ndarray, w: np.ndarray) -> Smile:
    """Quotes without a slice, and flat wings."""
    return Smile(k, w, np.full(5, np.nan), float("nan"), Wings(float(np.interp(0.0, k, w)), 0.0, 1e-9))


def term_table(terms: Sequence[Term], smiles: Sequence[Smile | None]) -> pl.DataFrame:
    """One row a term: date, expiry, days, root, forward, discount, strikes, index (points), skewness, variance_swap and
    volatility_swap (strikes, annualised volatility), beyond_quotes (share of the variance), and of the slice:
    at_the_money (volatility), skew and curvature (∂σ/∂k, ∂²σ/∂k² at the forward), risk_reversal and butterfly
    (25-delta, volatility), fit_error, and the five SVI parameters.
    """  # fmt: skip
    return pl.DataFrame(
        [_row(term, smile) for term, smile in zip(terms, smiles, strict=True)], infer_schema_length=None
    )


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


SVI_COLUMNS = ("svi_level", "svi_slope", "svi_correlation", "svi_centre", "svi_width")
SLICE = ("at_the_money", "skew", "curvature", "risk_reversal", "butterfly", "fit_error", *SVI_COLUMNS)


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


def raw_slice(theta: float, correlation: float, psi: float) -> np.ndarray:
    """An extended SSVI slice as the five parameters of SVI."""
    around = np.sqrt(1.0 - correlation**2)
    return np.array([0.5 * theta * around**2, 0.5 * psi, correlation, -correlation * theta / psi, theta * around / psi])


def _fit(smiles: list[Smile], maturities: list[float]) -> list[tuple[np.ndarray, float, Wings]]:
    """SVI and extended SSVI slices of one batch, which is filled up so that one shape is compiled."""
    rows = [min(row, len(smiles) - 1) for row in range(BATCH)]
    padded = [smiles[row].padded(maturities[row]) for row in rows]
    k, volatility, weights = (np.stack(part) for part in zip(*padded, strict=True))
    maturity = np.array([maturities[row] for row in rows])
    slices = fit_slices(k, volatility, maturity, weights)
    parameters = np.stack([np.asarray(part) for part in slices.slices.__dict__.values()], axis=1)
    with jax.enable_x64(True):
        columns = (jnp.asarray(x[:, None]) for x in (k, volatility, maturity, weights))
        simple = jax.vmap(essvi.fit_one)(*columns)
        surface = simple.surface
        parts = [np.asarray(x)[:, 0] for x in (surface.at_the_money, surface.correlation, surface.skew)]
    found = []
    for row, smile in enumerate(smiles):
        wings = Wings(*(float(part[row]) for part in parts))
        few = smile.k.size < FREE
        svi = raw_slice(wings.theta, wings.correlation, wings.psi) if few else parameters[row]
        found.append((svi, float((simple if few else slices).error[row]), wings))
    return found
