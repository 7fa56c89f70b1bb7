"""Simulated payoffs with their pathwise derivatives: what a pricer learns from (`tenrec.pricing.differential`).

Source: Glasserman (2003), Monte Carlo Methods in Financial Engineering, section 7.2 (when the mean of the derivative is
the derivative of the mean: the payoff may have kinks, but no jumps).
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from tenrec.contracts import AbstractContract, AbstractExotic, seen_by
from tenrec.core.errors import ConfigError
from tenrec.core.paths import batch_axes
from tenrec.markets import AbstractMarket, BasketMarket
from tenrec.markets.draws import make_draws

Payoff = Callable[[Float[Array, " inputs"], PRNGKeyArray], Float[Array, ""]]
"""(inputs, key) → one simulated discounted payoff, whose mean is the price; differentiable by JAX."""

Written = AbstractContract | AbstractExotic | Callable[[Float[Array, "dates *assets"]], Float[Array, ""]]
"""A contract, or a function of the levels on all dates that says what is paid on the last one."""

BLOCK = 4096
BUMP = 0.05
"""Half the difference with which derivatives are checked, in standard deviations of the input."""
CHECKED = 4096


class Samples(NamedTuple):
    """One row a simulated payoff: where it starts, what it paid, discounted, and ∂paid/∂inputs along its own path."""

    inputs: Float[Array, "samples inputs"]
    values: Float[Array, " samples"]
    slopes: Float[Array, "samples inputs"]


def draw(payoff: Payoff, inputs: Float[Array, "samples inputs"], key: PRNGKeyArray) -> Samples:
    """One payoff, with derivatives, for every row of inputs.

    Example:
        >>> def squared(x, key):
        ...     return (x[0] + jax.random.normal(key)) ** 2
        >>> drawn = draw(squared, jnp.zeros((5, 1)), jax.random.key(0))
        >>> drawn.values.shape, drawn.slopes.shape
        ((5,), (5, 1))
    """
    inputs = jnp.asarray(inputs)
    values, slopes = _with_slopes(payoff, inputs, jax.random.split(key, inputs.shape[0]))
    return Samples(inputs, values, slopes)


@eqx.filter_jit
def _with_slopes(payoff: Payoff, inputs: Array, keys: Array) -> tuple[Array, Array]:
    return jax.lax.map(lambda row: jax.value_and_grad(payoff)(*row), (inputs, keys), batch_size=BLOCK)


def contract_payoff(market: AbstractMarket, contract: Written, names: Sequence[str], *, paths: int = 2) -> Payoff:
    """The discounted cash flows of a contract in a market whose numbers `names` come from the inputs.

    Args:
        market: a simulated market; give it risk-neutral drift, as it has by default.
        contract: a book or exotic, counted with its sign (sold is negative); or a function of the levels on all dates.
        names: numbers of the market (`spot`, `volatility`, `initial_variance`, …), of the contract (`strike`), or
            `maturity`, years to the last date. In a basket `spot_2` is the second asset's, `spot` the first's.
        paths: averaged in one payoff; an even number is drawn in antithetic pairs.

    Raises:
        ConfigError: a name that neither the market nor the contract has as a single number.

    Example:
        >>> from tenrec.contracts import european
        >>> from tenrec.markets import BlackScholesMarket
        >>> market = BlackScholesMarket(spot=1.0, volatility=0.2, dt=jnp.full(4, 0.25))
        >>> payoff = contract_payoff(market, european("call", strike=1.0, expiry=4, quantity=1.0), ["spot"])
        >>> payoff(jnp.array([2.0]), jax.random.key(0)).shape
        ()
    """
    if paths < 1:
        raise ConfigError(f"paths is {paths}; at least one path in each payoff is needed.")
    for name in names:
        _placed(market, contract, name, jnp.ones(()))

    def payoff(x: Float[Array, " inputs"], key: PRNGKeyArray) -> Float[Array, ""]:
        model, owned = market, contract
        for place, name in enumerate(names):
            model, owned = _placed(model, owned, name, x[place])
        draws = make_draws(model.randomness(), key, paths, "pseudo" if paths % 2 else "antithetic")
        record = model.generate(draws)
        return jnp.mean(jax.vmap(lambda one: _present_value(owned, one), in_axes=(batch_axes(record),))(record))

    return payoff


def _present_value(contract: Written, path: Any) -> Float[Array, ""]:
    discount = jnp.exp(-jnp.cumsum(path.rate * path.dt))
    if isinstance(contract, AbstractContract):
        flows = contract.flows(path.levels)
    elif isinstance(contract, AbstractExotic):
        flows = contract.quantity * contract.flows(seen_by(contract, path.levels))
    else:
        return discount[-1] * contract(path.levels)
    return flows[0] + jnp.sum(discount * flows[1:])


def _placed(market: Any, contract: Written, name: str, value: Float[Array, ""]) -> tuple[Any, Written]:
    """Market and contract with the number of that name exchanged."""
    if name == "maturity":
        return _stretched(market, value), contract
    stem, _, number = name.rpartition("_")
    if isinstance(market, BasketMarket):
        asset, own = (int(number) - 1, stem) if number.isdigit() and stem else (0, name)
        if 0 <= asset < len(market.models) and _is_number(market.models[asset], own):
            return eqx.tree_at(lambda model: getattr(model.models[asset], own), market, value), contract
    elif _is_number(market, name):
        return eqx.tree_at(lambda model: getattr(model, name), market, value), contract
    if isinstance(contract, AbstractContract | AbstractExotic) and isinstance(
        terms := getattr(contract, name, None), jax.Array
    ):
        fresh = jnp.broadcast_to(value, terms.shape).astype(terms.dtype)
        return market, eqx.tree_at(lambda owned: getattr(owned, name), contract, fresh)
    raise ConfigError(
        f"{name!r} is no number of {type(market).__name__} or of the contract; name one of their numbers, such as "
        "spot, volatility or strike, or maturity."
    )


def _is_number(model: AbstractMarket, name: str) -> bool:
    value = getattr(model, name, None)
    return isinstance(value, jax.Array) and value.ndim == 0


def _stretched(market: Any, maturity: Float[Array, ""]) -> Any:
    parts = [market, *(market.models if isinstance(market, BasketMarket) else ())]
    fresh = [model.dt * (maturity / jnp.sum(model.dt)) for model in parts]
    if isinstance(market, BasketMarket):
        return eqx.tree_at(lambda whole: (whole.dt, *(model.dt for model in whole.models)), market, tuple(fresh))
    return eqx.tree_at(lambda whole: whole.dt, market, fresh[0])


def require_pathwise(payoff: Payoff, inputs: Float[Array, "samples inputs"], names: Sequence[str]) -> None:
    """Refuse a payoff whose pathwise derivatives miss the derivative of the price, as those of a digital do.

    Mean derivative against mean difference on the same random numbers, over up to 4,096 of the inputs; refused where
    they differ by more than five standard errors and a twentieth of the derivative's root mean square.

    Raises:
        ConfigError: such a payoff, or one that is not finite.
    """
    some = jnp.asarray(inputs)[:CHECKED]
    keys = jax.random.split(jax.random.key(0), some.shape[0])
    values, slopes = _with_slopes(payoff, some, keys)
    if not bool(jnp.all(jnp.isfinite(values)) & jnp.all(jnp.isfinite(slopes))):
        raise ConfigError("The payoff or its derivative is not finite for some inputs; narrow their ranges.")
    for place, name in enumerate(names):
        width = BUMP * float(jnp.std(some[:, place]))
        if width <= 0.0:
            continue
        moved = jnp.zeros(some.shape[1]).at[place].set(width)
        above, below = (_with_slopes(payoff, some + shift, keys)[0] for shift in (moved, -moved))
        miss = np.asarray((above - below) / (2.0 * width) - slopes[:, place], np.float64)
        error = abs(miss.mean())
        size = float(jnp.sqrt(jnp.mean(slopes[:, place] ** 2)))
        if error > 5.0 * miss.std() / miss.size**0.5 and error > 0.05 * size:
            raise ConfigError(
                f"The payoff jumps in {name}: its pathwise derivative is {float(slopes[:, place].mean()):.3g} on "
                f"average and misses the price's by {error:.3g}; smooth the jump, as a steep call spread does for a "
                "digital."
            )
