"""Differential machine learning: a pricer that learns from simulated payoffs and from their pathwise derivatives.

Any payoff that JAX can differentiate will do: nothing is priced while learning, one simulated path (or pair) stands for
each state, and the network becomes their conditional mean, which is the price. Its derivatives, by autodiff, are the
Greeks. Inputs, payoffs and derivatives are standardised, and with n inputs the loss is

    (mean (ŷ − y)² + λ·n·mean_j w_j²·(∂_jŷ − ∂_jy)²) / (1 + λ·n),   w_j = 1/√mean (∂_jy)²

Source: Huge and Savine (2020), "Differential machine learning", sections 2 and 3, and its appendix on normalisation.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, PRNGKeyArray

from tenrec.core.errors import ConfigError
from tenrec.markets import AbstractMarket
from tenrec.nets import Network, make_network, read_arrays, save_arrays
from tenrec.nets.fit import FitSettings, FitState, OnProgress, best_models, fit, start
from tenrec.pricing.pathwise import Samples, Written, contract_payoff, draw, require_pathwise

HIDDEN = (20, 20, 20, 20)
SETTINGS = FitSettings(updates=2000, per_dispatch=100, learning_rate=1e-2, average=0.99)
BATCH = 256
KEPT_BACK = 8
"""One sample in so many is not learned from, but tells when the network is at its best."""


class DifferentialPricer(eqx.Module):
    """A network in standardised units, with what they stand for; a pure function of its inputs, so JAX may trace it.

    Fields: centre, scale: of the inputs. value_centre, value_scale: of the payoffs. lowest, highest: inputs seen.
    """

    network: Network
    centre: Float[Array, "*many inputs"]
    scale: Float[Array, "*many inputs"]
    value_centre: Float[Array, "*many"]
    value_scale: Float[Array, "*many"]
    lowest: Float[Array, "*many inputs"]
    highest: Float[Array, "*many inputs"]
    names: tuple[str, ...] = eqx.field(static=True)

    def price(self, inputs: Float[Array, "*at inputs"]) -> Float[Array, "*at"]:
        """The price, in the payoff's currency."""
        rows = (jnp.asarray(inputs, self.centre.dtype) - self.centre) / self.scale
        outputs = jax.vmap(self.network)(rows.reshape(-1, rows.shape[-1]))[:, 0]
        return self.value_centre + self.value_scale * outputs.reshape(rows.shape[:-1])

    def deltas(self, inputs: Float[Array, "*at inputs"]) -> Float[Array, "*at inputs"]:
        """∂price/∂input for every input: delta for a spot, vega for a volatility."""
        _, pull = jax.vjp(self.price, jnp.asarray(inputs, self.centre.dtype))
        return pull(jnp.ones(jnp.shape(inputs)[:-1], self.centre.dtype))[0]

    def quote(self, **inputs: ArrayLike) -> dict[str, Float[np.ndarray, "..."]]:
        """`price`, and `d_<name>` = ∂price/∂name of every input, for numbers or arrays given by name.

        Raises:
            ConfigError: a missing or unknown name, or a number outside of what was learned.
        """
        if set(inputs) != set(self.names):
            raise ConfigError(f"Inputs {', '.join(sorted(inputs))} are given; {', '.join(self.names)} are needed.")
        columns = np.broadcast_arrays(*(np.asarray(inputs[name], np.float32) for name in self.names))
        for name, column, low, high in zip(self.names, columns, self.lowest, self.highest, strict=True):
            slack = 1e-5 * abs(float(high))
            outside = column[~((column >= low - slack) & (column <= high + slack))]
            if outside.size:
                raise ConfigError(
                    f"{name} is {outside.flat[0]:.6g}; the pricer learned from {float(low):.6g} to {float(high):.6g}."
                )
        rows = jnp.asarray(np.stack(columns, axis=-1))
        slopes = np.asarray(self.deltas(rows))
        named = {f"d_{name}": slopes[..., place] for place, name in enumerate(self.names)}
        return {"price": np.asarray(self.price(rows)), **named}


def learn_contract(
    market: AbstractMarket,
    contract: Written,
    ranges: Mapping[str, tuple[float, float]],
    *,
    samples: int = 16_384,
    paths: int = 2,
    seed: int = 0,
    settings: FitSettings = SETTINGS,
    on_progress: OnProgress | None = None,
) -> DifferentialPricer:
    """A pricer of any contract in any simulated market, over ranges of the numbers that it is asked for.

    Args:
        ranges: lowest and highest of each input; which names there are, `contract_payoff` says.
        samples: states drawn, uniformly over the ranges. paths: simulated from each.
        seed: of states, paths and network. settings: of the training.

    Raises:
        ConfigError: an unknown input, an empty range, or a payoff that jumps.

    Example:
        >>> from tenrec.contracts import european
        >>> from tenrec.markets import BlackScholesMarket
        >>> market = BlackScholesMarket(spot=1.0, volatility=0.2, dt=jnp.ones(1))
        >>> call = european("call", strike=1.0, expiry=1, quantity=1.0)
        >>> quick = FitSettings(updates=200, per_dispatch=100, learning_rate=1e-2)
        >>> pricer = learn_contract(market, call, {"spot": (0.5, 1.5)}, samples=2048, settings=quick)
        >>> found = pricer.quote(spot=1.0)  # Black–Scholes: 0.0797 and 0.5398
        >>> abs(float(found["price"]) - 0.0797) < 0.01, abs(float(found["d_spot"]) - 0.5398) < 0.05
        (True, True)
    """
    names = tuple(ranges)
    if not names:
        raise ConfigError("ranges is empty; give at least one input with its lowest and highest number.")
    for name, (low, high) in ranges.items():
        if not (np.isfinite(low) and np.isfinite(high) and low < high):
            raise ConfigError(
                f"The range of {name} is {low:g} to {high:g}; a lower number, then a higher one is needed."
            )
    if samples < 16:
        raise ConfigError(f"samples is {samples}; at least 16 are needed.")
    payoff = contract_payoff(market, contract, names, paths=paths)
    states, noise = jax.random.split(jax.random.key(seed))
    low, high = (jnp.asarray([pair[side] for pair in ranges.values()], jnp.float32) for side in (0, 1))
    inputs = low + (high - low) * jax.random.uniform(states, (samples, len(names)))
    require_pathwise(payoff, inputs, names)
    drawn = draw(payoff, inputs, noise)
    return learn(drawn, names=names, settings=dataclasses.replace(settings, seed=seed), on_progress=on_progress)


def learn(samples: Samples, **how: Any) -> DifferentialPricer:
    """A pricer from one set of samples; `learn_many` says what else can be given."""
    return learn_many([samples], **how)[0]


def learn_many(
    sets: Sequence[Samples],
    *,
    names: Sequence[str] | None = None,
    balance: float = 1.0,
    hidden: Sequence[int] = HIDDEN,
    batch: int = BATCH,
    settings: FitSettings = SETTINGS,
    on_progress: OnProgress | None = None,
) -> list[DifferentialPricer]:
    """One pricer for each set of samples (of one size); the sets are learned side by side, each with a seed of its own.

    Args:
        names: of the inputs, for `quote` (default input_1, input_2, …).
        balance: λ, how much derivatives count for each value; 0 is plain training on values alone.
        hidden: width of each layer. batch: samples in one update. settings: of the training.
        on_progress: called after each compiled call.
    """
    stacked = jax.tree.map(lambda *parts: jnp.stack([jnp.asarray(part, jnp.float32) for part in parts]), *sets)
    count, width = stacked.inputs.shape[1:]
    kept = max(count // KEPT_BACK, 1)
    if count <= kept:
        raise ConfigError(f"{count} samples are given; at least 2 are needed.")
    data = jax.vmap(lambda one: _standardised(one, kept))(stacked)
    keys = jax.random.split(jax.random.key(settings.seed), len(sets))
    networks = eqx.filter_vmap(lambda key: make_network(width, hidden, 1, key=key, activation="softplus"))(keys)
    weight = balance * width

    def loss(network: Network, key: PRNGKeyArray, own: "_Data") -> Float[Array, ""]:
        rows = jax.random.randint(key, (min(batch, count - kept),), 0, count - kept)
        return _loss(network, jax.tree.map(lambda column: column[rows], own.learned), weight)

    def score(network: Network, own: "_Data") -> Float[Array, ""]:
        return _loss(network, own.kept, weight)

    fitted: FitState = fit(start(networks, settings), loss, score, settings, data=data, on_progress=on_progress)
    labels = tuple(names) if names is not None else tuple(f"input_{place}" for place in range(1, width + 1))
    many = DifferentialPricer(
        best_models(fitted),
        data.centre,
        data.scale,
        data.value_centre,
        data.value_scale,
        data.lowest,
        data.highest,
        labels,
    )
    return [jax.tree.map(lambda leaf, place=place: leaf[place], many) for place in range(len(sets))]


class _Standard(NamedTuple):
    """Standardised samples, and derivatives in units of their own root mean square w."""

    inputs: Float[Array, "samples inputs"]
    values: Float[Array, " samples"]
    slopes: Float[Array, "samples inputs"]
    unit: Float[Array, "samples inputs"]


class _Data(NamedTuple):
    learned: _Standard
    kept: _Standard
    centre: Float[Array, " inputs"]
    scale: Float[Array, " inputs"]
    value_centre: Float[Array, ""]
    value_scale: Float[Array, ""]
    lowest: Float[Array, " inputs"]
    highest: Float[Array, " inputs"]


def _standardised(samples: Samples, kept: int) -> _Data:
    centre, value_centre = jnp.mean(samples.inputs, axis=0), jnp.mean(samples.values)
    scale, value_scale = (_positive(jnp.std(part, axis=0)) for part in (samples.inputs, samples.values))
    slopes = samples.slopes * scale / value_scale
    unit = 1.0 / _positive(jnp.sqrt(jnp.mean(slopes**2, axis=0)))
    standard = _Standard(
        (samples.inputs - centre) / scale,
        (samples.values - value_centre) / value_scale,
        slopes * unit,
        jnp.broadcast_to(unit, slopes.shape),
    )
    learned = jax.tree.map(lambda column: column[kept:], standard)
    held = jax.tree.map(lambda column: column[:kept], standard)
    ends = jnp.min(samples.inputs, axis=0), jnp.max(samples.inputs, axis=0)
    return _Data(learned, held, centre, scale, value_centre, value_scale, *ends)


def _positive(spread: Float[Array, "..."]) -> Float[Array, "..."]:
    """1 where nothing varies: such a column teaches nothing, but spoils nothing either."""
    return jnp.where(spread > 0.0, spread, 1.0)


def _loss(network: Network, samples: _Standard, weight: float) -> Float[Array, ""]:
    """The loss of the module's head, `weight` = λ·n."""
    if weight == 0.0:
        return jnp.mean((jax.vmap(network)(samples.inputs)[:, 0] - samples.values) ** 2)
    found, pull = jax.vjp(lambda rows: jax.vmap(network)(rows)[:, 0], samples.inputs)
    slopes = pull(jnp.ones_like(found))[0] * samples.unit
    misses = jnp.mean((found - samples.values) ** 2), jnp.mean((slopes - samples.slopes) ** 2)
    return (misses[0] + weight * misses[1]) / (1.0 + weight)


def save(pricer: DifferentialPricer, file: Path) -> None:
    """Keep the pricer as one file, which `load` reads."""
    save_arrays(pricer, file, names=pricer.names, hidden=_hidden(pricer.network))


def load(file: Path) -> DifferentialPricer:
    """The pricer that `save` kept.

    Raises:
        DataError: the file is none of `save`'s.
    """
    arrays, about = read_arrays(file, {"names", "hidden"}, "tenrec.pricing.differential.save")
    names = tuple(str(name) for name in about["names"])
    hidden = [int(units) for units in about["hidden"]]
    row, number = jnp.zeros(len(names)), jnp.zeros(())
    network = make_network(len(names), hidden, 1, key=jax.random.key(0), activation="softplus")
    shape = DifferentialPricer(network, row, row, number, number, row, row, names)
    return jax.tree.unflatten(jax.tree.structure(shape), arrays)


def _hidden(network: Network) -> list[int]:
    return [layer.weight.shape[0] for layer in network.layers[:-1]]
