"""Variance as an asset, held against closed forms, published numbers and independent integrals."""

import jax
import numpy as np
import pytest
from scipy.stats import ncx2, norm

from tenrec.contracts import european
from tenrec.core.errors import ConfigError, DataError
from tenrec.hedging.policies import BlackScholesDelta
from tenrec.pricing import heston
from tenrec.runs.advice import PolicyHandle, Setting
from tenrec.volatility.heston import HestonParameters
from tenrec.volatility.variance import (
    Strip,
    VarianceSwap,
    Wings,
    convexity_adjusted,
    dollar_gamma,
    fair_strikes,
    forward_variance,
    implied_correlation,
    index_variance,
    log_portfolio,
    quoted_strip,
    realised_variance,
    replicated_variance,
    strip_skewness,
    variance_vega,
)
from tenrec.volatility.variance.heston import index_future, variance_strike, volatility_strike
from tenrec.volatility.variance.replication import root_payoff

HESTON = (0.04, 2.0, 0.04, 0.4)


def black(sign, forward, strike, total, discount=1.0):
    upper = np.log(forward / strike) / total + 0.5 * total
    return discount * sign * (forward * norm.cdf(sign * upper) - strike * norm.cdf(sign * (upper - total)))


def black_strip(volatility=0.2, maturity=0.25, rate=0.03, forward=100.3, step=0.25):
    strike = np.arange(20.0, 260.0, step)
    discount = np.exp(-rate * maturity)
    total = volatility * np.sqrt(maturity)
    call, put = (black(sign, forward, strike, total, discount) for sign in (1.0, -1.0))
    return quoted_strip(strike, call, put, maturity=maturity, discount=discount)


def heston_model(correlation):
    return HestonParameters(*(np.asarray(x) for x in (*HESTON, correlation)))


def heston_smile(correlation, maturity):
    names = ("initial_variance", "mean_reversion", "long_run_variance", "vol_of_vol")
    k = np.linspace(-1.2, 0.6, 181) * np.sqrt(maturity)
    sign = np.where(k < 0.0, -1.0, 1.0)
    model = dict(zip(names, HESTON, strict=True)) | {"correlation": correlation}
    with jax.enable_x64(True):
        price = np.asarray(heston.value(sign, 1.0, np.exp(k), maturity, **model))
    from tenrec.pricing.implied import implied_volatilities

    volatility = implied_volatilities(price, 1.0, np.exp(k), maturity, sign).volatility
    known = np.isfinite(volatility) & (price > 1e-9)
    return k[known], volatility[known] ** 2 * maturity


def test_the_published_replication():
    """Demeterfi, Derman, Kamal and Zou (1999), table 1 of the section on replication: 0.20467² = 0.04189."""
    strike = np.arange(45.0, 141.0, 5.0)
    volatility, maturity, rate = 0.2 - (strike - 100.0) / 5.0 * 0.01, 90.0 / 365.0, 0.05
    growth = np.exp(rate * maturity)
    call, put = (black(s, 100.0 * growth, strike, volatility * np.sqrt(maturity), 1.0 / growth) for s in (1.0, -1.0))
    found = replicated_variance(strike, call, put, spot=100.0, maturity=maturity, rate=rate, centre=100.0)
    assert found == pytest.approx(0.041889, abs=1e-6)


def test_the_replication_is_quantlibs():
    ql = pytest.importorskip("QuantLib")
    today = ql.Date(1, 6, 2020)
    ql.Settings.instance().evaluationDate = today
    expiry, counter = today + 90, ql.Actual365Fixed()
    strikes = [50.0 + 5.0 * i for i in range(18)]
    smile = ql.Matrix(18, 2)
    for row, strike in enumerate(strikes):
        for column in range(2):
            smile[row][column] = 0.2 - (strike - 100.0) / 5.0 * 0.01
    surface = ql.BlackVarianceSurface(today, ql.NullCalendar(), [today + 45, expiry], strikes, smile, counter)
    flat = [ql.YieldTermStructureHandle(ql.FlatForward(today, rate, counter)) for rate in (0.0, 0.05)]
    process = ql.GeneralizedBlackScholesProcess(
        ql.QuoteHandle(ql.SimpleQuote(100.0)), *flat, ql.BlackVolTermStructureHandle(surface)
    )
    swap = ql.VarianceSwap(ql.Position.Long, 0.04, 50000.0, today, expiry)
    swap.setPricingEngine(ql.ReplicatingVarianceSwapEngine(process, 5.0, strikes[10:], strikes[:11]))
    assert swap.variance() == pytest.approx(0.041889, abs=2e-5)


def test_the_index_of_a_flat_smile_is_its_variance():
    strip = black_strip()
    assert strip.forward == pytest.approx(100.3, rel=1e-12)
    assert strip.centre == 100.25
    # The sum over strikes is a trapezoid of step 0.25; its error is of second order.
    assert index_variance(strip) == pytest.approx(0.04, rel=2e-4)
    coarse = index_variance(black_strip(step=0.5))
    assert abs(coarse - 0.04) > 3.0 * abs(index_variance(strip) - 0.04)
    assert strip_skewness(strip) == pytest.approx(0.0, abs=2e-3)


def test_skewness_is_that_of_jumps():
    """A log return with one lognormal jump size: the third cumulant is λT·(μ³ + 3μδ²) (Merton, 1976)."""
    maturity, sigma, intensity, mean, spread = 0.25, 0.15, 1.5, -0.15, 0.05
    strike = np.arange(20.0, 200.0, 0.25)
    counts = np.arange(25)
    weight = np.exp(-intensity * maturity) * (intensity * maturity) ** counts / np.cumprod(np.maximum(counts, 1))
    drift = -intensity * maturity * np.expm1(mean + 0.5 * spread**2)
    forwards = 100.0 * np.exp(drift + counts * (mean + 0.5 * spread**2))
    totals = np.sqrt(sigma**2 * maturity + counts * spread**2)
    call, put = (
        np.sum(weight[:, None] * black(sign, forwards[:, None], strike, totals[:, None]), axis=0)
        for sign in (1.0, -1.0)
    )
    strip = quoted_strip(strike, call, put, maturity=maturity, discount=1.0)
    second = sigma**2 * maturity + intensity * maturity * (mean**2 + spread**2)
    third = intensity * maturity * (mean**3 + 3.0 * mean * spread**2)
    assert strip_skewness(strip) == pytest.approx(third / second**1.5, rel=5e-3)


def test_a_strip_ends_at_two_strikes_without_a_bid():
    strike = np.arange(80.0, 121.0, 5.0)
    nan = float("nan")
    put = np.array([0.1, nan, nan, 0.8, 2.2, 5.2, 10.0, 15.0, 20.0])
    call = np.array([20.0, 15.0, 10.0, 5.5, 2.3, 0.9, nan, 0.2, 0.1])
    strip = quoted_strip(strike, call, put, maturity=0.1, discount=1.0)
    assert strip.strike.tolist() == [95.0, 100.0, 105.0, 115.0, 120.0]
    assert strip.price.tolist() == [0.8, 2.25, 0.9, 0.2, 0.1]


@pytest.mark.parametrize(
    ("call", "put", "said"),
    [
        ([5.0, 2.0, 1.0], [float("nan")] * 3, "no quoted put"),
        ([float("nan")] * 3, [1.0, 2.0, 5.0], "no quoted call"),
        ([5.0, float("nan"), float("nan")], [float("nan"), 2.0, 3.0], "no strike at which both"),
        ([12.0, 7.0, 3.0], [1.0, 2.0, 3.0], "0 out-of-the-money call above"),
    ],
)
def test_a_one_sided_strip_is_refused(call, put, said):
    with pytest.raises(DataError, match=said):
        quoted_strip(np.array([90.0, 95.0, 100.0]), np.array(call), np.array(put), maturity=0.1, discount=1.0)


def test_the_roots_payoff_is_exact_without_correlation():
    x = np.linspace(-6.0, 6.0, 100_001)
    for variance in (0.01, 0.25):
        density = norm.pdf(x, -0.5 * variance, np.sqrt(variance))
        assert np.trapezoid(density * root_payoff(x), x) == pytest.approx(np.sqrt(variance), rel=1e-6)


@pytest.mark.parametrize(("correlation", "allowed"), [(0.0, 2e-5), (-0.7, 3e-4)])
def test_fair_strikes_against_hestons(correlation, allowed):
    """Immune to first order: at ρ = −0.7 and three months the volatility strike is off by less than 0.03 points."""
    model, maturity = heston_model(correlation), 0.25
    found = fair_strikes(*heston_smile(correlation, maturity), maturity, Wings(0.01, correlation, 0.05))
    assert np.sqrt(found.variance) == pytest.approx(np.sqrt(variance_strike(model, maturity)), abs=1e-4)
    assert found.volatility == pytest.approx(volatility_strike(model, maturity), abs=allowed)
    assert found.volatility < np.sqrt(found.variance)


def test_wings_bring_back_what_is_not_quoted():
    k = np.linspace(-0.1, 0.1, 21)
    found = fair_strikes(k, np.full(21, 0.01), 0.25, Wings(0.01, 0.0, 1e-9))
    assert found.variance == pytest.approx(0.04, rel=1e-5)
    assert 0.1 < found.share < 0.7
    assert found.quoted == pytest.approx((1.0 - found.share) * found.variance)


def test_hestons_index_future_by_quadrature():
    v0, kappa, theta, xi = HESTON
    maturity, window = 0.25, 30.0 / 365.0
    scale = xi**2 * (1 - np.exp(-kappa * maturity)) / (4 * kappa)
    degrees, centre = 4 * kappa * theta / xi**2, np.exp(-kappa * maturity) * v0 / scale
    share = (1 - np.exp(-kappa * window)) / (kappa * window)
    exact = ncx2.expect(lambda x: np.sqrt(theta * (1 - share) + share * scale * x), args=(degrees, centre))
    assert index_future(heston_model(-0.7), maturity) == pytest.approx(exact, rel=1e-6)


def test_brockhaus_and_longs_convexity_against_the_exact_strike():
    """For a small volatility of variance; the variance of ∫v by a double integral of its covariance."""
    v0, kappa, theta, xi, maturity = 0.05, 2.0, 0.04, 0.1, 1.0
    t = np.linspace(0.0, maturity, 801)
    own = v0 * xi**2 / kappa * (np.exp(-kappa * t) - np.exp(-2 * kappa * t))
    own += theta * xi**2 / (2 * kappa) * (1 - np.exp(-kappa * t)) ** 2
    early, late = np.minimum.outer(t, t), np.abs(np.subtract.outer(t, t))
    covariance = np.interp(early, t, own) * np.exp(-kappa * late)
    variance = np.trapezoid(np.trapezoid(covariance, t), t)
    model = HestonParameters(*(np.asarray(x) for x in (v0, kappa, theta, xi, -0.5)))
    approximate = convexity_adjusted(variance_strike(model, maturity), variance)
    exact, root = volatility_strike(model, maturity), np.sqrt(variance_strike(model, maturity))
    # What is left is of third order in the variance's spread: under a fiftieth of the correction.
    assert abs(exact - approximate) < 0.02 * (root - exact)


def test_forward_variance_adds_up():
    maturity, variance = np.array([0.1, 0.3, 1.0]), np.array([0.05, 0.04, 0.045])
    forward = forward_variance(maturity, variance)
    assert np.cumsum(forward * np.diff(maturity, prepend=0.0)) == pytest.approx(maturity * variance)


def test_a_swap_from_start_to_end():
    swap = VarianceSwap.from_vega(1000.0, 0.2, 21)
    assert swap.value(0.0, 0, 0.04) == pytest.approx(0.0)
    assert swap.value(0.09, 21, 1.0, discount=0.99) == pytest.approx(0.99 * 2500.0 * 0.05)
    price = 100.0 * np.exp(np.cumsum(np.array([0.0, 0.01, -0.01, 0.02])))
    assert realised_variance(price) == pytest.approx(252.0 * 0.0006 / 3.0)
    with pytest.raises(ConfigError, match="positive variance"):
        VarianceSwap(1.0, -0.1, 5)


def test_a_log_portfolio_has_the_same_dollar_gamma_wherever_the_spot_goes():
    """What makes it a variance swap; and its variance vega is then T."""
    strike, maturity, volatility = np.arange(20.0, 400.0, 1.0), 0.25, 0.2
    puts, calls = log_portfolio(strike, 100.0)
    total = volatility * np.sqrt(maturity)
    found, vegas = [], []
    for spot in (85.0, 100.0, 115.0):
        upper = np.log(spot / strike) / total + 0.5 * total
        gamma = norm.pdf(upper) / (spot * total)
        found.append(float(np.sum((puts + calls) * dollar_gamma(spot, gamma))))
        vegas.append(
            float(np.sum((puts + calls) * variance_vega(spot * norm.pdf(upper) * np.sqrt(maturity), volatility)))
        )
    assert found == pytest.approx([1.0] * 3, rel=1e-3)
    assert vegas == pytest.approx([maturity] * 3, rel=1e-3)


def test_implied_correlation_is_the_one_that_was_put_in():
    rng = np.random.default_rng(5)
    members, weights = rng.uniform(0.15, 0.5, (4, 30)), rng.dirichlet(np.ones(30))
    own = weights * members
    for rho in (0.0, 0.35, 1.0):
        matrix = np.full((30, 30), rho) + (1.0 - rho) * np.eye(30)
        index = np.sqrt(np.einsum("di,ij,dj->d", own, matrix, own))
        assert implied_correlation(index, members, weights) == pytest.approx(np.full(4, rho), abs=1e-12)
    with pytest.raises(DataError, match="two members"):
        implied_correlation(0.2, np.array([0.2]), np.array([1.0]))
    with pytest.raises(DataError, match="not positive"):
        implied_correlation(0.2, np.array([0.2, -0.1]), np.array([0.5, 0.5]))


def test_a_strip_knows_its_sides():
    strip = Strip(0.1, 101.0, 1.0, 100.0, np.array([95.0, 100.0, 105.0]), np.array([1.0, 2.0, 1.0]))
    assert strip.sign.tolist() == [-1.0, -1.0, 1.0]


def test_a_book_in_variance_terms_is_that_of_differences():
    """Black–Scholes by SciPy's normal distribution, moved in the logarithm of spot and in the variance."""
    handle = PolicyHandle(
        BlackScholesDelta(), Setting(european("call", strike=95.0, expiry=30), 30 / 365, 1 / 365, 100.0, 0.2)
    )
    found = handle.variance_greeks(spot=100.0, time_to_maturity=0.1, implied_vol=0.3, quantity=-20.0)

    def value(spot: float, variance: float) -> float:
        root = np.sqrt(variance * 0.1)
        d1 = np.log(spot / 95.0) / root + 0.5 * root
        return float(spot * norm.cdf(d1) - 95.0 * norm.cdf(d1 - root))

    step, move = 1e-5, 1e-2
    by_variance = (value(100.0, 0.09 + step) - value(100.0, 0.09 - step)) / (2 * step)
    gamma = (value(100.0 + move, 0.09) - 2 * value(100.0, 0.09) + value(100.0 - move, 0.09)) / move**2
    assert found["variance_vega"] == pytest.approx(-20.0 * by_variance, rel=1e-4)
    assert found["dollar_gamma"] == pytest.approx(-20.0 * 0.5 * gamma * 100.0**2, rel=1e-4)
