"""Parameters from quotes: a learned map, polished, beside the full calibration, in objective and processor time.

Heston: surfaces of the parameters that were calibrated to the S&P 500 on every day of 2013 (FILE: columns theta, kappa,
sigma, rho, v0; without it, parameters drawn from the map's own range) and noise of 0.2 volatility points. The optimum
is the better of a calibration of 40 steps and of 40 steps from the map. Rough Bergomi: parameters drawn from its range,
and 30 steps.

    python benchmarks/inverse_problems.py [FILE]
    python benchmarks/inverse_problems.py --kind rough_bergomi --surfaces 2000 --tested 10
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from machine import busy, pin_to_one_core

NOISE = 0.002
SURFACES = {"heston": 20_000, "rough_bergomi": 2000}
TESTED = {"heston": 100, "rough_bergomi": 10}
STEPS = (0, 3, 5, 8)
LONG = {"heston": 40, "rough_bergomi": 30}
MANY = 5000


def layout(kind: str) -> tuple[Any, Any]:
    """Log-moneyness in units of 0.2·√τ, and maturities in years."""
    import numpy as np

    if kind == "heston":
        maturity = np.array([0.08, 0.17, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0])
        wide = np.linspace(-1.6, 1.0, 11)
    else:
        maturity, wide = np.array([0.08, 0.17, 0.33, 0.5, 0.75, 1.0]), np.linspace(-1.6, 1.0, 9)
    return 0.2 * np.sqrt(maturity)[:, None] * wide, maturity


def tested(kind: str, file: Path | None, count: int) -> Any:
    """Coordinates of the parameters to find."""
    import jax.numpy as jnp
    import numpy as np
    import polars as pl

    from tenrec.volatility.inverse import MODELS

    model = MODELS[kind]
    if file is None:
        low, high = (np.array(model.to_coordinates(*map(jnp.asarray, ends))) for ends in (model.lowest, model.highest))
        return low + (high - low) * np.random.default_rng(99).uniform(size=(count, len(low)))
    table = pl.read_csv(file).head(count)
    columns = [jnp.asarray(table[name].to_numpy()) for name in ("v0", "kappa", "theta", "sigma", "rho")]
    return model.to_coordinates(*columns)


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What the work gives, and the processor time of its second call; the first one compiles."""
    import jax
    import numpy as np

    jax.block_until_ready(work())
    began = time.process_time()
    made = np.asarray(jax.block_until_ready(work()))
    return made, time.process_time() - began


def whole(kind: str, k: Any, quotes: Any, maturity: Any, counts: tuple[int, ...]) -> list[tuple[Any, float]]:
    """The objective after calibrations of so many steps that know nothing, and their seconds."""
    import jax
    import jax.numpy as jnp

    from tenrec.volatility.inverse import BLOCK, MODELS
    from tenrec.volatility.least_squares import minimise

    model, rows = MODELS[kind], jnp.asarray(quotes)
    layout_, weights = (jnp.asarray(k), jnp.asarray(maturity)), jnp.ones(k.shape)

    @jax.jit
    def run(steps: Any) -> Any:
        def one(volatility: Any) -> Any:
            data = layout_[0], volatility, layout_[1], weights
            return 2.0 * minimise(model.residuals_of(data), model.start(data), steps).cost

        return jax.lax.map(one, rows, batch_size=BLOCK if kind == "heston" else 1)

    return [timed(lambda steps=steps: run(jnp.asarray(steps))) for steps in counts]


def main() -> None:
    """Train, polish, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, nargs="?", metavar="FILE", help="parameters to find, CSV")
    parser.add_argument("--kind", choices=[*SURFACES], default="heston", help="default: heston")
    parser.add_argument("--surfaces", type=int, help="to learn from (default: 20,000, or 2,000 for rough Bergomi)")
    parser.add_argument("--tested", type=int, help="surfaces to calibrate (default: 100 or 10)")
    given = parser.parse_args()
    print(pin_to_one_core(), "·", busy())
    import jax
    import numpy as np

    from tenrec.volatility import inverse

    kind, (k, maturity) = given.kind, layout(given.kind)
    began = time.process_time()
    learned = inverse.learn(kind, k, maturity, surfaces=given.surfaces or SURFACES[kind])
    print(f"learned in {time.process_time() - began:.0f} s of processor time")
    with jax.enable_x64(True):
        truth = tested(kind, given.file, given.tested or TESTED[kind])
        truth, exact = inverse.drop_missing(truth, inverse.volatilities(kind, truth, k, maturity))
        quotes = exact + NOISE * np.random.default_rng(0).standard_normal(exact.shape)
        usual = usual_steps(kind)
        (full, full_seconds), (long, _) = whole(kind, k, quotes, maturity, (usual, LONG[kind]))
    best = np.minimum(np.minimum(long, full), np.asarray(learned.calibrate(quotes, steps=LONG[kind]).squares))
    size, count = quotes[0].size, len(quotes)

    def line(name: str, squares: Any, taken: float) -> None:
        excess = np.sqrt(np.maximum(squares - best, 0.0) / size) * 100.0
        share = np.mean(squares <= 1.01 * best)
        error = np.sqrt(squares / size) * 100.0
        print(
            f"{name:<28} {np.median(error):8.4f} {error.max():9.3f} points, above the best {np.median(excess):8.1e}, "
            f"within 1 % of its squares {100 * share:5.1f} %, {1e3 * taken / count:7.3f} ms a surface",
            flush=True,
        )

    print(f"{count} surfaces of {size} quotes; root mean square error in points: median, worst")
    line("optimum", best, float("nan"))
    line(f"full calibration, {usual} steps", full, full_seconds)
    for steps in STEPS:
        squares, taken = timed(lambda steps=steps: learned.calibrate(quotes, steps=steps).squares)
        line(f"map and {steps} steps", squares, taken)
    many = np.tile(quotes, (MANY // count + 1, 1, 1))[:MANY]
    _, taken = timed(lambda: learned.guess(many).correlation)
    print(f"the map alone: {1e6 * taken / MANY:.1f} µs a surface, {MANY} at once")


def usual_steps(kind: str) -> int:
    """Steps of the usual calibration."""
    from tenrec.volatility import heston, rough_bergomi

    return heston.STEPS if kind == "heston" else rough_bergomi.STEPS


if __name__ == "__main__":
    main()
