"""American options against QuantLib's, and their European equivalents."""

import numpy as np
import pytest

from tenrec.pricing.early_exercise import AmericanExpiry

STRIKES = np.array([70.0, 85.0, 95.0, 100.0, 105.0, 120.0, 150.0])


def quantlib_price(days: int, rate: float, dividend: float, sign: float, strike: float, volatility: float) -> float:
    """QuantLib's QdFpAmericanEngine at its high-precision scheme, spot 100."""
    ql = pytest.importorskip("QuantLib")
    today = ql.Date(1, 1, 2024)
    ql.Settings.instance().evaluationDate = today
    count = ql.Actual365Fixed()

    def flat(level: float) -> object:
        return ql.YieldTermStructureHandle(ql.FlatForward(today, level, count))

    surface = ql.BlackVolTermStructureHandle(ql.BlackConstantVol(today, ql.NullCalendar(), volatility, count))
    process = ql.BlackScholesMertonProcess(ql.QuoteHandle(ql.SimpleQuote(100.0)), flat(dividend), flat(rate), surface)
    kind = ql.Option.Call if sign > 0 else ql.Option.Put
    option = ql.VanillaOption(ql.PlainVanillaPayoff(kind, strike), ql.AmericanExercise(today, today + days))
    option.setPricingEngine(ql.QdFpAmericanEngine(process, ql.QdFpAmericanEngine.highPrecisionScheme()))
    return float(option.NPV())


@pytest.mark.parametrize(
    ("days", "rate", "dividend"),
    [(1, 0.04, 0.013), (30, 0.037, 0.013), (90, 0.08, 0.0), (365, 0.05, 0.05), (365, 0.01, 0.08), (1000, 0.04, 0.02),
     (365, -0.01, 0.03), (365, 0.0, 0.04)],
)  # fmt: skip
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_prices_are_quantlib_s(days: int, rate: float, dividend: float, sign: float) -> None:
    expiry = AmericanExpiry(100.0, days / 365, rate, dividend)
    for volatility in (0.08, 0.3, 1.0):
        found = expiry.value(np.full(STRIKES.size, sign), STRIKES, np.full(STRIKES.size, volatility))
        exact = [quantlib_price(days, rate, dividend, sign, float(strike), volatility) for strike in STRIKES]
        np.testing.assert_allclose(found, exact, atol=4e-4, rtol=0.0)  # 4e-6 of the spot


def test_the_volatility_of_an_american_price_is_found_again() -> None:
    expiry = AmericanExpiry(100.0, 0.75, 0.06, 0.02)
    volatility = np.array([0.1, 0.2, 0.5, 1.5])
    for sign in (1.0, -1.0):
        signs, strike = np.full(4, sign), np.array([98.0, 102.0, 105.0, 95.0])
        found = expiry.deamericanised(signs, strike, expiry.value(signs, strike, volatility))
        np.testing.assert_allclose(found.volatility, volatility, rtol=1e-7)
        np.testing.assert_allclose(found.european, expiry.european(signs, strike, volatility), rtol=1e-6)


def test_a_price_of_no_more_than_exercise_has_no_european_twin() -> None:
    expiry = AmericanExpiry(100.0, 0.5, 0.05, 0.0)
    found = expiry.deamericanised(
        np.array([-1.0, -1.0, -1.0]), np.array([140.0, 140.0, 90.0]), np.array([40.0, 39.0, np.nan])
    )
    assert np.isnan(found.volatility).all()
    assert np.isnan(found.european).all()


def test_without_interest_or_dividends_nothing_is_exercised_early() -> None:
    expiry = AmericanExpiry(100.0, 1.0, 0.0, 0.0)
    sign, strike, volatility = np.array([1.0, -1.0]), np.array([90.0, 110.0]), np.array([0.2, 0.2])
    np.testing.assert_array_equal(expiry.value(sign, strike, volatility), expiry.european(sign, strike, volatility))


def test_two_boundaries_are_not_priced() -> None:
    expiry = AmericanExpiry(100.0, 1.0, -0.01, -0.03)
    assert np.isnan(expiry.value(np.array([-1.0]), np.array([100.0]), np.array([0.2]))).all()
