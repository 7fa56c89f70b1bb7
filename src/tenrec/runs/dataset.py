"""The arrays of a simulated run, for people who train elsewhere."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from tenrec.core.errors import ConfigError
from tenrec.core.paths import concatenate
from tenrec.hedging.assess import Sample, views
from tenrec.hedging.features import POSITION, stack_features
from tenrec.markets import Sampling
from tenrec.runs.build import build_contract, served, split_market
from tenrec.runs.config import HedgeConfig
from tenrec.runs.files import write_atomically
from tenrec.runs.loading import Source, load_config
from tenrec.runs.path_specs import RecordedSpec
from tenrec.runs.simulated import FIXED


def write_dataset(source: Source, out: Path, overrides: Iterable[str] = ()) -> dict[str, Any]:
    """Write `price_paths.npy` (paths, dates) and `deep_hedging_data.npz`.

    X rows are the policy's features at the trading dates, shape (paths, steps, features), Y the cash that the hedger
    owes on the book over its life, shape (paths,): the payoff of a sold option, minus that of a held one. Row i of the
    price paths belongs to row i of X_train; the test rows follow. The training rows are those of a run with
    `training.fresh_paths: false`.

    Raises:
        ConfigError: a recorded market, or a place that is not a folder.
    """
    config = load_config(source, overrides)
    if isinstance(config.market, RecordedSpec):
        raise ConfigError("market.model is 'recorded'; `tenrec dataset` writes the paths of a simulated market.")
    if out.exists() and not out.is_dir():
        raise ConfigError(f"--out {out} is a file; give a folder.")
    base = Path(source).parent if isinstance(source, str | Path) else Path()
    sample, train = _sample(config, base)
    rows = np.asarray(_features(config, sample))
    payoff = -np.asarray(jax.vmap(sample.contract.flows)(sample.paths.levels).sum(axis=1))
    named: dict[str, Any] = {
        "X_train": rows[:train],
        "X_test": rows[train:],
        "Y_train": payoff[:train],
        "Y_test": payoff[train:],
    }
    write_atomically(out / "price_paths.npy", lambda part: np.save(part, np.asarray(sample.paths.spot, np.float64)))
    write_atomically(out / "deep_hedging_data.npz", lambda part: np.savez(part, **named))
    shapes = {name: list(array.shape) for name, array in named.items()}
    features = [name for name in config.policy.features if name != POSITION]
    return {"folder": str(out), "price_paths": list(sample.paths.spot.shape), **shapes, "features": features}


def _sample(config: HedgeConfig, base: Path) -> tuple[Sample, int]:
    """The training paths, then the test paths, and how many train; given arrays are split as in a run."""
    in_order = config.training.model_copy(update={"fresh_paths": False})
    market, judged_on = split_market(config.model_copy(update={"training": in_order}), base)
    train = served(market, config.training.paths)
    training = jax.random.fold_in(jax.random.key(config.training.seed), FIXED)
    testing = jax.random.fold_in(jax.random.key(config.evaluate.seed), 0)
    sampling: Sampling = getattr(config.market, "sampling", "pseudo")
    parts = [
        market.simulate(training, train),
        judged_on.simulate(testing, served(judged_on, config.evaluate.paths), sampling=sampling),
    ]
    return Sample(concatenate(parts), build_contract(config), jnp.zeros(())), train


def _features(config: HedgeConfig, sample: Sample) -> jax.Array:
    names = [name for name in config.policy.features if name != POSITION]
    return stack_features(names, views(sample))
