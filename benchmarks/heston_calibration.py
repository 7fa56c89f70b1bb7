"""Heston calibrated to the 104 DAX quotes of QuantLib's own test, beside QuantLib, on one pinned core and in turns.

The quotes are those of `testDAXCalibration` in QuantLib's test suite (5 July 2002; 13 strikes, 8 expiries). Both sides
minimise the sum of squared differences of implied volatility in points from the same kind of start; QuantLib's test
expects 177.2.

    python benchmarks/heston_calibration.py
"""

import argparse
import statistics
import time
from typing import Any

from machine import busy, pin_to_one_core

SPOT = 4468.17
DAYS = (13, 41, 75, 165, 256, 345, 524, 703)
RATES = (0.0357, 0.0349, 0.0341, 0.0355, 0.0359, 0.0368, 0.0386, 0.0401)
STRIKES = (3400, 3600, 3800, 4000, 4200, 4400, 4500, 4600, 4800, 5000, 5200, 5400, 5600)
VOLATILITIES = """
0.6625 0.4875 0.4204 0.3667 0.3431 0.3267 0.3121 0.3121
0.6007 0.4543 0.3967 0.3511 0.3279 0.3154 0.2984 0.2921
0.5084 0.4221 0.3718 0.3327 0.3155 0.3027 0.2919 0.2889
0.4541 0.3869 0.3492 0.3149 0.2963 0.2926 0.2819 0.2800
0.4060 0.3607 0.3330 0.2999 0.2887 0.2811 0.2751 0.2775
0.3726 0.3396 0.3108 0.2781 0.2788 0.2722 0.2661 0.2686
0.3550 0.3277 0.3012 0.2781 0.2781 0.2661 0.2661 0.2681
0.3428 0.3209 0.2958 0.2740 0.2688 0.2627 0.2580 0.2620
0.3302 0.3062 0.2799 0.2631 0.2573 0.2533 0.2504 0.2544
0.3343 0.2959 0.2705 0.2540 0.2504 0.2464 0.2448 0.2462
0.3460 0.2845 0.2624 0.2463 0.2425 0.2385 0.2373 0.2422
0.3857 0.2860 0.2578 0.2399 0.2357 0.2327 0.2312 0.2351
0.3976 0.2860 0.2607 0.2356 0.2297 0.2268 0.2241 0.2320
"""


def rows() -> list[list[float]]:
    """Volatilities by strike, then expiry."""
    return [[float(number) for number in line.split()] for line in VOLATILITIES.strip().splitlines()]


def market() -> Any:
    """QuantLib's curves and helpers, as its test builds them: maturities rounded to weeks."""
    import QuantLib as ql  # noqa: N813

    today = ql.Date(5, ql.July, 2002)
    ql.Settings.instance().evaluationDate = today
    counter, calendar = ql.Actual365Fixed(), ql.TARGET()
    curve = ql.ZeroCurve([today, *(today + days for days in DAYS)], [RATES[0], *RATES], counter)
    rate = ql.YieldTermStructureHandle(curve)
    dividend = ql.YieldTermStructureHandle(ql.FlatForward(today, 0.0, counter))
    process = ql.HestonProcess(rate, dividend, ql.QuoteHandle(ql.SimpleQuote(SPOT)), 0.1, 1.0, 0.1, 0.5, -0.5)
    model = ql.HestonModel(process)
    engine = ql.AnalyticHestonEngine(model, 64)
    helpers = []
    for column, days in enumerate(DAYS):
        period = ql.Period(int((days + 3) / 7.0), ql.Weeks)
        for strike, row in zip(STRIKES, rows(), strict=True):
            quote = ql.QuoteHandle(ql.SimpleQuote(row[column]))
            kind = ql.BlackCalibrationHelper.ImpliedVolError
            helper = ql.HestonModelHelper(period, calendar, SPOT, float(strike), quote, rate, dividend, kind)
            helper.setPricingEngine(engine)
            helpers.append(helper)
    expiries = [calendar.advance(today, ql.Period(int((days + 3) / 7.0), ql.Weeks)) for days in DAYS]
    times = [counter.yearFraction(today, expiry) for expiry in expiries]
    return ql, model, helpers, times, [curve.discount(expiry) for expiry in expiries]


def quantlib() -> tuple[float, float]:
    """Sum of squares in points², seconds of processor time (one thread)."""
    ql, model, helpers, *_ = market()
    method, end = ql.LevenbergMarquardt(1e-8, 1e-8, 1e-8), ql.EndCriteria(400, 40, 1e-8, 1e-8, 1e-8)
    began = time.process_time()
    model.calibrate(helpers, method, end)
    seconds = time.process_time() - began
    return sum((100.0 * helper.calibrationError()) ** 2 for helper in helpers), seconds


def main() -> None:
    """Measure both in turns."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="how often each calibrates (default: 7)")
    rounds = parser.parse_args().rounds
    print(pin_to_one_core(), "·", busy())
    import numpy as np

    from tenrec.volatility import heston

    *_, times, discounts = market()
    k = np.log(np.array(STRIKES)[None] * np.array(discounts)[:, None] / SPOT)
    volatility, maturity = np.array(rows()).T.copy(), np.array(times)
    fit = heston.calibrate(k, volatility, maturity)
    ours, theirs, expected = [], [], 0.0
    for _ in range(rounds):
        began = time.process_time()
        heston.calibrate(k, volatility, maturity).squares.block_until_ready()
        ours.append(time.process_time() - began)
        expected, seconds = quantlib()
        theirs.append(seconds)
    print(
        f"tenrec:   sum of squares {1e4 * float(fit.squares):.2f}, {1e3 * statistics.median(ours):.1f} ms once compiled"
    )
    print("          " + ", ".join(f"{name} {float(x):.4f}" for name, x in fit.parameters._asdict().items()))
    print(f"QuantLib: sum of squares {expected:.2f}, {1e3 * statistics.median(theirs):.1f} ms")


if __name__ == "__main__":
    main()
