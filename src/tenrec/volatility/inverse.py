"""Parameters from quotes by a learned map, polished by a few steps of the calibration itself.

A network learns, from surfaces that the model makes, which parameters made them: on one layout of log-moneyness and
maturity, in microseconds a surface. What it says is the start of Levenberg–Marquardt steps on the quotes, a few of
which reach the optimum of a whole calibration; thousands of surfaces go side by side.

Sources: Hernandez (2016), "Model calibration with neural networks" (the inverse map); Horvath, Muguruza and Tomas
(2021), "Deep learning volatility", Quantitative Finance 21 (rough Bergomi on a grid).
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from tenrec.core.errors import ConfigError
from tenrec.nets import Network, make_network, read_arrays, save_arrays
from tenrec.nets.fit import FitSettings, OnProgress, best_models, fit, start
from tenrec.volatility import heston, least_squares, rough_bergomi

HIDDEN = (128, 64)
SETTINGS = FitSettings(updates=4000, per_dispatch=200, learning_rate=3e-3)
BATCH = 256
KEPT_BACK = 10
BLOCK = 64
POLISHED = 5


@dataclasses.dataclass(frozen=True)
class Model:
    """What a map needs to know of a model; its parameters are found in coordinates that may take any value.

    Fields: lowest, highest: of the parameters that a map learns, drawn evenly in their coordinates.
    """

    parameters: type[Any]
    lowest: tuple[float, ...]
    highest: tuple[float, ...]
    from_coordinates: Callable[[Array], Any]
    to_coordinates: Callable[..., Array]
    volatilities: Callable[[Array, Array, Array], Array]
    start: Callable[[Any], Array]
    residuals_of: Callable[[Any], Callable[[Array], Array]]


def _heston_coordinates(initial: Array, reversion: Array, long_run: Array, vol_of_vol: Array, rho: Array) -> Array:
    return jnp.stack([*(jnp.log(x) for x in (initial, reversion, long_run, vol_of_vol)), jnp.arctanh(rho)], axis=-1)


MODELS: dict[str, Model] = {
    "heston": Model(
        heston.HestonParameters,
        (0.004, 0.2, 0.004, 0.05, -0.995),
        (0.25, 12.0, 0.25, 2.5, 0.5),
        heston.from_coordinates,
        _heston_coordinates,
        heston.volatilities,
        heston.start,
        heston.residuals_of,
    ),
    "rough_bergomi": Model(
        rough_bergomi.RoughBergomiParameters,
        (0.005, 0.02, 0.5, -0.95),
        (0.16, 0.4, 4.0, 0.1),
        rough_bergomi.from_coordinates,
        rough_bergomi.to_coordinates,
        rough_bergomi.volatilities,
        rough_bergomi.start,
        rough_bergomi.residuals_of,
    ),
}


class InverseFit(NamedTuple):
    """The model's parameters, arrays with a leading axis of surfaces, and the sums of squared weighted errors."""

    parameters: Any
    squares: Float[Array, " surfaces"]


class InverseMap(eqx.Module):
    """A learned map from volatilities on its layout to the coordinates of a model's parameters."""

    network: Network
    centre: Float[Array, "expiries quotes"]
    scale: Float[Array, "expiries quotes"]
    target_centre: Float[Array, " coordinates"]
    target_scale: Float[Array, " coordinates"]
    log_moneyness: Float[Array, "expiries quotes"]
    maturity: Float[Array, " expiries"]
    kind: str = eqx.field(static=True)

    def guess(self, volatility: Float[np.ndarray, "surfaces expiries quotes"]) -> Any:
        """The parameters as the map alone sees them, arrays with a leading axis of surfaces.

        Args:
            volatility: annualised decimal, on the layout; NaN where a quote is missing.
        """
        given = jnp.asarray(np.asarray(volatility, np.float32))
        return jax.vmap(MODELS[self.kind].from_coordinates)(_coordinates(self, given))

    def calibrate(
        self,
        volatility: Float[np.ndarray, "surfaces expiries quotes"],
        weights: Float[np.ndarray, "surfaces expiries quotes"] | None = None,
        *,
        steps: int = POLISHED,
    ) -> InverseFit:
        """The map's parameters after `steps` steps of least squares on the quotes, in double precision.

        Args:
            weights: of each squared error, 1 by default. A volatility that is NaN counts for nothing.
        """
        known = np.isfinite(volatility)
        given = np.where(known, 1.0 if weights is None else weights, 0.0)
        filled = np.where(known, volatility, np.asarray(self.centre)[None])
        rough = _coordinates(self, jnp.asarray(np.where(given > 0.0, volatility, np.nan), jnp.float32))
        with jax.enable_x64(True):
            k, times, quotes, counted, begin = (
                jnp.asarray(np.asarray(x, np.float64))
                for x in (self.log_moneyness, self.maturity, filled, given, rough)
            )
            at, squares = _polished(self.kind, k, times, quotes, counted, begin, jnp.asarray(steps))
            return InverseFit(jax.vmap(MODELS[self.kind].from_coordinates)(at), squares)


@eqx.filter_jit
def _coordinates(learned: InverseMap, volatility: Float[Array, "surfaces expiries quotes"]) -> Array:
    standard = (volatility - learned.centre) / learned.scale
    rows = jnp.where(jnp.isnan(standard), 0.0, standard).reshape(volatility.shape[0], -1)
    return learned.target_centre + learned.target_scale * jax.vmap(learned.network)(rows)


@eqx.filter_jit
def _polished(
    kind: str, k: Array, maturity: Array, volatility: Array, weights: Array, rough: Array, steps: Array
) -> tuple[Array, Array]:
    model = MODELS[kind]

    def one(row: tuple[Array, Array, Array]) -> tuple[Array, Array]:
        own, counted, guess = row
        data = k, own, maturity, counted
        residuals = model.residuals_of(data)
        # A guess so far off that a quote has no volatility there is worse than none.
        usable = jnp.isfinite(least_squares.half_squares(residuals(guess)))
        found = least_squares.minimise(residuals, jnp.where(usable, guess, model.start(data)), steps)
        return found.at, 2.0 * found.cost

    return jax.lax.map(one, (volatility, weights, rough), batch_size=BLOCK if kind == "heston" else 1)


def learn(
    kind: str,
    log_moneyness: Float[np.ndarray, "expiries quotes"],
    maturity: Float[np.ndarray, " expiries"],
    *,
    surfaces: int = 20_000,
    noise: float = 0.002,
    seed: int = 0,
    settings: FitSettings = SETTINGS,
    on_progress: OnProgress | None = None,
) -> InverseMap:
    """A map for all surfaces of one layout.

    Args:
        kind: "heston" or "rough_bergomi". log_moneyness: log(strike/forward). maturity: years, increasing.
        surfaces: made by the model to learn from. noise: standard deviation of what is added to their volatilities,
            so that the map bears quotes that the model does not meet. seed: of parameters, noise and network.

    Raises:
        ConfigError: an unknown kind, or a layout where hardly any surface has all its volatilities.
    """
    if kind not in MODELS:
        raise ConfigError(f"The model is {kind!r}; choose from {', '.join(MODELS)}.")
    coordinates, volatility = make_surfaces(kind, log_moneyness, maturity, surfaces, seed)
    if len(volatility) < max(surfaces // 4, 2 * KEPT_BACK):
        raise ConfigError(
            f"{len(volatility)} of {surfaces} surfaces have all their volatilities; leave out strikes so far from the "
            "money that options there are worth nothing."
        )
    inputs, targets = (jnp.asarray(x, jnp.float32) for x in (volatility.reshape(len(volatility), -1), coordinates))
    centre, scale = jnp.mean(inputs, 0), jnp.std(inputs, 0)
    target_centre, target_scale = jnp.mean(targets, 0), jnp.std(targets, 0)
    standard = (inputs - centre) / scale, (targets - target_centre) / target_scale
    kept = len(volatility) // KEPT_BACK
    learned, held = (tuple(part[rows] for part in standard) for rows in (slice(kept, None), slice(kept)))
    key = jax.random.key(seed)
    network = make_network(inputs.shape[1], HIDDEN, targets.shape[1], key=key, activation="silu")
    stacked = jax.tree.map(lambda leaf: leaf[None] if eqx.is_array(leaf) else leaf, network)
    loss = eqx.Partial(_loss, learned, noise / scale)
    score = eqx.Partial(_score, held)
    chosen = dataclasses.replace(settings, seed=seed)
    fitted = best_models(fit(start(stacked, chosen), loss, score, chosen, on_progress=on_progress))
    best = jax.tree.map(lambda leaf: leaf[0] if eqx.is_array(leaf) else leaf, fitted)
    k, times = (jnp.asarray(np.asarray(x, np.float32)) for x in (log_moneyness, maturity))
    shape = log_moneyness.shape
    return InverseMap(best, centre.reshape(shape), scale.reshape(shape), target_centre, target_scale, k, times, kind)


def _loss(data: tuple[Array, Array], noise: Array, network: Network, key: Array, own: Any) -> Float[Array, ""]:
    chosen, errors = jax.random.split(key)
    rows = jax.random.randint(chosen, (BATCH,), 0, data[0].shape[0])
    inputs = data[0][rows] + noise * jax.random.normal(errors, (BATCH, data[0].shape[1]))
    return jnp.mean((jax.vmap(network)(inputs) - data[1][rows]) ** 2)


def _score(data: tuple[Array, Array], network: Network, own: Any) -> Float[Array, ""]:
    return jnp.mean((jax.vmap(network)(data[0]) - data[1]) ** 2)


def make_surfaces(
    kind: str,
    log_moneyness: Float[np.ndarray, "expiries quotes"],
    maturity: Float[np.ndarray, " expiries"],
    count: int,
    seed: int = 0,
) -> tuple[Float[np.ndarray, "surfaces coordinates"], Float[np.ndarray, "surfaces expiries quotes"]]:
    """Coordinates drawn from the model's range and their volatilities; surfaces with a missing one are left out."""
    model = MODELS[kind]
    with jax.enable_x64(True):
        low, high = (model.to_coordinates(*(jnp.asarray(x) for x in ends)) for ends in (model.lowest, model.highest))
        drawn = low + (high - low) * jax.random.uniform(jax.random.key(seed + 1), (count, len(model.lowest)))
        return drop_missing(drawn, volatilities(kind, drawn, log_moneyness, maturity))


def drop_missing(coordinates: Array, volatility: Array) -> tuple[np.ndarray, np.ndarray]:
    """The surfaces that have all their volatilities."""
    whole = np.isfinite(np.asarray(volatility)).all(axis=(1, 2))
    return np.asarray(coordinates)[whole], np.asarray(volatility)[whole]


def volatilities(kind: str, coordinates: Array, log_moneyness: Any, maturity: Any) -> Array:
    """Implied volatilities of many parameter sets on one layout, in the precision in force."""
    return _volatilities(kind, coordinates, jnp.asarray(log_moneyness), jnp.asarray(maturity))


@eqx.filter_jit
def _volatilities(kind: str, coordinates: Array, k: Array, maturity: Array) -> Array:
    one = MODELS[kind].volatilities
    return jax.lax.map(lambda x: one(x, k, maturity), coordinates, batch_size=BLOCK if kind == "heston" else 1)


def save(learned: InverseMap, file: Path) -> None:
    """Keep the map as one file, which `load` reads."""
    save_arrays(learned, file, kind=learned.kind)


def load(file: Path) -> InverseMap:
    """The map that `save` kept.

    Raises:
        DataError: the file is none of `save`'s.
    """
    arrays, about = read_arrays(file, {"kind"}, "tenrec.volatility.inverse.save")
    kind = str(about["kind"])
    network = make_network(
        arrays[0].shape[1], HIDDEN, len(MODELS[kind].lowest), key=jax.random.key(0), activation="silu"
    )
    grid, row = jnp.zeros((1, 1)), jnp.zeros(1)
    shape = InverseMap(network, grid, grid, row, row, grid, row, kind)
    return jax.tree.unflatten(jax.tree.structure(shape), arrays)
