"""A band whose edges depend on what was seen before, through the state of a recurrent cell."""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from tenrec.hedging.features import OWN_FEATURES, WEALTH, FeatureMap, fit_features
from tenrec.hedging.policies.base import AbstractOwnBandPolicy, Own
from tenrec.hedging.policies.networks import BandNetwork
from tenrec.hedging.policies.wealthy import WealthScale, fit_wealth_scale
from tenrec.hedging.view import MarketView
from tenrec.nets import Network, make_network


class RecurrentBand(AbstractOwnBandPolicy):
    """A band network that reads, beside its features, the state h of a gated recurrent unit.

        h_k = GRU(x_k, h_{k−1}),  h₋₁ = 0;    (m, l, h) = network(x_k, h_k),  edges as of `BandNetwork`

    x are the features and, if asked for, the wealth, never the position: the state is what the past of the market has
    to say, and the position is only clipped. Before training it is Zakamouline's band.

    Source: Cho et al. (2014), "Learning phrase representations using RNN encoder–decoder", arXiv 1406.1078, for the
    cell; Buehler, Gonon, Teichmann and Wood (2019), "Deep hedging", Quantitative Finance 19, for its use.
    """

    base: BandNetwork
    cell: eqx.nn.GRUCell
    scale: WealthScale | None

    @property
    def network(self) -> tuple[Network, eqx.nn.GRUCell]:
        """What weight decay acts on."""
        return self.base.network, self.cell

    def start(self) -> Float[Array, " state"]:
        """Nothing has been seen."""
        return jnp.zeros(self.cell.hidden_size, self.cell.weight_hh.dtype)

    def inputs(self, view: MarketView) -> Any:
        return self.base.inputs(view), None if self.scale is None else self.scale.marks(view)

    def remember(self, known: Any, own: Own) -> Float[Array, " state"]:
        row = [jnp.atleast_1d(part) for part in self._row(known, own)]
        return self.cell(jnp.concatenate(row), own.memory)

    def edges(self, known: Any, own: Own) -> tuple[Float[Array, " instruments"], Float[Array, " instruments"]]:
        (_, centre, half), _ = known
        return self.base.edges(((*self._row(known, own), own.memory), centre, half))

    def _row(self, known: Any, own: Own) -> tuple[Array, ...]:
        (row, _, _), marks = known
        return row if self.scale is None else (*row, self.scale(marks, own.wealth))


def make_recurrent_band(
    view: MarketView,
    *,
    features: Sequence[str],
    hidden: Sequence[int],
    activation: str,
    standardise: bool,
    state: int,
    cost: float,
    aversion: float,
    key: PRNGKeyArray,
) -> RecurrentBand:
    """An untrained recurrent band, its features scaled on a sample of views; `state` is the size of h."""
    names = [name for name in features if name not in OWN_FEATURES]
    scale = fit_wealth_scale(view) if WEALTH in features else None
    fitted = fit_features(names, view, standardise=standardise)
    numbers = jnp.asarray(cost, jnp.float32), jnp.asarray(aversion, jnp.float32)
    return assemble_recurrent_band(fitted, scale, *numbers, hidden=hidden, activation=activation, state=state, key=key)


def assemble_recurrent_band(
    features: FeatureMap,
    scale: WealthScale | None,
    cost: Float[Array, ""],
    aversion: Float[Array, ""],
    *,
    hidden: Sequence[int],
    activation: str,
    state: int,
    key: PRNGKeyArray,
) -> RecurrentBand:
    """A recurrent band of given scales with fresh weights."""
    of_cell, of_network = jax.random.split(key)
    inputs = len(features.names) + (scale is not None)
    network = make_network(inputs + state, hidden, 3, key=of_network, activation=activation, output_scale=0.0)
    cell = eqx.nn.GRUCell(inputs, state, key=of_cell)
    return RecurrentBand(BandNetwork(features, network, cost, aversion), cell, scale)
