"""A call hedged in Heston's model with the spot and a variance swap, learned and by the model's own Greeks.

Setting of Buehler, Gonon, Teichmann and Wood (2019): κ = 1, θ = v₀ = 0.04, ξ = 2, ρ = −0.7, S₀ = 100, an at-the-money
call sold for nothing and hedged on 30 daily dates without costs. Wanted, in the currency of the spot: variance at most
0.1436, CVaR 50 % at most 1.940, CVaR 99 % at most 3.400; with the spot alone variance at most 1.31. One network is
learned for each figure and judged by it on the same fresh paths. The model's complete-market hedge holds ∂C/∂S of the
spot and as many swaps as have the call's ∂C/∂v, by Heston's Fourier formula in double precision.

    python benchmarks/heston_variance_swap.py --updates 4000 --paths 1000000
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from machine import busy

import tenrec
from tenrec.contracts import european
from tenrec.hedging import Sample, Terms, assess, in_chunks
from tenrec.hedging.policies import AbstractPolicy
from tenrec.hedging.policies.base import AbstractPositionPolicy
from tenrec.hedging.view import MarketView
from tenrec.markets import HestonMarket
from tenrec.pricing import heston
from tenrec.runs.loading import load_config

MODEL = {
    "initial_variance": 0.04,
    "mean_reversion": 1.0,
    "long_run_variance": 0.04,
    "vol_of_vol": 2.0,
    "correlation": -0.7,
}
SPOT, DAYS = 100.0, 30
FIGURES = {
    "variance": {"measure": "mean_variance", "aversion": 1000},
    "CVaR 50 %": {"measure": "cvar", "level": 0.5},
    "CVaR 99 %": {"measure": "cvar", "level": 0.99},
}
WANTED = {"variance": 0.1436, "CVaR 50 %": 1.940, "CVaR 99 %": 3.400}
SPOT_ONLY = 1.31
FEATURES = ["standardised_moneyness", "sqrt_time_to_maturity", "volatility", "delta"]


def main() -> None:
    """Learn, judge, and print every figure beside what was wanted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--updates", type=int, default=4000)
    parser.add_argument("--batch", type=int, default=4096)
    parser.add_argument("--hidden", type=int, nargs="+", default=[64, 64])
    parser.add_argument("--paths", type=int, default=1_000_000)
    parser.add_argument("--figure", action="append", choices=[*FIGURES, "spot only"], help="leave out the others")
    parser.add_argument("--reference-paths", type=int, default=20_000)
    given = parser.parse_args()
    print(busy(), flush=True)
    if given.reference_paths:
        told(f"model's own hedge, {given.reference_paths:,} paths", figures(own_hedge(given.reference_paths)), WANTED)
    wanted = given.figure or [*FIGURES, "spot only"]
    for name in (name for name in FIGURES if name in wanted):
        told(f"learned for {name}", learned(name, ["spot", "variance_swap"], given), {name: WANTED[name]})
    if "spot only" in wanted:
        told("learned for variance, spot only", learned("variance", ["spot"], given), {"variance": SPOT_ONLY})


def learned(figure: str, instruments: list[str], given: argparse.Namespace) -> dict[str, float]:
    """What a network trained for one figure comes to."""
    config = {
        "market": {"model": "heston", "spot": SPOT, **MODEL},
        "contract": {"kind": "european_call", "strike": SPOT, "days": DAYS},
        "grid": {"steps": DAYS, "day_count": 365},
        "hedge_with": instruments,
        "costs": {},
        "premium": 0,
        "risk": FIGURES[figure],
        "policy": {"kind": "feed_forward", "hidden": given.hidden, "features": FEATURES},
        "training": {"updates": given.updates, "paths": given.batch, "learning_rate": 0.005},
        "evaluate": {"paths": given.paths, "against": ["black_scholes_delta"]},
    }
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as place:
        run = tenrec.hedge(load_config(config), out=Path(place) / "run")
        pnl = run.pnl()[run.metrics["learned"]].to_numpy() / 1e4 * SPOT
    print(f"{given.updates} updates, {given.paths:,} paths: {time.perf_counter() - began:.0f} s", flush=True)
    return figures(pnl)


def figures(pnl: np.ndarray) -> dict[str, float]:
    """Variance, and the mean of the worst half and hundredth of the losses; quote currency."""
    losses = np.sort(-pnl)[::-1]
    tails = {level: float(losses[: round((1 - level) * len(losses))].mean()) for level in (0.5, 0.99)}
    return {"variance": float(np.var(losses)), "CVaR 50 %": tails[0.5], "CVaR 99 %": tails[0.99]}


def told(who: str, found: dict[str, float], wanted: dict[str, float]) -> None:
    """One line, what was wanted in brackets."""
    parts = (
        f"{name} {value:.4f}" + (f" ({wanted[name]:g})" if name in wanted else "") for name, value in found.items()
    )
    print(f"{who}: {', '.join(parts)}", flush=True)


class OwnHedge(AbstractPositionPolicy):
    """∂C/∂S of the spot, and swaps with the call's ∂C/∂v; without interest."""

    def inputs(self, view: MarketView) -> Float[Array, "*at instruments"]:
        time, variance = view.time_to_maturity, view.volatility**2
        model = {name: jnp.asarray(value) for name, value in MODEL.items() if name != "initial_variance"}

        def call(spot: Array, start: Array, left: Array) -> Array:
            return heston.value(1.0, spot, SPOT, left, initial_variance=start, **model)

        by_spot, by_variance = jax.vmap(jax.grad(call, argnums=(0, 1)))(view.spot, variance, time)
        kappa = model["mean_reversion"]
        by_variance_of_swap = view.initial_spot / view.maturity * -jnp.expm1(-kappa * time) / kappa
        return jnp.stack([by_spot, by_variance / by_variance_of_swap], axis=-1)

    def target(
        self, known: Float[Array, " instruments"], position: Float[Array, " instruments"]
    ) -> Float[Array, " instruments"]:
        return known


def own_hedge(count: int) -> np.ndarray:
    """P&L of the model's complete-market hedge."""
    with jax.enable_x64(True):
        numbers: dict[str, Any] = {**MODEL, "dt": np.full(DAYS, 1 / 365)}
        market = HestonMarket(spot=SPOT, variance_swap=True, **numbers)
        contract, terms = european("call", strike=SPOT, expiry=DAYS), Terms(margined=(False, False))
        own: dict[str, AbstractPolicy] = {"own": OwnHedge()}
        parts = []
        for number, size in enumerate(in_chunks(count, 2_000)):
            paths = market.simulate(jax.random.fold_in(jax.random.key(5), number), size)
            parts.append(np.asarray(assess(own, Sample(paths, contract, jnp.asarray(0.0)), terms)["own"].pnl))
    return np.concatenate(parts)


if __name__ == "__main__":
    main()
