"""Smooth densities and tails of large samples, reduced to a few hundred points."""

import numpy as np
from jaxtyping import Float

BINS = 2048


def bandwidth(sample: Float[np.ndarray, " paths"]) -> float:
    """Silverman's rule, 0.9·min(σ, IQR/1.34)·n^(−1/5) (Silverman 1986, eq. 3.31)."""
    low, high = np.quantile(sample, [0.25, 0.75])
    spreads = [spread for spread in (float(np.std(sample)), float(high - low) / 1.34) if spread > 0]
    return 0.9 * min(spreads, default=0.0) * len(sample) ** -0.2


def density(
    sample: Float[np.ndarray, " paths"], low: float, high: float, points: int = 320
) -> tuple[Float[np.ndarray, " points"], Float[np.ndarray, " points"]]:
    """Gaussian kernel density of `sample` on [low, high], through a fine histogram.

    The sample outside the interval counts in the total, so that the area under the curve is the share inside.

    Returns:
        grid: shape (points,), in the unit of the sample.
        density: shape (points,), per unit of the sample.

    Example:
        >>> grid, height = density(np.random.default_rng(0).normal(size=10_000), -4.0, 4.0)
        >>> round(float(np.trapezoid(height, grid)), 2)
        1.0
    """
    step = (high - low) / BINS
    width = max(bandwidth(sample), 1.5 * step)
    reach = int(np.ceil(4 * width / step))
    padding = reach * step
    counts, edges = np.histogram(sample, bins=BINS + 2 * reach, range=(low - padding, high + padding))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) * step / width) ** 2)
    smooth = np.convolve(counts, kernel / kernel.sum(), mode="same") / (len(sample) * step)
    grid = np.linspace(low, high, points)
    return grid, np.interp(grid, (edges[:-1] + edges[1:]) / 2, smooth)


def lower_tail(
    sample: Float[np.ndarray, " paths"], share: float = 0.1, points: int = 240
) -> tuple[Float[np.ndarray, " tail"], Float[np.ndarray, " tail"]]:
    """The worst `share` of a sample: value, and the share of the sample at or below it.

    Ranks are thinned evenly in their logarithm, so that the extreme keeps every point.
    """
    count = max(int(np.ceil(share * len(sample))), 1)
    worst = np.sort(np.partition(sample, count - 1)[:count])
    ranks = np.unique(np.round(np.geomspace(1, count, points)).astype(int))
    return worst[ranks - 1], ranks / len(sample)


def common_range(samples: list[np.ndarray], *, quantile: float = 0.002, widest: float = 3.0) -> tuple[float, float]:
    """An interval that shows most samples well: one over `widest` times as wide as the median has no say in it."""
    ends = np.array([np.quantile(sample, [quantile, 1 - quantile]) for sample in samples])
    widths = ends[:, 1] - ends[:, 0]
    kept = ends[widths <= widest * np.median(widths)]
    low, high = float(kept[:, 0].min()), float(kept[:, 1].max())
    pad = 0.04 * (high - low) or max(abs(high), 1.0) * 0.1
    return low - pad, high + pad
