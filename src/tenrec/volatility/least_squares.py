"""Levenberg–Marquardt for small problems, of a fixed number of steps so that thousands run side by side under `vmap`.

Source: Marquardt (1963); the damping follows the gain ratio of Nielsen (1999), simplified to two factors.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

Vector = Float[Array, " n"]
Steps = int | Int[Array, ""]
"""A number that JAX traces serves every count with one compiled search."""

UNROLLED = 8
"""Up to this many unknowns the normal equations are solved in line, which a batch turns into vector instructions."""


class Minimum(NamedTuple):
    """Where the search ended, and half the sum of squares there."""

    at: Float[Array, " n"]
    cost: Float[Array, ""]


def minimise(residuals: Callable[[Vector], Float[Array, " m"]], start: Vector, steps: Steps) -> Minimum:
    """The x near `start` that makes Σ residuals(x)²/2 small; it is never worse than the start.

    A step to where the residuals are not finite is refused like one that makes them larger.

    Example:
        >>> found = minimise(lambda x: jnp.array([x[0] - 3.0, 10.0 * (x[1] - x[0] ** 2)]), jnp.array([1.0, 1.0]), 40)
        >>> [round(float(x), 2) for x in found.at]
        [3.0, 9.0]
    """

    def step(_: Array, state: tuple[Vector, Array, Array]) -> tuple[Vector, Array, Array]:
        x, cost, damping = state
        here, slopes = residuals(x), jax.jacfwd(residuals)(x)
        normal, gradient = slopes.T @ slopes, slopes.T @ here
        scale = jnp.diag(normal) + 1e-14 * jnp.max(jnp.diag(normal)) + 1e-300
        trial = x - solve(normal + jnp.diag(damping * scale), gradient)
        reached = half_squares(residuals(trial))
        better = reached < cost
        damping = jnp.clip(jnp.where(better, damping * 0.1, damping * 8.0), 1e-12, 1e12)
        return jnp.where(better, trial, x), jnp.where(better, reached, cost), damping

    first = half_squares(residuals(start))
    at, cost, _ = jax.lax.fori_loop(0, steps, step, (start, first, jnp.asarray(1e-2, start.dtype)))
    return Minimum(at, cost)


def implicit(
    search: Callable[[Any], Vector], residuals: Callable[[Vector, Any], Float[Array, " m"]], data: Any
) -> Vector:
    """search(data), a minimum of Σ residuals(x, data)²/2, differentiable in the data.

    By the implicit function theorem, at the minimum ∂x/∂data = −H⁻¹·∂²c/∂x∂data, c the half sum of squares and H its
    exact Hessian in x. The search itself is never differentiated, and costs nothing more where no derivative is asked
    for. Where it has not converged, or H is singular, the derivative means nothing.

    Example:
        >>> def miss(x, a):
        ...     return jnp.array([x[0] ** 2 - a])
        >>> def root(a):
        ...     return implicit(lambda a: minimise(lambda x: miss(x, a), jnp.ones(1), 30).at, miss, a)[0]
        >>> round(float(jax.grad(root)(4.0)), 4)  # of √a
        0.25
    """

    def slope(x: Vector, data: Any) -> Vector:
        return jax.grad(lambda at: half_squares(residuals(at, data)))(x)

    @jax.custom_jvp
    def found(data: Any) -> Vector:
        return search(data)

    @found.defjvp
    def found_jvp(primals: tuple[Any], tangents: tuple[Any]) -> tuple[Vector, Vector]:
        at = found(*primals)
        curvature = jax.jacfwd(slope)(at, *primals)
        _, moved = jax.jvp(lambda given: slope(at, given), primals, tangents)
        return at, -jnp.linalg.solve(curvature, moved)

    return found(data)


def half_squares(errors: Float[Array, " m"]) -> Float[Array, ""]:
    """Σe²/2; infinite if any error is not finite."""
    total = 0.5 * jnp.sum(errors * errors)
    return jnp.where(jnp.isfinite(total), total, jnp.inf)


def root(weights: Float[Array, "..."]) -> Float[Array, "..."]:
    """√weights, without the infinite derivative at 0."""
    counted = weights > 0.0
    return jnp.where(counted, jnp.sqrt(jnp.where(counted, weights, 1.0)), 0.0)


def solve(matrix: Float[Array, "n n"], right: Vector) -> Vector:
    """matrix⁻¹·right for a positive definite matrix."""
    n = right.shape[0]
    if n > UNROLLED:
        return jax.scipy.linalg.solve(matrix, right, assume_a="pos")
    rows = [[matrix[i, j] for j in range(n)] for i in range(n)]
    values = [right[i] for i in range(n)]
    for i in range(n):
        inverse = 1.0 / rows[i][i]
        for j in range(i + 1, n):
            factor = rows[j][i] * inverse
            rows[j] = [
                low - factor * up if k > i else low for k, (low, up) in enumerate(zip(rows[j], rows[i], strict=True))
            ]
            values[j] = values[j] - factor * values[i]
    for i in reversed(range(n)):
        values[i] = (
            values[i] - sum((rows[i][j] * values[j] for j in range(i + 1, n)), jnp.zeros_like(values[i]))
        ) / rows[i][i]
    return jnp.stack(values)
