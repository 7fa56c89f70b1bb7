"""How much of the squared hedge error of a reference a delta takes away, and how sure that is."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int, Shaped

DRAWS = 2000
WINSOR = 0.99
"""Level of the reference's errors at which all errors are cut off in the winsorised gain."""
EXTREMES = 2
"""Clusters (sessions) with the largest squared errors of the reference, left out once."""
MATURITIES = ((0.0, 30.0, "up to 30 days"), (30.0, 60.0, "31–60 days"), (60.0, 1e9, "over 60 days"))
WING = 0.05
"""Below this |δ| an option is in the wing."""
DELTAS = (
    (0.0, WING, "wing"),
    (0.05, 0.25, "far out of the money"),
    (0.25, 0.45, "out of the money"),
    (0.45, 0.55, "at the money"),
    (0.55, 1.01, "in the money"),
)


@dataclass(frozen=True)
class Gain:
    """1 − SSE/SSE(reference) with a 95 % interval, and the same where few large errors count less.

    Fields:
        value, low, high: percent, over all rows. winsorised: errors cut off at the reference's 99 % quantile.
        without_extremes: with its own interval, without the `EXTREMES` clusters of the largest reference errors.
        rms_bp: root mean squared error, basis points. rows, clusters: how many.
    """

    value: float
    low: float
    high: float
    winsorised: float
    without_extremes: float
    without_low: float
    without_high: float
    rms_bp: float
    rows: int
    clusters: int

    def to_dict(self) -> dict[str, float | int | None]:
        """The fields by name; an interval that too few clusters leave open is None."""
        return {name: None if math.isnan(value) else value for name, value in asdict(self).items()}


def gain(
    error: Float[np.ndarray, " rows"],
    reference: Float[np.ndarray, " rows"],
    cluster: Shaped[np.ndarray, " rows"],
    *,
    seed: int = 0,
) -> Gain:
    """The gain of hedge errors over a reference's on the same rows; whole clusters (sessions, expiries) are resampled.

    Args:
        error, reference: hedge errors, in units of the forward. cluster: label of each row; rows of one label may
            depend on each other. seed: of the resampling.

    Example:
        >>> g = gain(np.array([1.0, 2.0, 1.0, 1.0]), np.array([2.0, 2.0, 1.0, 1.0]), np.array([0, 1, 2, 3]))
        >>> round(g.value, 6)
        30.0
    """
    labels, member = np.unique(cluster, return_inverse=True)
    own, other = (np.bincount(member, part**2, len(labels)) for part in (error, reference))
    low, high = _interval(own, other, seed)
    cut = np.quantile(np.abs(reference), WINSOR)
    clipped = [np.sum(np.minimum(np.abs(part), cut) ** 2) for part in (error, reference)]
    kept = np.argsort(-other, kind="stable")[min(EXTREMES, max(len(labels) - 2, 0)) :]
    without = _interval(own[kept], other[kept], seed)
    return Gain(
        value=_percent(own.sum(), other.sum()),
        low=low,
        high=high,
        winsorised=_percent(clipped[0], clipped[1]),
        without_extremes=_percent(own[kept].sum(), other[kept].sum()),
        without_low=without[0],
        without_high=without[1],
        rms_bp=float(1e4 * np.sqrt(np.mean(error**2))),
        rows=len(error),
        clusters=len(labels),
    )


def extreme_clusters(reference: Float[np.ndarray, " rows"], cluster: Shaped[np.ndarray, " rows"]) -> list[str]:
    """The clusters that `without_extremes` leaves out, the largest first."""
    labels, member = np.unique(cluster, return_inverse=True)
    return [str(labels[n]) for n in np.argsort(-np.bincount(member, reference**2), kind="stable")[:EXTREMES]]


def bucket_gains(
    errors: Mapping[str, Float[np.ndarray, " rows"]], reference: str, rows: pl.DataFrame, *, seed: int = 0
) -> pl.DataFrame:
    """The gain of every policy in every bucket of maturity and moneyness.

    Args:
        errors: hedge errors by policy. reference: one of them.
        rows: columns years, delta (of one unit owned) and cluster.

    Returns:
        policy, maturity, moneyness ("all" for both over everything), and the fields of `Gain`; buckets with fewer than
        two clusters are left out.
    """
    days, size = rows["years"].to_numpy() * 365.0, np.abs(rows["delta"].to_numpy())
    cluster, found = rows["cluster"].to_numpy(), []
    maturities = (
        ("all", np.ones(len(days), bool)),
        *((name, (days > low) & (days <= high)) for low, high, name in MATURITIES),
    )
    money = (("all", np.ones(len(days), bool)), *((name, (size >= low) & (size < high)) for low, high, name in DELTAS))
    for maturity, first in maturities:
        for moneyness, second in money:
            inside = first & second
            if len(np.unique(cluster[inside])) < 2 or not np.any(errors[reference][inside]):
                continue
            for name, error in errors.items():
                if name != reference:
                    one = gain(error[inside], errors[reference][inside], cluster[inside], seed=seed)
                    found.append({"policy": name, "maturity": maturity, "moneyness": moneyness, **one.to_dict()})
    return pl.DataFrame(found)


def wing_gains(
    errors: Mapping[str, Float[np.ndarray, " rows"]], references: tuple[str, ...], rows: pl.DataFrame, *, seed: int = 0
) -> dict[str, Any]:
    """In the wing: the root mean square of every policy (bp), and its gain over each of several references.

    Args:
        errors, rows: as in `bucket_gains`. references: of `errors`, no hedge and the Black–Scholes delta.

    Returns:
        rows, sessions, policies (name → rms_bp, and over: reference → gain); nothing where fewer than two sessions are.
    """
    inside = (rows["delta"].abs() < WING).to_numpy()
    cluster = rows["cluster"].to_numpy()[inside]
    if len(np.unique(cluster)) < 2:
        return {}
    own = {name: error[inside] for name, error in errors.items()}
    policies = {
        name: {
            "rms_bp": float(1e4 * np.sqrt(np.mean(error**2))),
            "over": {
                other: gain(error, own[other], cluster, seed=seed).to_dict()
                for other in references
                if other in own and other != name
            },
        }
        for name, error in own.items()
    }
    return {"rows": int(inside.sum()), "sessions": len(np.unique(cluster)), "policies": policies}


def shifted_gains(
    pnl: Float[np.ndarray, " steps"],
    unit: Float[np.ndarray, " steps"],
    response: Float[np.ndarray, " sessions"],
    session: Int[np.ndarray, " steps"],
    judged: Bool[np.ndarray, " steps"],
    *,
    shifts: int = 40,
) -> list[float]:
    """The placebo: gains, percent, of a response that is turned round the judged sessions by so many equal shifts.

    The P&L is affine in the response, so that pnl + response·unit is what the engine would give.

    Args:
        pnl: of the Black–Scholes delta. unit: what a response of 1 adds. response: of every session, in order.
        session: number of the session of each step. judged: the steps that count.
    """
    inside = np.unique(session[judged])
    place = np.searchsorted(inside, session[judged])
    own = response[inside]
    least = max(len(inside) // 20, 1)
    steps = np.unique(np.linspace(least, len(inside) - least, shifts).astype(int))
    base = np.sum(pnl[judged] ** 2)
    moved = ((pnl[judged] + np.roll(own, step)[place] * unit[judged]) for step in steps)
    return [_percent(np.sum(error**2), base) for error in moved]


def _percent(own: float, other: float) -> float:
    return float(100.0 * (1.0 - own / other)) if other > 0 else 0.0


def _interval(
    own: Float[np.ndarray, " clusters"], other: Float[np.ndarray, " clusters"], seed: int
) -> tuple[float, float]:
    """Percentile interval of the gain when clusters are drawn with replacement, percent."""
    count = len(own)
    if count < 2 or other.sum() <= 0:
        return float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(count, np.full(count, 1.0 / count), DRAWS).astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = 100.0 * (1.0 - (drawn @ own) / (drawn @ other))
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)
