"""Batched maximum likelihood against the arch package, fit by fit."""

import numpy as np
import pytest

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
