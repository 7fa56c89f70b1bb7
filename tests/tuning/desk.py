"""Small ticks, books and costs for the tuning tests."""

import jax.numpy as jnp
import numpy as np

from tenrec.hedging.costs import AbstractCost, MakerTakerCost
from tenrec.tuning.book import Book, Leg, book_path
from tenrec.tuning.scoring import Window, make_window
from tenrec.tuning.ticks import DAY, Ticks

STRADDLE = (Leg("call", 1.0, 30 * DAY, -0.5), Leg("put", 1.0, 30 * DAY, -0.5))


def costs(rate: float = 6e-4) -> tuple[AbstractCost, ...]:
    """One fee on the traded value."""
    zero = jnp.asarray(0.0)
    return (MakerTakerCost(zero, jnp.asarray(rate), zero, zero),)


def ticks_of(spot: np.ndarray, *, interval: float = 60.0, volatility: float = 0.6, **changes: object) -> Ticks:
    """Ticks along these prices."""
    count = len(spot)
    columns = {
        "time": interval * np.arange(count),
        "spot": np.asarray(spot, float),
        "volatility": np.full(count, volatility),
        "funding": np.zeros(count),
        "half_spread": np.zeros(count),
        "tradable": np.ones(count, bool),
    }
    return Ticks(**{**columns, **changes})  # type: ignore[arg-type]


def walk(count: int = 600, seed: int = 1, scale: float = 8e-4) -> np.ndarray:
    """A random price path from 50,000."""
    return 50_000.0 * np.exp(scale * np.cumsum(np.random.default_rng(seed).standard_normal(count)))


def window_of(ticks: Ticks, book: Book | None = None, **more: object) -> Window:
    """A window of a book, by default a sold straddle of a million."""
    book = Book(1e6, STRADDLE) if book is None else book
    return make_window(ticks, book, book_path(book, ticks), **more)  # type: ignore[arg-type]
