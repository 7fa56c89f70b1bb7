"""Differential machine learning beside plain training, on the cases of Huge and Savine (2020), several seeds each.

A call in Black–Scholes, baskets of 7 and 50 correlated assets in Bachelier's model (their notebook's random weights and
correlations, the basket's volatility 0.2), and a worst-of autocallable on 4 assets with a smoothed barrier. States lie
at 1 with 1.5 times the volatility of a year, payoffs a year later (the autocallable: up to 3 years), in antithetic
pairs. Errors are against closed forms (the autocallable: 100,000 paths from each state), on states drawn alike.

"times" is how many times more samples plain training needs for the error of differential training, interpolated on
its own curve; ">" where its largest sample is not enough.

    python benchmarks/differential.py
    python benchmarks/differential.py --cases basket_7 --seeds 5 --sizes 1024 4096
"""

import argparse
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from machine import busy, pin_to_one_core

STRIKE, VOLATILITY, SPREAD = 1.10, 0.2, 1.5
MORE = (1, 4, 16)
"""Plain training gets so many times the samples."""
TESTED = 4096
WORST_TESTED, WORST_PATHS = 128, 100_000


class Case(NamedTuple):
    """What is priced: the simulated payoff, states to start from, and price and deltas at tested states."""

    payoff: Callable[..., Any]
    states: Callable[[Any, int], Any]
    truth: Callable[[Any], tuple[Any, Any]]
    unit: Any
    """What deltas are measured in: each asset's weight."""
    tested: int = TESTED


def black_scholes() -> Case:
    """A call of one year."""
    import jax
    import jax.numpy as jnp

    from tenrec.contracts import european
    from tenrec.markets import BlackScholesMarket
    from tenrec.pricing import black_scholes as closed
    from tenrec.pricing.pathwise import contract_payoff

    market = BlackScholesMarket(spot=1.0, volatility=VOLATILITY, dt=jnp.ones(1))
    call = european("call", strike=STRIKE, expiry=1, quantity=1.0)
    width = SPREAD * VOLATILITY

    def states(key: Any, count: int) -> Any:
        return jnp.exp(width * jax.random.normal(key, (count, 1)) - 0.5 * width**2)

    def truth(x: Any) -> tuple[Any, Any]:
        spot = x[:, 0]
        given = (1.0, spot, STRIKE, VOLATILITY, 1.0)
        return closed.value(*given), closed.delta(*given, spot=spot)[:, None]

    return Case(contract_payoff(market, call, ["spot"]), states, truth, jnp.ones(1))


def basket(assets: int) -> Case:
    """A call on a weighted sum of assets that move as correlated Brownian motions."""
    import jax
    import jax.numpy as jnp
    from jax.scipy.stats import norm

    keys = jax.random.split(jax.random.key(assets), 3)
    weights = jax.random.uniform(keys[0], (assets,), minval=1.0, maxval=10.0)
    weights = weights / weights.sum()
    mixed = jax.random.uniform(keys[2], (assets, 2 * assets), minval=-1.0, maxval=1.0)
    covariance = mixed @ mixed.T
    own = jnp.sqrt(jnp.diag(covariance))
    volatility = jax.random.uniform(keys[1], (assets,), minval=5.0, maxval=50.0)
    factor = jnp.linalg.cholesky(covariance / jnp.outer(own, own)) * volatility[:, None]
    factor = factor * (VOLATILITY / jnp.linalg.norm(weights @ factor))

    def states(key: Any, count: int) -> Any:
        return 1.0 + SPREAD * jax.random.normal(key, (count, assets)) @ factor.T

    def payoff(x: Any, key: Any) -> Any:
        worth, move = weights @ x - STRIKE, weights @ (factor @ jax.random.normal(key, (assets,)))
        return 0.5 * (jnp.maximum(worth + move, 0.0) + jnp.maximum(worth - move, 0.0))

    def truth(x: Any) -> tuple[Any, Any]:
        distance = (x @ weights - STRIKE) / VOLATILITY
        price = VOLATILITY * (distance * norm.cdf(distance) + norm.pdf(distance))
        return price, norm.cdf(distance)[:, None] * weights

    return Case(payoff, states, truth, weights)


def worst_of() -> Case:
    """Redeemed at 1 + 0.1·(years) once the worst of 4 assets is above its start; at last, the worst/0.7, but at most 1.

    The barrier of redemption is a ramp from 0.95 to 1.05: the paper smooths its own too, for pathwise derivatives.
    """
    import jax
    import jax.numpy as jnp

    from tenrec.markets import BasketMarket, BlackScholesMarket
    from tenrec.pricing.pathwise import contract_payoff

    assets, years, width = 4, 3, SPREAD * VOLATILITY
    one = BlackScholesMarket(spot=1.0, volatility=VOLATILITY, dt=jnp.ones(years))
    correlation = 0.5 * jnp.eye(assets) + 0.5
    market = BasketMarket((one,) * assets, correlation)
    names = ["spot", *(f"spot_{number}" for number in range(2, assets + 1))]

    def redeemed(levels: Any) -> Any:
        worst = jnp.min(levels[1:], axis=-1)
        called = jnp.clip((worst - 0.95) / 0.1, 0.0, 1.0)
        alive = jnp.concatenate([jnp.ones(1), jnp.cumprod(1.0 - called)])
        last = jnp.minimum(worst[-1] / 0.7, 1.0)
        return jnp.sum(alive[:-1] * called * (1.0 + 0.1 * jnp.arange(1, years + 1))) + alive[-1] * last

    def states(key: Any, count: int) -> Any:
        moves = jax.random.normal(key, (count, assets)) @ jnp.linalg.cholesky(correlation).T
        return jnp.exp(width * moves - 0.5 * width**2)

    many = contract_payoff(market, redeemed, names, paths=WORST_PATHS // 10)

    def truth(x: Any) -> tuple[Any, Any]:
        parts = [jax.lax.map(lambda row: jax.value_and_grad(many)(row[0], row[1]), (x, keys)) for keys in _keys(len(x))]
        prices, deltas = zip(*parts, strict=True)
        return sum(prices) / len(parts), sum(deltas) / len(parts)

    def _keys(count: int) -> list[Any]:
        return [jax.random.split(key, count) for key in jax.random.split(jax.random.key(11), 10)]

    return Case(contract_payoff(market, redeemed, names), states, truth, jnp.ones(assets), WORST_TESTED)


CASES: dict[str, Callable[[], Case]] = {
    "black_scholes": black_scholes,
    "basket_7": lambda: basket(7),
    "basket_50": lambda: basket(50),
    "worst_of": worst_of,
}


def times(error: float, size: int, sizes: Sequence[int], errors: Sequence[float]) -> str:
    """How many times `size` plain training needs for `error`, by its own curve (log against log).

    Example:
        >>> times(2.0, 100, [100, 400, 1600], [8.0, 4.0, 2.0])
        '16'
        >>> times(1.0, 100, [100, 400, 1600], [8.0, 4.0, 2.0])
        '> 16'
    """
    import numpy as np

    curve = np.minimum.accumulate(errors)
    if error < curve[-1]:
        return f"> {sizes[-1] / size:.0f}"
    needed = np.exp(np.interp(-np.log(error), -np.log(curve), np.log(sizes)))
    return f"{needed / size:.0f}"


def measure(case: Case, sizes: Sequence[int], seeds: int, updates: int) -> None:
    """Train both ways and print a line for each size."""
    import dataclasses

    import jax
    import jax.numpy as jnp
    import numpy as np

    from tenrec.pricing.differential import SETTINGS, learn_many
    from tenrec.pricing.pathwise import draw

    tested = case.states(jax.random.key(999), case.tested)
    price, deltas = jax.jit(case.truth)(tested)
    settings = dataclasses.replace(SETTINGS, updates=updates)

    def errors(size: int, balance: float) -> Any:
        def sample(seed: int) -> Any:
            states, noise = jax.random.split(jax.random.key(1000 + seed))
            return draw(case.payoff, case.states(states, size), noise)

        pricers = learn_many([sample(seed) for seed in range(seeds)], balance=balance, settings=settings)
        rows = [
            (
                1e4 * float(jnp.sqrt(jnp.mean((one.price(tested) - price) ** 2))),
                1e2 * float(jnp.sqrt(jnp.mean(((one.deltas(tested) - deltas) / case.unit) ** 2))),
            )
            for one in pricers
        ]
        return np.array(rows).T

    print("   samples | price error, bp: mean (of each seed)         | delta error, %: mean (of each seed)")
    plain: dict[int, Any] = {}
    for size in sorted({size * more for size in sizes for more in MORE}):
        plain[size] = errors(size, 0.0)
        print(_line("plain", size, plain[size]), flush=True)
    known = sorted(plain)
    curves = [[float(plain[size][what].mean()) for size in known] for what in (0, 1)]
    for size in sizes:
        found = errors(size, 1.0)
        ratios = [times(float(found[what].mean()), size, known, curves[what]) for what in (0, 1)]
        print(_line("diff.", size, found), f"| plain needs {ratios[0]} times the samples for the price,", end=" ")
        print(f"{ratios[1]} for the delta", flush=True)


def _line(kind: str, size: int, found: Any) -> str:
    parts = [f"{row.mean():8.2f} ({', '.join(f'{value:.2f}' for value in row)})" for row in found]
    return f"{kind:>5} {size:>7} | " + " | ".join(parts)


def main() -> None:
    """Measure the cases that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", choices=[*CASES], default=[*CASES], help="default: all")
    parser.add_argument("--sizes", nargs="+", type=int, default=[1024, 4096], help="samples of differential training")
    parser.add_argument("--seeds", type=int, default=3, help="sets of samples and networks (default: 3)")
    parser.add_argument("--updates", type=int, default=2000, help="of each training (default: 2000)")
    given = parser.parse_args()
    print(pin_to_one_core(), "·", busy())
    for name in given.cases:
        began = time.process_time()
        print(name)
        measure(CASES[name](), given.sizes, given.seeds, given.updates)
        print(f"{time.process_time() - began:.0f} s of processor time")


if __name__ == "__main__":
    main()
