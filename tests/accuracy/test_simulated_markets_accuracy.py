"""Calls priced on simulated paths, within three standard errors of a price that does not come from these paths."""

from math import exp, sqrt

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, linalg, special, stats

from tenrec.markets import MARKETS, BlackScholesMarket, UncertainMarket
from tenrec.pricing import black_scholes, jumps

ql = pytest.importorskip("QuantLib")
pytestmark = pytest.mark.usefixtures("x64")

PATHS = 2**16
DAYS = np.full(30, 1 / 365)
TIME = 30 / 365
STRIKES = (93.0, 100.0, 106.0)


def assert_prices(market: object, exact: dict[float, float], paths: int = PATHS) -> None:
    final = np.asarray(market.simulate(jax.random.key(11), paths, sampling="antithetic").spot[:, -1])
    for strike, price in exact.items():
        pairs = np.maximum(final - strike, 0.0).reshape(2, -1).mean(axis=0)
        error = pairs.std() / np.sqrt(pairs.size)
        assert abs(pairs.mean() - price) < 3.0 * error, (strike, pairs.mean(), price, error)


def black(strike: float, variance: float) -> float:
    """Black's formula at total variance, from SciPy's normal law."""
    total = np.sqrt(variance)
    upper = np.log(100.0 / strike) / total + total / 2
    return float(100.0 * stats.norm.cdf(upper) - strike * stats.norm.cdf(upper - total))


JUMPS = {"jump_intensity": 10.0, "jump_mean": -0.04, "jump_deviation": 0.05}
KOU = {"volatility": 0.15, "jump_intensity": 12.0, "up_probability": 0.3, "up_rate": 30.0, "down_rate": 20.0}
HESTON = {
    "initial_variance": 0.04,
    "mean_reversion": 2.0,
    "long_run_variance": 0.05,
    "vol_of_vol": 0.6,
    "correlation": -0.7,
}


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("merton", {"volatility": 0.15, **JUMPS}), ("kou", KOU), ("bates", HESTON | JUMPS)],
)
def test_jumps(name: str, parameters: dict):
    """Against the Fourier prices, which are held against independent ones in test_jump_prices_accuracy."""
    value = getattr(jumps, name)
    exact = {strike: float(value(1.0, 100.0, strike, TIME, **parameters)) for strike in STRIKES}
    assert_prices(MARKETS[name](spot=100.0, dt=DAYS, **parameters), exact)


def test_sabr():
    """Against QuantLib's finite differences for the SABR equation, a year in weekly steps."""
    today = ql.Date(2, 1, 2020)
    ql.Settings.instance().evaluationDate = today
    curve = ql.YieldTermStructureHandle(ql.FlatForward(today, 0.0, ql.Actual365Fixed()))
    beta, volatility, nu, rho = 0.6, 0.2, 0.7, -0.5
    alpha = volatility * 100.0 ** (1.0 - beta)
    engine = ql.FdSabrVanillaEngine(100.0, alpha, beta, nu, rho, curve, 60, 200, 40)
    exact = {}
    for strike in (90.0, 100.0, 110.0):
        option = ql.VanillaOption(ql.PlainVanillaPayoff(ql.Option.Call, strike), ql.EuropeanExercise(today + 182))
        option.setPricingEngine(engine)
        exact[strike] = option.NPV()
    parameters = {"volatility": volatility, "elasticity": beta, "vol_of_vol": nu, "correlation": rho}
    assert_prices(MARKETS["sabr"](spot=100.0, dt=np.full(182, 1 / 365), **parameters), exact)


def test_garch():
    """Three long steps: two shocks by quadrature, the last one by Black's formula at the variance they lead to."""
    theta, alpha, beta, gamma, period = 0.05, 0.1, 0.6, 0.3, 1 / 12
    persistence = alpha + beta + gamma / 2

    def later(variance: float, z: float) -> float:
        return (1.0 - persistence) * theta + variance * (beta + (alpha + gamma * (z < 0)) * z * z)

    def last(z: float, first: float, variance: float, strike: float) -> float:
        forward = first * exp(-variance * period / 2 + sqrt(variance * period) * z)
        scale = forward / 100.0
        return stats.norm.pdf(z) * scale * black(strike / scale, later(variance, z) * period)

    def outer(z: float, strike: float) -> float:
        first = 100.0 * exp(-0.09 * period / 2 + 0.3 * sqrt(period) * z)
        parts = [integrate.quad(last, *ends, args=(first, later(0.09, z), strike))[0] for ends in ((-9, 0), (0, 9))]
        return stats.norm.pdf(z) * sum(parts)

    nodes, weights = np.polynomial.legendre.leggauss(16)
    exact = {}
    for strike in (90.0, 105.0):
        sides = [(-7.0, 0.0), (0.0, 7.0)]
        exact[strike] = sum(
            (high - low) / 2 * w * outer((high - low) / 2 * x + (high + low) / 2, strike)
            for low, high in sides
            for x, w in zip(nodes, weights, strict=True)
        )
    market = MARKETS["garch"](
        spot=100.0,
        volatility=0.3,
        long_run_volatility=sqrt(theta),
        alpha=alpha,
        beta=beta,
        gamma=gamma,
        dt=np.full(3, period),
    )
    assert_prices(market, exact, 2**18)


def test_regimes():
    """Given how many of the 30 days fall in the first regime, the price is Black's; their law is counted exactly."""
    low, high, leave, back = 0.12, 0.5, 0.05, 0.02
    chain = np.array([[-1 / leave, 1 / leave], [1 / back, -1 / back]])
    step = linalg.expm(chain / 365)
    law = np.zeros((2, 31))
    law[0, 0] = 1.0
    for _ in range(30):
        spent = np.stack([np.append(0.0, law[0, :-1]), law[1]])
        law = step.T @ spent
    counted = law.sum(axis=0)
    days = np.arange(31)
    variances = (days * low**2 + (30 - days) * high**2) / 365
    exact = {k: float(sum(p * black(k, v) for p, v in zip(counted, variances, strict=True))) for k in STRIKES}
    market = MARKETS["regimes"](spot=100.0, volatilities=np.array([low, high]), years=np.array([leave, back]), dt=DAYS)
    assert_prices(market, exact)


def test_uncertain_volatility():
    """A lognormal volatility: Black's formula averaged by Gauss–Hermite quadrature."""
    x, w = np.polynomial.hermite_e.hermegauss(60)
    volatility = 0.2 * np.exp(0.4 * x - 0.08)
    w = w / w.sum()
    exact = {k: float(sum(p * black(k, v**2 * TIME) for p, v in zip(w, volatility, strict=True))) for k in STRIKES}
    model = BlackScholesMarket(spot=100.0, volatility=0.2, dt=DAYS)
    assert_prices(UncertainMarket(model=model, spreads={"volatility": jnp.asarray(0.4)}), exact)


def volterra_covariance(h: float, times: np.ndarray) -> np.ndarray:
    """Of the Brownian path and the Volterra process at `times` (Bayer, Friz and Gatheral 2016, section 4)."""

    def both(s: float, t: float) -> float:
        if s > t:
            s, t = t, s
        ratio = s / t
        hyper = special.hyp2f1(1.0, 0.5 - h, 1.5 + h, ratio)
        return 2.0 * h * s ** (0.5 + h) * t ** (h - 0.5) / (h + 0.5) * hyper

    def mixed(y: float, b: float) -> float:
        return sqrt(2.0 * h) / (h + 0.5) * (y ** (h + 0.5) - max(y - b, 0.0) ** (h + 0.5))

    count = len(times)
    found = np.empty((2 * count, 2 * count))
    found[:count, :count] = np.minimum.outer(times, times)
    found[count:, count:] = [[both(s, t) for t in times] for s in times]
    found[count:, :count] = [[mixed(y, b) for b in times] for y in times]
    found[:count, count:] = found[count:, :count].T
    return found


def test_rough_bergomi():
    """Against the same dates drawn exactly, by the Cholesky factor of the joint covariance of noise and variance."""
    h, eta, rho, xi = 0.1, 1.9, -0.9, 0.04
    times = np.cumsum(DAYS)
    factor = np.linalg.cholesky(volterra_covariance(h, times) + 1e-14 * np.eye(60))
    rng = np.random.default_rng(3)
    final = []
    for _ in range(4):
        half = rng.standard_normal((60, 2**14))
        drawn = factor @ np.concatenate([half, -half], axis=1)
        other = rng.standard_normal((30, 2**14))
        noise = np.diff(drawn[:30], axis=0, prepend=0.0)
        other = np.concatenate([other, -other], axis=1) * np.sqrt(DAYS)[:, None]
        variance = xi * np.exp(eta * drawn[30:] - 0.5 * eta**2 * times[:, None] ** (2 * h))
        variance = np.concatenate([np.full((1, 2**15), xi), variance[:-1]])
        moved = np.sqrt(variance) * (rho * noise + sqrt(1 - rho**2) * other) - 0.5 * variance * DAYS[:, None]
        final.append(100.0 * np.exp(moved.sum(axis=0)))
    exact = np.concatenate(final)
    market = MARKETS["rough_bergomi"](
        spot=100.0, forward_variance=xi, roughness=h, vol_of_vol=eta, correlation=rho, dt=DAYS
    )
    found = np.asarray(market.simulate(jax.random.key(2), 2**17, sampling="antithetic").spot[:, -1])
    for strike in STRIKES:
        ours, theirs = (np.maximum(sample - strike, 0.0) for sample in (found, exact))
        error = sqrt(ours.var() / ours.size + theirs.var() / theirs.size)
        assert abs(ours.mean() - theirs.mean()) < 3.0 * error, strike


def test_black_scholes_values_of_this_file_are_those_of_the_package():
    for strike in STRIKES:
        assert black(strike, 0.04 * TIME) == pytest.approx(float(black_scholes.value(1.0, 100.0, strike, 0.2, TIME)))
