"""One-session steps, their ledger, what is learned from them, and gains."""

import datetime as dt

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest
from scipy.stats import norm

from tenrec.backtest.gains import bucket_gains, extreme_clusters, gain, shifted_gains
from tenrec.backtest.learners import clipped_linear, greeks_regression, make_lesson, pnl_of, state_networks, wing_shares
from tenrec.backtest.quotes import black_value, priced_quotes
from tenrec.backtest.sessions import StepRule, session_steps, steps_sample
from tenrec.backtest.smiles import smile_slopes, sticky_responses
from tenrec.backtest.states import trailing_answer
from tenrec.core.errors import ConfigError, DataError
from tenrec.hedging.policies import BlackScholesDelta, NoHedge, Shrunk, SmileDelta

SESSIONS = 30
STRIKES = np.round(np.arange(2.6, 3.45, 0.1), 2)
START, EXPIRY = dt.date(2020, 1, 1), dt.date(2020, 4, 1)
ANSWER = 0.6


def record() -> tuple[pl.DataFrame, pl.DataFrame, np.ndarray]:
    """A made-up market of one expiry whose volatility answers the forward by ±0.6, as a known sign says."""
    rng = np.random.default_rng(3)
    days = [START + dt.timedelta(days=n) for n in range(SESSIONS)]
    sign, moves = rng.choice([-1.0, 1.0], SESSIONS), 0.008 * rng.standard_normal(SESSIONS)
    forward = 3.0 * np.exp(np.concatenate([[0.0], np.cumsum(moves)[:-1]]))
    volatility = 0.25 + np.concatenate([[0.0], np.cumsum(ANSWER * sign * moves)[:-1]])
    rows = []
    for day, level, vol in zip(days, forward, volatility, strict=True):
        years = (EXPIRY - day).days / 365.0
        for strike in STRIKES:
            for cp, side in (("C", 1.0), ("P", -1.0)):
                value = black_value(*(np.array([x]) for x in (side, level, strike, vol * np.sqrt(years))))[0]
                rows.append((day, EXPIRY, cp, strike, strike, 10_000, None, False, value))
    schema = {
        "trade_date": pl.Date, "expiry": pl.Date, "cp": pl.String, "strike": pl.Float64, "strike_raw": pl.Float64,
        "multiplier": pl.Int64, "adj_event": pl.Date, "dup_key": pl.Boolean, "close": pl.Float64,
    }  # fmt: skip
    options = pl.DataFrame(rows, schema=schema, orient="row")
    return options, pl.DataFrame({"trade_date": days, "expiry": EXPIRY, "forward": forward}), sign


@pytest.fixture(scope="module")
def market():
    options, forwards, sign = record()
    quotes = priced_quotes(options, forwards, rate=0.0)
    steps = session_steps(quotes)
    day = (steps["trade_date"] - START).dt.total_days().to_numpy()
    # 4·sign through tanh is the sign itself to three digits.
    sample = steps_sample(steps, 4.0 * sign[day][:, None], ("turn",))
    return options, forwards, quotes, steps, day, sample


def test_the_ledger_of_a_step_is_the_hedge_error(market):
    *_, steps, _, sample = market
    pnl = pnl_of({"delta": BlackScholesDelta(), "none": NoHedge()}, sample)
    change = (steps["next_value"] - steps["value"]).to_numpy()
    total = steps["implied_volatility"].to_numpy() * np.sqrt(steps["years"].to_numpy())
    d1 = -np.log(steps["strike"].to_numpy()) / total + total / 2
    delta = steps["sign"].to_numpy() * norm.cdf(steps["sign"].to_numpy() * d1)
    expected = delta * (steps["next_forward"].to_numpy() - 1.0) - change
    np.testing.assert_allclose(pnl["delta"], expected, atol=3e-7)
    np.testing.assert_allclose(pnl["none"], -change, atol=3e-7)
    assert np.std(expected) > 1e-4


def test_a_held_option_is_the_mirror_image(market):
    *_, steps, day, sample = market
    held = steps_sample(steps, np.zeros((steps.height, 1)), ("turn",), quantity=1.0)
    one, other = (pnl_of({"d": BlackScholesDelta()}, some)["d"] for some in (sample, held))
    np.testing.assert_allclose(one, -other, atol=3e-7)
    assert day.max() == SESSIONS - 2


def test_steps_do_not_straddle_an_adjustment(market):
    options, forwards, *_, day, _ = market
    event = START + dt.timedelta(days=10)
    moved = options.with_columns(
        strike=pl.when(pl.col("trade_date") >= event).then(pl.col("strike") * 0.98).otherwise("strike"),
        adj_event=pl.lit(event),
    )
    steps = session_steps(priced_quotes(moved, forwards, rate=0.0))
    assert event - dt.timedelta(days=1) in {START + dt.timedelta(days=int(n)) for n in day}
    assert event - dt.timedelta(days=1) not in steps["trade_date"].to_list()
    assert event in steps["trade_date"].to_list()


def test_impossible_rules_and_empty_records_are_refused(market):
    quotes = market[2]
    with pytest.raises(ConfigError, match="min_days"):
        StepRule(min_days=1)
    with pytest.raises(DataError, match="widen"):
        session_steps(quotes, StepRule(min_days=120, max_days=130))


def test_responses_are_recovered(market):
    *_, steps, day, sample = market
    exponent = 0.5  # all maturities answer alike
    lesson = make_lesson(sample, day, np.ones(steps.height), names=("turn",), exponent=exponent)
    cutoffs = [np.ones(steps.height, bool), day < 20]
    for policy in clipped_linear(lesson, cutoffs):
        # The ridge takes a tenth of the weight's curvature: 1/1.1 of the answer, at 30 days' √τ.
        assert float(policy.response.weights[0]) * 1.1 == pytest.approx(ANSWER * (30 / 365) ** 0.5, rel=0.1)
    network = state_networks(lesson, cutoffs[:1], seeds=2, updates=200, hidden=(4,))[0]
    errors = pnl_of({"bs": BlackScholesDelta(), "net": network, "linear": clipped_linear(lesson, cutoffs)[0]}, sample)
    assert gain(errors["linear"], errors["bs"], day).value > 60.0
    assert gain(errors["net"], errors["bs"], day).value > 60.0


def test_what_follows_the_cut_off_is_not_learned_from(market):
    *_, steps, day, sample = market
    inside = day < 15
    later = np.asarray(sample.contract.value).copy()
    later[~inside] *= 3.0
    changed = eqx.tree_at(lambda s: s.contract.value, sample, jnp.asarray(later))
    for fit in (clipped_linear, greeks_regression):
        one, other = (
            fit(make_lesson(some, day, np.ones(steps.height), names=("turn",), exponent=0.5), [inside])[0]
            for some in (sample, changed)
        )
        jax.tree.map(np.testing.assert_array_equal, *(eqx.filter(p, eqx.is_array) for p in (one, other)))


def test_a_smile_that_moves_with_the_forward_is_hedged_without_error():
    """σ a function of log K/F alone: the sticky-moneyness delta removes what is linear in the move; d'Alembert's dual,
    homogeneity of degree one, gives it in closed form: ∂V/∂F = (V − K·∂V/∂K)/F."""
    years, strikes = 0.2, np.array([0.94, 0.97, 1.0, 1.03, 1.06])

    def value(forward: float, strike: np.ndarray) -> np.ndarray:
        vol = 0.25 - 0.3 * np.log(strike / forward)
        return black_value(*np.broadcast_arrays(np.ones(()), forward, strike, vol * np.sqrt(years)))

    bump = 1e-6
    exact = value(1.0, strikes) - strikes * (value(1.0, strikes * (1 + bump)) - value(1.0, strikes * (1 - bump))) / (
        2 * bump * strikes
    )
    vol = 0.25 - 0.3 * np.log(strikes)
    steps = pl.DataFrame(
        {
            "years": np.full(5, years), "gap": np.ones(5), "strike": strikes, "sign": np.ones(5),
            "value": value(1.0, strikes),
            "next_value": value(1.0, strikes), "next_forward": np.full(5, 1.01), "implied_volatility": vol,
        }
    )  # fmt: skip
    quotes = pl.DataFrame(
        {
            "trade_date": [START] * 5, "expiry": [EXPIRY] * 5, "sign": np.where(strikes < 1, -1.0, 1.0),
            "years": years,
            "log_moneyness": np.log(strikes), "implied_volatility": vol,
            "adj_event": pl.Series([None] * 5, dtype=pl.Date), "multiplier": [1] * 5,
        }
    )  # fmt: skip
    response = sticky_responses(quotes, smile_slopes(quotes))
    np.testing.assert_allclose(response, 0.3, rtol=1e-6)
    sample = steps_sample(steps, response[:, None], ("smile",))
    pnl = pnl_of({"smile": SmileDelta("smile")}, sample)["smile"]
    np.testing.assert_allclose(pnl, 0.01 * exact, atol=2e-7)


def test_wings_are_shrunk_as_far_as_they_do_not_move():
    """Far calls whose price stands still are left alone, far puts that follow their delta are hedged; so are their
    in-the-money twins, and near the money nothing changes."""
    rng, days = np.random.default_rng(8), 300
    total = 0.2 * np.sqrt(0.1)
    # Strikes whose out-of-the-money delta is 0.03, 0.03 and 0.4.
    strikes = {"call": np.exp(-norm.ppf(0.03) * total), "put": np.exp(norm.ppf(0.03) * total), "near": 1.0}
    rows = []
    for day in range(days):
        move = 0.01 * rng.standard_normal()
        for name, strike in strikes.items():
            for sign in (1.0, -1.0):
                out = (strike >= 1.0) == (sign > 0)
                d1 = -np.log(strike) / total + total / 2
                delta = sign * norm.cdf(sign * d1)
                still = 0.0 if out else sign
                change = still * move if name == "call" else delta * move
                value = black_value(*(np.array([x]) for x in (sign, 1.0, strike, total)))[0]
                rows.append((day, 0.1, 1.0, strike, sign, value, value + change, 1.0 + move, 0.2))
    names = ["day", "years", "gap", "strike", "sign", "value", "next_value", "next_forward", "implied_volatility"]
    steps = pl.DataFrame(rows, schema=names, orient="row")
    day = steps["day"].to_numpy()
    sample = steps_sample(steps, np.zeros((steps.height, 1)), ("turn",))
    lesson = make_lesson(sample, day, np.ones(steps.height), names=("turn",), exponent=0.5)
    whole, early = wing_shares(lesson, [np.ones(steps.height, bool), day < 30])
    bucket = 2  # |δ| from 0.02 to 0.05
    # Ten sessions of an exact delta stand against 300, and against 30.
    assert whole[0, bucket] == pytest.approx(10 / 310, abs=2e-3)
    assert early[0, bucket] == pytest.approx(10 / 40, abs=2e-2)
    assert whole[1, bucket] == pytest.approx(1.0, abs=1e-3)
    np.testing.assert_array_equal(np.delete(whole, bucket, axis=1), 1.0)
    held = {"shrunk": Shrunk(BlackScholesDelta(), jnp.asarray(whole)), "bs": BlackScholesDelta(), "none": NoHedge()}
    pnl = pnl_of(held, sample)
    far = (steps["strike"] > 1.0).to_numpy()
    assert np.sum(pnl["shrunk"][far] ** 2) < 0.01 * np.sum(pnl["bs"][far] ** 2)
    np.testing.assert_allclose(pnl["shrunk"][~far], pnl["bs"][~far], atol=1e-6)


def test_trailing_answer_finds_the_slope():
    rng = np.random.default_rng(0)
    moves = 0.02 * rng.standard_normal(400)
    assert trailing_answer(-0.5 * moves, moves, 20.0)[-1] == pytest.approx(-0.5, rel=0.05)


def test_gain_by_hand_and_its_interval():
    rng = np.random.default_rng(1)
    cluster = np.repeat(np.arange(200), 5)
    reference = rng.standard_normal(1000)
    found = gain(np.sqrt(0.7) * reference, reference, cluster)
    assert found.value == pytest.approx(30.0)
    assert found.low == pytest.approx(30.0)
    assert found.without_extremes == pytest.approx(30.0)
    other = gain(rng.standard_normal(1000), reference, cluster)
    assert other.low < 0.0 < other.high
    # Var(1 − A/B) ≈ 2·Var(χ²)/n = 4/1000 for two independent samples of unit normals.
    assert (other.high - other.low) / 3.92 == pytest.approx(100 * np.sqrt(4 / 1000), rel=0.25)


def test_extremes_are_the_largest_days():
    reference = np.ones(50)
    reference[[7, 8, 30]] = [9.0, 10.0, 5.0]
    cluster = np.arange(50) // 2
    assert extreme_clusters(reference, cluster) == ["4", "3"]
    hedged = np.where(cluster < 5, 0.0, reference)
    found = gain(hedged, reference, cluster)
    assert found.value == pytest.approx(100 * 189 / 253)
    assert found.without_extremes == pytest.approx(100 * 6 / 70)


def test_buckets_cover_all_rows_once():
    rng = np.random.default_rng(2)
    rows = pl.DataFrame(
        {"years": rng.uniform(0.02, 0.4, 900), "delta": rng.uniform(-1, 1, 900), "cluster": np.arange(900) % 30}
    )
    errors = {"bs": rng.standard_normal(900), "x": rng.standard_normal(900)}
    found = bucket_gains(errors, "bs", rows)
    parts = found.filter((pl.col("maturity") != "all") & (pl.col("moneyness") != "all"))
    assert parts["rows"].sum() == 900
    assert found.filter((pl.col("maturity") == "all") & (pl.col("moneyness") == "all"))["rows"].item() == 900


def test_placebo_of_a_true_signal_gains_nothing():
    rng = np.random.default_rng(4)
    session = np.repeat(np.arange(300), 4)
    signal = rng.choice([-1.0, 1.0], 300)
    unit = rng.standard_normal(1200)
    pnl = -signal[session] * unit + 0.3 * rng.standard_normal(1200)
    judged = session >= 100
    shifted = shifted_gains(pnl, unit, signal, session, judged)
    assert len(shifted) == 40
    assert np.mean(shifted) < -50.0
    assert gain((pnl + signal[session] * unit)[judged], pnl[judged], session[judged]).value > 80.0
