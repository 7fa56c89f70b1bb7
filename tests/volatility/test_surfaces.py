"""Slices and surfaces: they return what made the quotes, and arbitrage is found where it is and nowhere else."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import trapezoid
from scipy.optimize import least_squares as scipy_least_squares

from tenrec.pricing import black_scholes
from tenrec.volatility import ESSVI, SSVI, SVI, AbstractSurface, SVISurface, check, essvi, fit_slices, ssvi
from tenrec.volatility.least_squares import minimise

pytestmark = pytest.mark.usefixtures("x64")

GRID, TIMES = np.linspace(-1.5, 1.5, 61), np.linspace(0.02, 3.0, 40)


def svi(*numbers: float) -> SVI:
    return SVI(*(jnp.asarray(number) for number in numbers))


def surface() -> ESSVI:
    numbers = ([0.1, 0.5, 1.0], [0.004, 0.02, 0.045], [-0.7, -0.6, -0.5], [0.04, 0.1, 0.14])
    return ESSVI(*(jnp.array(x) for x in numbers))


@pytest.fixture(scope="module")
def draws() -> np.ndarray:
    draw = np.random.default_rng(0).uniform
    return np.stack(
        [draw(0.005, 0.05, 8), draw(0.05, 0.3, 8), draw(-0.8, 0.4, 8), draw(-0.1, 0.1, 8), draw(0.05, 0.4, 8)], 1
    )


def test_slices_are_recovered_and_missing_quotes_do_not_count(draws: np.ndarray):
    k = np.tile(np.linspace(-0.6, 0.4, 40), (8, 1))
    truth = jax.vmap(lambda p: svi(*p).total_variance(k[0]))(jnp.asarray(draws))
    volatility, weights = np.sqrt(np.array(truth) / 0.7), np.ones((8, 40))
    volatility[:, ::7], weights[:, ::7] = 3.0, 0.0
    found = fit_slices(k, volatility, np.full(8, 0.7), weights)
    assert float(found.error.max()) < 2e-6
    np.testing.assert_allclose(found.slices.total_variance(k.T).T, truth, atol=2e-5)


def test_many_slices_of_two_lengths_are_fitted_as_each_alone(draws: np.ndarray, monkeypatch: pytest.MonkeyPatch):
    """Short and long ones in turns: in their order, and as without the parting."""
    k = np.tile(np.concatenate([np.linspace(-0.5, 0.4, 20)] * 2), (16, 1))
    volatility = np.sqrt(np.array([svi(*p).total_variance(k[0]) for p in np.tile(draws, (2, 1))]) / 0.7)
    volatility *= 1.0 + 0.01 * np.random.default_rng(2).standard_normal(volatility.shape)
    weights = np.ones((16, 40))
    weights[::2, 20:] = 0.0
    together = fit_slices(k, volatility, np.full(16, 0.7), weights)
    monkeypatch.setattr("tenrec.volatility.svi.APART", 8)
    apart = fit_slices(k, volatility, np.full(16, 0.7), weights)
    np.testing.assert_allclose(apart.error, together.error, rtol=1e-6)
    np.testing.assert_allclose(apart.slices.total_variance(k.T), together.slices.total_variance(k.T), rtol=1e-5)


def test_noisy_slices_reach_the_optimum_of_another_optimiser(draws: np.ndarray):
    """SciPy's trust-region solver, started at the truth and at our answer; ours is no worse than 0.1 % of its error."""
    k = np.tile(np.linspace(-0.6, 0.4, 40), (8, 1))
    truth = np.array(jax.vmap(lambda p: svi(*p).total_variance(k[0]))(jnp.asarray(draws)))
    noise = np.random.default_rng(1).normal(0.0, 0.004, truth.shape)
    volatility = np.sqrt(truth / 0.7) + noise
    found = fit_slices(k, volatility, np.full(8, 0.7))

    def errors(p: np.ndarray, row: int) -> np.ndarray:
        shifted = k[row] - p[3]
        w = p[0] + p[1] * (p[2] * shifted + np.sqrt(shifted**2 + p[4] ** 2))
        return np.sqrt(np.maximum(w, 1e-10) / 0.7) - volatility[row]

    for row in range(8):
        bounds = ([-1.0, 0.0, -0.9999, -2.0, 1e-4], [1.0, 5.0, 0.9999, 2.0, 5.0])
        best = scipy_least_squares(errors, draws[row], bounds=bounds, args=(row,), xtol=1e-12, ftol=1e-12)
        assert float(found.error[row]) <= 1.001 * np.sqrt(2 * best.cost / 40)


def test_known_butterfly_arbitrage_is_found():
    """Axel Vogt's slice, Gatheral and Jacquier (2014), example 3.1: g dips below zero right of the money."""
    vogt = svi(-0.0410, 0.1331, 0.3060, 0.3586, 0.4153)
    flat = SVISurface(jnp.array([1.0]), jax.tree.map(lambda x: x[None], vogt))
    found = check(flat, GRID, np.array([1.0]))
    assert not found.free
    assert found.share_butterfly > 0.0
    assert found.share_calendar == 0.0
    np.testing.assert_allclose(found.butterfly[0], vogt.durrleman(GRID), rtol=1e-9, atol=1e-12)
    at = GRID[found.butterfly[0].argmin()]
    assert 0.6 < at < 1.2


def test_known_calendar_arbitrage_is_found():
    rows = [svi(0.02, 0.1, -0.3, 0.0, 0.2), svi(0.01, 0.12, -0.3, 0.0, 0.2)]
    crossing = SVISurface(jnp.array([0.5, 1.0]), jax.tree.map(lambda *x: jnp.stack(x), *rows))
    found = check(crossing, GRID, np.array([0.6, 0.9]))
    assert 0.0 < found.share_calendar < 1.0


def test_any_coordinates_are_a_surface_without_arbitrage():
    """Wild points of the coordinates' space, checked between, before and after the slices."""
    points = np.random.default_rng(3).normal(0.0, 1.5, (20, 12)) + np.repeat([0.0, -4.0, 0.0], 4)
    times = jnp.array([0.1, 0.4, 1.0, 2.0])
    build = jax.jit(essvi.from_coordinates)
    surfaces = [build(jnp.asarray(point), times) for point in points]
    checks = [check(one, np.linspace(-3, 3, 41), np.linspace(0.02, 3.0, 31)) for one in surfaces]
    assert all(found.free for found in checks)
    assert max(found.butterfly.min() for found in checks) > 0.0


def test_essvi_is_recovered_and_its_parameters_have_gradients():
    truth = surface()
    k = np.tile(np.linspace(-0.5, 0.3, 25), (3, 1))
    quotes = np.array(truth.volatility(k, np.asarray(truth.maturities)[:, None]))
    found = essvi.fit(k, quotes, np.asarray(truth.maturities))
    assert float(found.error) < 1e-6
    np.testing.assert_allclose(found.surface.correlation, truth.correlation, atol=1e-3)

    def error(shift: jax.Array) -> jax.Array:
        moved = ESSVI(truth.maturities, truth.at_the_money, truth.correlation + shift, truth.skew)
        return jnp.sum(moved.total_variance(jnp.asarray(k[0]), 0.7))

    slope = (error(jnp.asarray(1e-6)) - error(jnp.asarray(-1e-6))) / 2e-6
    assert float(jax.grad(error)(jnp.asarray(0.0))) == pytest.approx(float(slope), rel=1e-7)


def test_any_coordinates_of_ssvi_are_a_surface_without_arbitrage():
    points = np.random.default_rng(4).normal(0.0, 2.0, (10, 6)) + np.array([0, 0, 0, -4, -4, -4])
    times = jnp.array([0.1, 0.5, 2.0])
    surfaces = [ssvi.from_coordinates(jnp.asarray(point), times) for point in points]
    assert all(check(one, np.linspace(-3, 3, 41), np.linspace(0.02, 3.0, 31)).free for one in surfaces)
    steep = ssvi.from_coordinates(jnp.array([-2.0, 2.0, 1.0, -5.0, -4.0, -3.0]), times, free_of_arbitrage=False)
    assert not check(steep, np.linspace(-3, 3, 41), np.linspace(0.02, 3.0, 31)).free


def test_ssvi_is_recovered():
    """The formula is written out once more, as Gatheral and Jacquier print it."""
    times, theta, rho, eta, gamma = np.array([0.2, 0.6, 1.5]), np.array([0.01, 0.03, 0.07]), -0.6, 1.1, 0.35
    k = np.tile(np.linspace(-0.6, 0.4, 21), (3, 1))
    phi = (eta / (theta**gamma * (1.0 + theta) ** (1.0 - gamma)))[:, None]
    w = 0.5 * theta[:, None] * (1.0 + rho * phi * k + np.sqrt((phi * k + rho) ** 2 + 1.0 - rho**2))
    volatility, weights = np.sqrt(w / times[:, None]), np.ones(k.shape)
    volatility[:, 5], weights[:, 5] = 2.0, 0.0
    found = ssvi.fit(k, volatility, times, weights)
    assert float(found.error) < 1e-7
    numbers = [found.surface.correlation, found.surface.steepness, found.surface.decay]
    np.testing.assert_allclose(np.array(numbers), [rho, eta, gamma], rtol=1e-4)
    truth = SSVI(*(jnp.asarray(x) for x in (times, theta, rho, eta, gamma)))
    np.testing.assert_allclose(found.surface.total_variance(k[0], 1.0), truth.total_variance(k[0], 1.0), rtol=1e-5)


def test_density_is_that_of_the_call_prices():
    """It integrates to one and the forward to one; at points it is ∂²C/∂K² by finite differences of Black's prices."""
    one = surface()
    k = np.linspace(-4.0, 2.5, 2001)
    density = np.asarray(jax.jit(lambda x: one.density(x, 0.7))(k))
    assert trapezoid(density, k) == pytest.approx(1.0, abs=1e-4)
    assert trapezoid(density * np.exp(k), k) == pytest.approx(1.0, abs=1e-4)

    @jax.jit
    def calls(strike: jax.Array) -> jax.Array:
        return black_scholes.value(1.0, 1.0, strike, one.volatility(jnp.log(strike), 0.7), 0.7)

    strike = jnp.array([0.7, 0.95, 1.0, 1.2])
    below, at, above = (np.asarray(calls(strike + shift)) for shift in (-1e-3, 0.0, 1e-3))
    bend = (below - 2 * at + above) / 1e-6
    np.testing.assert_allclose(np.interp(np.log(strike), k, density), bend * strike, rtol=2e-3, atol=1e-4)


class Flat(AbstractSurface):
    """Any surface at all: here one of constant volatility."""

    def total_variance(self, log_moneyness, maturity):
        return 0.04 * jnp.asarray(maturity) + 0.0 * jnp.asarray(log_moneyness)


def test_local_volatility_of_a_flat_surface_is_flat():
    np.testing.assert_allclose(Flat().local_volatility(GRID, 0.5), 0.2, rtol=1e-12)
    assert check(Flat(), GRID, TIMES).free


def test_a_step_to_nowhere_is_refused():
    found = minimise(lambda x: jnp.log(x), jnp.array([5.0]), 30)
    assert float(found.at[0]) == pytest.approx(1.0, abs=1e-8)
