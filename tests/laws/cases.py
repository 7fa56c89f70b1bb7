"""Worlds for the engine's laws: every market, instrument and cost, combined so that all pairs meet."""

import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from tenrec.contracts import EuropeanBook, european, european_book
from tenrec.core.paths import MarketPaths, market_paths
from tenrec.hedging.costs import (
    AbstractCost,
    FixedCost,
    HalfSpreadCost,
    MakerTakerCost,
    MinimumFee,
    ProportionalCost,
    QuadraticCost,
)
from tenrec.hedging.engine import Terms
from tenrec.hedging.limits import make_limits
from tests.conformance.markets import make_market
from tests.laws.listed import with_option

PATHS, STEPS = 5, 8
RATE = 0.04
MARGINED = {
    "spot": (False,),
    "future": (True,),
    "spot_and_future": (False, True),
    "inverse": (True,),
    "spot_and_option": (False, False),
}
COSTS: dict[str, tuple[str, ...]] = {
    "none": (),
    "proportional": ("proportional",),
    "half_spread": ("half_spread",),
    "both": ("proportional", "half_spread"),
    "ticket": ("fixed", "quadratic"),
    "broker": ("proportional", "minimum", "borrow"),
    "exchange": ("maker", "funding"),
    "all": ("proportional", "minimum", "maker", "half_spread", "fixed", "quadratic", "funding", "borrow"),
}
LIMITS: dict[str, dict[str, float]] = {
    "none": {},
    "lots": {"lot": 0.05},
    "all": {"lot": 0.04, "position": 0.9, "trade": 0.3},
}
EACH: dict[str, dict[str, tuple[float, float]]] = {
    "proportional": {"proportional": (0.002, 0.0005)},
    "half_spread": {"half_spread": (1.0, 1.0)},
    "fixed": {"fixed": (0.003, 0.001)},
    "minimum": {"minimum": (0.0015, 0.0004)},
    "quadratic": {"quadratic": (0.01, 0.03)},
    "maker": {
        "maker": (-1e-4, 2e-4),
        "taker": (5e-4, 4e-4),
        "slippage": (1e-4, 2e-4),
        "maker_share": (0.5, 0.2),
    },
    "funding": {"funding": (0.1, -0.05)},
    "borrow": {"borrow": (0.03, 0.01)},
}
"""Rates of two instruments."""
BOOKS = ("sold_call", "held_put", "book")


def pairwise(factors: Mapping[str, Sequence]) -> list[dict]:
    """Few combinations in which every value of every factor meets every value of every other one.

    In parameter order, as Lei and Tai (1998): all pairs of the two largest factors, to each of which every further
    factor gives the value that meets most of what it has not met yet (of equals, the one given least often).
    """
    names = sorted(factors, key=lambda name: -len(factors[name]))
    chosen = [dict(zip(names, row, strict=False)) for row in itertools.product(*(factors[name] for name in names[:2]))]
    for number, name in enumerate(names[2:], start=2):
        others = {(other, value) for other in names[:number] for value in factors[other]}
        missing = set(itertools.product(others, factors[name]))
        given = dict.fromkeys(factors[name], 0)
        for case in chosen:
            met = {value: missing & {(pair, value) for pair in case.items()} for value in given}
            case[name] = best = max(given, key=lambda value: (len(met[value]), -given[value]))
            missing -= met[best]
            given[best] += 1
        for (other, value), last in sorted(missing, key=str):
            chosen.append({former: factors[former][0] for former in names[:number]} | {other: value, name: last})
    return chosen


def uneven_periods() -> np.ndarray:
    """Daily dates with two weekends among them, in years."""
    return np.array([1.0, 1.0, 3.0, 1.0, 1.0, 1.0, 3.0, 1.0]) / 365


def make_paths(market: str, instrument: str) -> MarketPaths:
    """Paths of a market with the given instruments; half-spreads are 0.05 % to 0.1 % of the mid."""
    if instrument == "spot_and_option":
        paths = with_option(make_paths(market, "spot"))
    elif market == "recorded":
        paths = recorded(instrument)
    else:
        kinds = ["spot"] if instrument == "inverse" else instrument.split("_and_")
        parts = [simulated(market, kind) for kind in kinds]
        paths = parts[0]
        if len(parts) > 1:
            stacked = {name: _side_by_side(parts, name) for name in ("price", "carry", "half_spread")}
            paths = dataclasses.replace(paths, **stacked)
    spread = jnp.linspace(5e-4, 1e-3, paths.instruments)
    return dataclasses.replace(paths, half_spread=spread * paths.price)


def _side_by_side(parts: list[MarketPaths], name: str) -> jax.Array:
    leaves = jnp.broadcast_arrays(*(getattr(part, name) for part in parts))
    return jnp.concatenate(leaves, axis=-1)


def simulated(market: str, hedge_with: str) -> MarketPaths:
    return make_market(market, uneven_periods(), hedge_with=hedge_with).simulate(jax.random.key(5), PATHS)


def recorded(instrument: str) -> MarketPaths:
    """As a panel is: own dates, rates, volatilities and expiries, gaps without trade, and padding at the end."""
    rng = np.random.default_rng(11)
    shape = (PATHS, STEPS + 1)
    lived = np.arange(STEPS) < recorded_expiries()[:, None]
    column = np.minimum(np.arange(STEPS + 1), recorded_expiries()[:, None])
    spot = np.take_along_axis(2.0 * np.exp(np.cumsum(0.02 * rng.standard_normal(shape), axis=1)), column, axis=1)
    dt = np.where(lived, rng.integers(1, 4, lived.shape) / 365, 0.0)
    dividends = np.concatenate([np.zeros((PATHS, 1)), spot[:, :-1] * np.expm1(0.01 * dt)], axis=1)
    left = np.cumsum(dt[:, ::-1], axis=1)[:, ::-1]
    future = spot * np.exp(0.03 * np.pad(left, ((0, 0), (0, 1))))
    prices, carries = {"spot": spot, "future": future}, {"spot": dividends, "future": np.zeros(shape)}
    kinds = ["spot"] if instrument == "inverse" else instrument.split("_and_")
    gaps = rng.random(shape) < 0.25
    return market_paths(
        spot=jnp.asarray(spot),
        price=jnp.stack([jnp.asarray(prices[kind]) for kind in kinds], axis=-1),
        dt=jnp.asarray(dt),
        rate=jnp.asarray(np.where(lived, rng.uniform(0.0, 0.08, lived.shape), 0.0)),
        dividend_yield=0.01,
        volatility=jnp.asarray(rng.uniform(0.1, 0.4, shape)),
        carry=jnp.stack([jnp.asarray(carries[kind]) for kind in kinds], axis=-1),
        tradable=jnp.asarray(np.pad(lived, ((0, 0), (0, 1))) & ~gaps),
        signals=jnp.asarray(rng.standard_normal((*shape, 2))),
        signal_names=("first", "second"),
    )


def recorded_expiries() -> np.ndarray:
    """Index of the last date of each recorded path."""
    return np.array([STEPS, STEPS - 1, STEPS - 3, STEPS, STEPS - 4])


def make_book(name: str, market: str) -> EuropeanBook:
    """One book for all simulated paths; on a record each path has contracts of its own, to its own expiry."""
    book = {
        "sold_call": european("call", strike=2.0, expiry=STEPS),
        "held_put": european("put", strike=2.1, expiry=STEPS, quantity=3.0),
        "book": european_book(
            ["call", "put", "call"], strikes=[2.0, 1.9, 2.1], expiries=[STEPS, STEPS, 2], quantities=[-1.0, -2.0, 1.5]
        ),
    }[name]
    if market != "recorded":
        return book
    own = np.asarray(book.expiry) - (STEPS - recorded_expiries())[:, None]
    strike = np.asarray(book.strike) * np.linspace(0.97, 1.03, PATHS)[:, None]
    each = (PATHS, book.legs)
    return EuropeanBook(
        strike=jnp.asarray(strike),
        sign=jnp.broadcast_to(book.sign, each),
        expiry=jnp.asarray(np.maximum(own, 1).astype(np.int32)),
        quantity=jnp.broadcast_to(book.quantity, each),
    )


def rates_of(instrument: str, costs: str) -> list[dict[str, float]]:
    """What trading and holding each instrument costs, by name."""
    columns = [column for member in COSTS[costs] for column in EACH[member].items()]
    return [{name: both[number] for name, both in columns} for number in range(len(MARGINED[instrument]))]


def make_terms(instrument: str, costs: str, *, unwind: bool, limits: str = "none") -> Terms:
    margined, rates = MARGINED[instrument], rates_of(instrument, costs)

    def each(name: str) -> jax.Array:
        return jnp.asarray([rate[name] for rate in rates], float)

    width = jnp.asarray(0.05, float)
    makers: dict[str, Callable[[], AbstractCost]] = {
        "proportional": lambda: ProportionalCost(each("proportional")),
        "half_spread": HalfSpreadCost,
        "fixed": lambda: FixedCost(each("fixed"), width),
        "minimum": lambda: MinimumFee(each("minimum"), each("proportional"), width),
        "quadratic": lambda: QuadraticCost(each("quadratic")),
        "maker": lambda: MakerTakerCost(*(each(name) for name in ("maker", "taker", "slippage", "maker_share"))),
    }
    return Terms(
        margined=margined,
        costs=tuple(makers[name]() for name in COSTS[costs] if name in makers),
        unwind=unwind,
        limits=make_limits(**LIMITS[limits], instruments=len(margined)) if limits != "none" else None,
        funding=each("funding") if "funding" in COSTS[costs] else None,
        borrow=each("borrow") if "borrow" in COSTS[costs] else None,
        inverse=instrument == "inverse",
    )


def tile(paths: MarketPaths, dates: int) -> MarketPaths:
    """The same paths followed by `dates` dates on which no time passes and nothing can be traded."""
    longer = {
        name: jnp.concatenate(
            [getattr(paths, name), *[jnp.zeros_like(getattr(paths, name)[..., -1:])] * dates], axis=-1
        )
        for name in ("dt", "rate", "dividend_yield")
    }
    held = {
        name: jnp.concatenate([leaf, *[jnp.take(leaf, jnp.array([-1]), axis=axis)] * dates], axis=axis)
        for name, axis in (
            ("spot", -1),
            ("volatility", -1),
            ("assets", -2),
            ("price", -2),
            ("half_spread", -2),
            ("signals", -2),
        )
        for leaf in [getattr(paths, name)]
    }
    never = jnp.zeros((*paths.tradable.shape[:-1], dates), bool)
    nothing = jnp.zeros((*paths.carry.shape[:-2], dates, paths.instruments), paths.carry.dtype)
    return dataclasses.replace(
        paths,
        **longer,
        **held,
        tradable=jnp.concatenate([paths.tradable, never], axis=-1),
        carry=jnp.concatenate([paths.carry, nothing], axis=-2),
    )
