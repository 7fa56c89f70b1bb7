"""The neural pricer: a martingale in convex order whatever the weights, and derivatives that are derivatives."""

from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tenrec.nets import make_network
from tenrec.pricing.chain_pricer import ChainPricer, load_pricer
from tenrec.pricing.neural import evolve, make_grid
from tenrec.pricing.neural_fit import fit_neural

QUOTED = np.linspace(-0.3, 0.2, 11)
EXPIRIES = np.array([0.1, 0.5, 1.0])
K, T = (column.ravel() for column in np.meshgrid(QUOTED, EXPIRIES, indexing="ij"))
SMILE = np.sqrt(0.04 - 0.06 * K / np.sqrt(1.0 + T) + 0.2 * K**2)


@pytest.fixture(scope="module")
def fit():
    return fit_neural(K, T, SMILE, iterations=80, hidden=(8, 8))


@pytest.fixture(scope="module")
def pricer(fit) -> ChainPricer:
    grid = fit.grid
    parts = (np.asarray(part) for part in (grid.log_nodes, grid.times, fit.laws, grid.kernel, grid.reference))
    return ChainPricer(*parts, EXPIRIES, np.exp(0.02 * EXPIRIES), np.exp(-0.03 * EXPIRIES), np.asarray(100.0))


@pytest.mark.parametrize("seed", [0, 1])
def test_any_network_gives_a_martingale_in_convex_order(seed: int):
    with jax.enable_x64(True):
        grid = make_grid(K, T, SMILE)
        network = make_network(3, (8, 8), 1, key=jax.random.key(seed), activation="tanh", output_scale=3.0)
        network = jax.tree.map(lambda leaf: leaf.astype(float) if eqx.is_array(leaf) else leaf, network)
        laws, x = np.asarray(evolve(network, grid)), np.exp(np.asarray(grid.log_nodes))
    assert laws.min() > -1e-15
    np.testing.assert_allclose(laws.sum(axis=1), 1.0, rtol=1e-11)
    np.testing.assert_allclose(laws @ x, 1.0, rtol=1e-11)
    calls = laws @ np.maximum(x[:, None] - x[None, :], 0.0)
    assert np.diff(calls, axis=0).min() > -1e-12


def test_a_smooth_smile_is_met(fit):
    assert np.sqrt(np.mean((fit.volatility - SMILE) ** 2)) < 0.004


def test_parity_holds_between_call_and_put(pricer: ChainPricer):
    ask = {"strike": np.array([80.0, 100.0, 130.0]), "maturity": 0.5}
    difference = pricer.price(**ask) - pricer.price(kind="put", **ask)
    np.testing.assert_allclose(difference, np.exp(-0.015) * (100.0 * np.exp(0.01) - ask["strike"]), rtol=1e-10)


def test_greeks_are_the_slopes_of_the_price(pricer: ChainPricer):
    """Central differences of the price; the fitted at-the-money level leaves the price as it is."""
    strike, maturity = np.array([85.0, 100.0, 112.0]), 0.3
    found = pricer.greeks(strike=strike, maturity=maturity)
    up, down = (pricer.price(strike=strike, maturity=maturity, spot=spot) for spot in (100.01, 99.99))
    np.testing.assert_allclose(found["delta"], (up - down) / 0.02, rtol=1e-5)
    np.testing.assert_allclose(found["gamma"], (up + down - 2 * found["price"]) / 1e-4, rtol=1e-3)
    later, sooner = (pricer.price(strike=strike, maturity=maturity + shift) for shift in (1e-5, -1e-5))
    np.testing.assert_allclose(found["theta"], -(later - sooner) / 2e-5, rtol=1e-4)
    level = float(pricer.implied_volatility(strike=pricer.forward(maturity), maturity=maturity))
    high, low = (pricer.price(strike=strike, maturity=maturity, volatility=level + s) for s in (1e-4, -1e-4))
    np.testing.assert_allclose(found["vega"], (high - low) / 2e-4, rtol=1e-5)
    np.testing.assert_allclose(
        pricer.price(strike=strike, maturity=maturity, volatility=level), found["price"], rtol=1e-9
    )


def test_it_comes_back_from_its_file(pricer: ChainPricer, tmp_path: Path):
    pricer.save(tmp_path / "pricer.npz")
    again = load_pricer(tmp_path / "pricer.npz")
    assert again.price(strike=95.0, maturity=0.3) == pricer.price(strike=95.0, maturity=0.3)


def test_the_dense_grid_check_finds_nothing_and_finds_what_is_broken(pricer: ChainPricer):
    from tenrec.runs.price import arbitrage_check

    assert sum(arbitrage_check(pricer, 61, 20)["violations"].values()) == 0
    swapped = eqx.tree_at(lambda whole: whole.laws, pricer, pricer.laws[::-1].copy())
    assert arbitrage_check(swapped, 61, 20)["violations"]["calendar"] > 0
    assert jnp.asarray(pricer.laws).min() >= 0.0


def test_the_policy_holds_the_pricers_delta_where_the_path_shows_its_volatility(pricer: ChainPricer):
    """Call and put, quoted and other maturities; interest 3 % and dividends 1 % as in the chain."""
    from tenrec.contracts import european_book
    from tenrec.hedging.policies import neural_delta
    from tenrec.hedging.view import view_at

    strike, maturity = np.array([85.0, 95.0, 100.0, 110.0]), 0.4
    policy = neural_delta(pricer)
    for kind in ("call", "put"):
        wanted = pricer.delta(strike=strike, maturity=maturity, kind=kind)
        for at, expected in zip(strike, wanted, strict=True):
            book = european_book([kind], strikes=[float(at)], expiries=[1], quantities=[-1.0])
            view = view_at(
                book, spot=jnp.full(1, 100.0), time_to_expiry=jnp.full((1, 1), maturity), maturity=1.0, period=0.01,
                volatility=jnp.asarray(pricer.implied_volatility(strike=at, maturity=maturity), float).reshape(1),
                initial_spot=100.0, rate=0.03, dividend_yield=0.01,
            )  # fmt: skip
            np.testing.assert_allclose(policy.inputs(view)[0, 0], expected, atol=2e-3)
