"""Named inputs of the learned policies, built for all dates at once."""

from collections.abc import Callable, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from tenrec.core.errors import ConfigError
from tenrec.hedging.sensitivities import book_delta, book_gamma
from tenrec.hedging.view import MarketView

POSITION = "position"
WEALTH = "wealth"
OWN_FEATURES = (POSITION, WEALTH)


def _reference_strike(view: MarketView) -> Float[Array, "*at"]:
    """The strike of a single option; for a book, the strikes' mean weighted by absolute quantity."""
    weight = jnp.abs(view.quantity) + 1e-12
    # Shares first: that of a single option is 1 whatever its weight, and its strike is kept to the last digit.
    return jnp.sum(weight / jnp.sum(weight, axis=-1, keepdims=True) * view.strike, axis=-1)


def _log_moneyness(view: MarketView) -> Float[Array, "*at"]:
    return jnp.log(view.spot / _reference_strike(view))


def _standardised_moneyness(view: MarketView) -> Float[Array, "*at"]:
    """log(S/K)/(σ√τ), saturated at ±5 where the option is as good as decided."""
    scale = jnp.maximum(view.volatility * jnp.sqrt(view.time_to_maturity), 1e-4)
    return 5.0 * jnp.tanh(_log_moneyness(view) / scale / 5.0)


FEATURES: dict[str, Callable[[MarketView], Float[Array, "*at"]]] = {
    "delta": lambda view: book_delta(view, view.volatility),
    "gamma": lambda view: book_gamma(view, view.volatility) * view.initial_spot,
    "last_log_return": lambda view: view.last_return,
    "log_moneyness": _log_moneyness,
    "normalised_price": lambda view: view.spot / view.initial_spot,
    "sqrt_time_to_maturity": lambda view: jnp.sqrt(view.time_to_maturity),
    "standardised_moneyness": _standardised_moneyness,
    "time_fraction": lambda view: view.time_to_maturity / view.maturity,
    "time_to_maturity": lambda view: view.time_to_maturity,
    "volatility": lambda view: view.volatility,
}


def option_feature_names(view: MarketView) -> tuple[str, ...]:
    """`option_2_moneyness` and `option_2_sqrt_time` where the second instrument may be an option, and so on."""
    places = () if view.options is None else range(2, view.price.shape[-1] + 1)
    return tuple(f"option_{place}_{what}" for place in places for what in OPTION_FEATURES)


OPTION_FEATURES = ("moneyness", "sqrt_time")


def _option_feature(name: str, view: MarketView) -> Float[Array, "*at"]:
    """log(F/K)/(σ√τ) of a listed option, saturated at ±5, or √τ; 0 where none is listed."""
    _, place, what = name.split("_", 2)
    options = view.options
    if options is None:
        raise ConfigError(f"policy feature {name!r} needs a listed option among hedge_with; leave it out.")
    column = int(place) - 1
    time, listed = options.time[..., column], options.sign[..., column] != 0.0
    root = jnp.sqrt(jnp.maximum(time, 0.0))
    if what == "sqrt_time":
        return jnp.where(listed, root, 0.0)
    scale = jnp.maximum(view.volatility * root, 1e-4)
    return jnp.where(
        listed, 5.0 * jnp.tanh(jnp.log(options.forward[..., column] / options.strike[..., column]) / scale / 5.0), 0.0
    )


class FeatureMap(eqx.Module):
    """Chosen features, standardised by the mean and spread they had on the paths given to `fit_features`."""

    names: tuple[str, ...] = eqx.field(static=True)
    centre: Float[Array, " features"]
    spread: Float[Array, " features"]

    def __call__(self, view: MarketView) -> tuple[Float[Array, "*at"], ...]:
        """The features for all dates of the view, an array for each."""
        centre, spread = jax.lax.stop_gradient((self.centre, self.spread))
        columns = feature_columns(self.names, view)
        return tuple((column - centre[k]) / spread[k] for k, column in enumerate(columns))


def feature_columns(names: Sequence[str], view: MarketView) -> list[Float[Array, "*at"]]:
    """Raw features; raises ConfigError for no name, or one that neither tenrec nor the market knows."""
    if not names:
        raise ConfigError(f"policy.features names nothing to see; choose from {', '.join(sorted(FEATURES))}.")
    columns = []
    for name in names:
        if name in FEATURES:
            columns.append(FEATURES[name](view))
        elif name in option_feature_names(view):
            columns.append(_option_feature(name, view))
        elif name in view.signal_names:
            columns.append(view.signals[..., view.signal_names.index(name)])
        else:
            known = ", ".join([*sorted(FEATURES), *OWN_FEATURES, *option_feature_names(view), *view.signal_names])
            raise ConfigError(f"policy feature {name!r} is not known here; choose from {known}.")
    return columns


def stack_features(names: Sequence[str], view: MarketView) -> Float[Array, "*at features"]:
    """Raw features as rows."""
    return jnp.stack(feature_columns(names, view), axis=-1)


def fit_features(names: Sequence[str], view: MarketView, *, standardise: bool = True) -> FeatureMap:
    """A feature map for `names`, scaled on a sample of what the policy will see."""
    sample = stack_features(names, view).reshape(-1, len(names))
    if not standardise:
        return FeatureMap(tuple(names), jnp.zeros_like(sample[0]), jnp.ones_like(sample[0]))
    spread = jnp.std(sample, axis=0)
    return FeatureMap(tuple(names), jnp.mean(sample, axis=0), jnp.where(spread > 1e-6, spread, 1.0))
