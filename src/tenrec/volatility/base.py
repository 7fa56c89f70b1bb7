"""What every volatility surface offers: total variance as a smooth function of log-moneyness and maturity."""

import abc
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

Scalar = Float[Array, ""]
Values = Float[Array, "..."]


class AbstractSurface(eqx.Module):
    """Black's total variance w(k, τ) = σ²·τ, k = log(K/F); what follows from it is derived by autodiff."""

    @abc.abstractmethod
    def total_variance(self, log_moneyness: ArrayLike, maturity: ArrayLike) -> Values:
        """w(k, τ), dimensionless; k = log(strike/forward), τ in years; both broadcast."""

    def volatility(self, log_moneyness: ArrayLike, maturity: ArrayLike) -> Values:
        """√(w/τ), annualised."""
        return jnp.sqrt(self.total_variance(log_moneyness, maturity) / maturity)

    def durrleman(self, log_moneyness: ArrayLike, maturity: ArrayLike) -> Values:
        """g(k) = (1 − k·w′/2w)² − (w′²/4)·(1/w + 1/4) + w″/2, primes along k.

        It is negative where a butterfly is an arbitrage.

        Source: Gatheral and Jacquier (2014), "Arbitrage-free SVI volatility surfaces", lemma 2.2.
        """
        k, maturity = _both(log_moneyness, maturity)
        return _each(self._durrleman, k, maturity)

    def calendar(self, log_moneyness: ArrayLike, maturity: ArrayLike) -> Values:
        """∂w/∂τ at fixed k, per year: negative where a calendar spread is an arbitrage."""
        k, maturity = _both(log_moneyness, maturity)
        return _each(jax.grad(self._at, 1), k, maturity)

    def density(self, log_moneyness: ArrayLike, maturity: ArrayLike) -> Values:
        """Risk-neutral density of log(S_T/F) at k, per unit of k: g(k)·φ(d₂)/√w."""
        w = self.total_variance(log_moneyness, maturity)
        lower = -jnp.asarray(log_moneyness) / jnp.sqrt(w) - 0.5 * jnp.sqrt(w)
        weight = jnp.exp(-0.5 * lower**2) / jnp.sqrt(2.0 * jnp.pi * w)
        return self.durrleman(log_moneyness, maturity) * weight

    def local_volatility(self, log_moneyness: ArrayLike, maturity: ArrayLike) -> Values:
        """Dupire's √(∂w/∂τ / g), annualised; NaN where there is arbitrage."""
        return jnp.sqrt(self.calendar(log_moneyness, maturity) / self.durrleman(log_moneyness, maturity))

    def _at(self, k: Scalar, maturity: Scalar) -> Scalar:
        return self.total_variance(k, maturity)

    def _durrleman(self, k: Scalar, maturity: Scalar) -> Scalar:
        slope = jax.grad(self._at)
        w, first, second = self._at(k, maturity), slope(k, maturity), jax.grad(slope)(k, maturity)
        return durrleman(k, w, first, second)


def durrleman(k: Values, w: Values, first: Values, second: Values) -> Values:
    """Durrleman's g from the total variance and its first two derivatives along k."""
    return (1.0 - 0.5 * k * first / w) ** 2 - 0.25 * first**2 * (1.0 / w + 0.25) + 0.5 * second


def _both(k: ArrayLike, maturity: ArrayLike) -> tuple[Values, Values]:
    kind = jnp.result_type(float)
    k, maturity = jnp.broadcast_arrays(jnp.asarray(k, kind), jnp.asarray(maturity, kind))
    return k, maturity


def _each(function: Callable[[Scalar, Scalar], Scalar], k: Values, maturity: Values) -> Values:
    return jax.vmap(function)(k.ravel(), maturity.ravel()).reshape(k.shape)
