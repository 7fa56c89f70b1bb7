"""Batched maximum likelihood against the arch package, fit by fit."""

import numpy as np
import pytest

from tenrec.core.errors import ConfigError
from tenrec.volatility.garch import GARCH_MODELS, fit_garch

arch = pytest.importorskip("arch", reason="the arch package (extra oracle) is not installed")
from arch.univariate import EGARCH, GARCH, Normal, SkewStudent, StudentsT, ZeroMean  # noqa: E402

DAYS = 760
# Four series of 760 days: the shapes that test_forecast.py compiles too.
DENSITIES = {"": Normal, "_t": StudentsT, "_skewt": SkewStudent}
VOLATILITIES = {"garch": lambda: GARCH(1, 0, 1), "gjr": lambda: GARCH(1, 1, 1), "egarch": lambda: EGARCH(1, 1, 1)}


@pytest.fixture(scope="module")
def returns() -> np.ndarray:
    """Four series of GJR-GARCH returns with t shocks, decimal."""
    rng = np.random.default_rng(11)
    shocks = rng.standard_t(6, (4, DAYS)) * np.sqrt(4 / 6)
    h, series = np.full(4, 1.0), np.empty((4, DAYS))
    for day in range(DAYS):
        series[:, day] = np.sqrt(h) * shocks[:, day]
        h = 0.03 + (0.04 + 0.1 * (series[:, day] < 0)) * series[:, day] ** 2 + 0.88 * h
    return series / 100.0


@pytest.mark.parametrize("name", ["garch", "gjr_t", "egarch_t", "garch_skewt"])
def test_the_optimum_is_that_of_arch(returns: np.ndarray, name: str):
    fit = fit_garch(GARCH_MODELS[name], returns)
    family, _, density = name.partition("_")
    for row, series in enumerate(returns):
        model = ZeroMean(
            100.0 * series, volatility=VOLATILITIES[family](), distribution=DENSITIES[f"_{density}".rstrip("_")]()
        )
        theirs = model.fit(disp="off", tol=1e-10)
        assert fit.converged[row]
        # Ours may be better by what their search leaves, never worse; and the parameters are the same.
        assert fit.log_likelihood[row] >= theirs.loglikelihood - 1e-5
        assert fit.log_likelihood[row] == pytest.approx(theirs.loglikelihood, abs=2e-3)
        assert fit.parameters[row] == pytest.approx(np.asarray(theirs.params), rel=0.02, abs=2e-3)


def test_a_window_is_a_row_of_its_own(returns: np.ndarray):
    """A shorter length is the fit of the shorter series: what comes later does not matter."""
    model = GARCH_MODELS["garch"]
    twice = fit_garch(model, np.tile(returns[0], (4, 1)), np.array([500, 600, 700, DAYS]))
    changed = np.tile(returns[0], (4, 1))
    changed[:3, 700:] *= 5.0
    later = fit_garch(model, changed, np.array([500, 600, 700, DAYS]))
    assert twice.parameters == pytest.approx(later.parameters, rel=1e-6)


def test_a_fit_that_hardly_reverts_is_told():
    rng = np.random.default_rng(0)
    trending = rng.standard_normal((4, DAYS)) * np.exp(np.linspace(-6, -2, DAYS))
    with pytest.warns(UserWarning, match=r"GARCH: the persistence is .*warn=False"):
        fit_garch(GARCH_MODELS["garch"], trending, warn=True)


def realised_truth(days: int, seed: int = 3) -> tuple[np.ndarray, np.ndarray, dict[str, float]]:
    """Returns and measured variances of the log-linear Realized GARCH, decimal, and what they were made with."""
    truth = {"omega": 0.06, "beta": 0.55, "gamma": 0.41, "xi": -0.18, "phi": 1.04, "tau_1": -0.07, "tau_2": 0.07}
    rng, log_h = np.random.default_rng(seed), 0.1
    returns, measures = np.empty(days), np.empty(days)
    for day in range(days):
        z, u = rng.standard_normal(), 0.38 * rng.standard_normal()
        returns[day] = np.exp(log_h / 2) * z
        log_x = truth["xi"] + truth["phi"] * log_h + truth["tau_1"] * z + truth["tau_2"] * (z**2 - 1) + u
        measures[day] = np.exp(log_x)
        log_h = truth["omega"] + truth["beta"] * log_h + truth["gamma"] * log_x
    return returns / 100, measures / 1e4, truth | {"sigma_u": 0.38}


def test_realised_garch_finds_what_a_simulation_was_made_with():
    """Hansen, Huang and Shek (2012), numbers like those of their table for SPY; four series in one fit."""
    made = [realised_truth(4000, seed) for seed in range(4)]
    returns, measures, truth = np.stack([m[0] for m in made]), np.stack([m[1] for m in made]), made[0][2]
    fit = fit_garch(GARCH_MODELS["realised_garch"], returns, measures=measures)
    assert fit.converged.all()
    spread = {"omega": 0.02, "beta": 0.03, "gamma": 0.03, "xi": 0.03, "phi": 0.05, "tau_1": 0.01, "tau_2": 0.01}
    for name, value in zip(fit.names, fit.parameters.mean(0), strict=True):
        assert value == pytest.approx(truth[name], abs=spread.get(name, 0.01)), name
    likelihoods = [
        plain_realised_likelihood(p, r, x) for p, r, x in zip(fit.parameters, returns, measures, strict=True)
    ]
    assert fit.log_likelihood == pytest.approx(likelihoods, rel=1e-10)
    # An optimum: no parameter, moved by a hundredth, does better.
    for place in range(len(fit.names)):
        for move in (0.99, 1.01):
            moved = fit.parameters[0] * np.where(np.arange(8) == place, move, 1.0)
            assert plain_realised_likelihood(moved, returns[0], measures[0]) < likelihoods[0]


def plain_realised_likelihood(parameters: np.ndarray, returns: np.ndarray, measures: np.ndarray) -> float:
    """Day by day from the paper's equations."""
    omega, beta, gamma, xi, phi, tau_1, tau_2, sigma = parameters
    r, log_x = 100 * returns, np.log(1e4 * measures)
    weight = 0.94 ** np.arange(75)
    log_h = omega + gamma * xi + (beta + gamma * phi) * np.log(np.sum(weight * r[:75] ** 2) / weight.sum())
    total = 0.0
    for day in range(len(r)):
        z = r[day] / np.exp(log_h / 2)
        u = log_x[day] - xi - phi * log_h - tau_1 * z - tau_2 * (z**2 - 1)
        total -= 0.5 * (np.log(2 * np.pi) + log_h + z**2 + np.log(2 * np.pi) + 2 * np.log(sigma) + (u / sigma) ** 2)
        log_h = omega + beta * log_h + gamma * log_x[day]
    return total


def test_realised_garch_asks_for_its_measures(returns: np.ndarray):
    with pytest.raises(ConfigError, match="Realized GARCH needs a positive measured variance for every return"):
        fit_garch(GARCH_MODELS["realised_garch"], returns)
