"""Scores of windows: against the ledger, against closed forms, and whatever the way they are computed."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tenrec.hedging.policies import CadenceThreshold, cadence_threshold
from tenrec.tuning.book import Book, GivenGreeks
from tenrec.tuning.metrics import moments, results, sharpe
from tenrec.tuning.rivals import no_hedge, score_rivals, whalley_wilmott
from tenrec.tuning.scoring import FEW, Scores, replay, score_many, score_one
from tests.tuning.desk import STRADDLE, costs, ticks_of, walk, window_of

RULE = {"cadence_seconds": 300.0, "delta_threshold": 0.02, "max_hedge_per_interval": 0.05}


def numbers(found: Scores) -> dict[str, float]:
    return {name: float(value) for name, value in vars(found.tally).items()} | {"cvar": float(found.cvar)}


@pytest.mark.usefixtures("x64")
def test_tally_is_what_the_ledger_says():
    ticks = ticks_of(walk(700))
    ticks = dataclasses.replace(ticks, funding=np.where(np.arange(700) % 200 == 199, 1e-4, 0.0))
    window, rule = window_of(ticks), cadence_threshold(**RULE)
    found, lines = score_one(rule, window, costs()), replay(rule, window, costs())
    count = window.facts.ticks
    book, delta, spot = (np.asarray(x).ravel()[:count] for x in (window.marks.book, window.known.delta, ticks.spot))
    wealth = lines.cash[:count] + book
    steps = np.diff(wealth, prepend=0.0)
    hours = np.add.reduceat(steps, np.arange(0, count, 60))
    expected = {
        "wealth": wealth[-1],
        "peak": max(wealth.max(), 0.0),
        "drawdown": np.max(np.maximum(np.maximum.accumulate(wealth), 0.0) - wealth),
        "first": steps.sum(),
        "second": (steps**2).sum(),
        "third": (steps**3).sum(),
        "fourth": (steps**4).sum(),
        "hedges": (lines.trade[:count, 0] != 0).sum(),
        "net_delta": np.abs(delta + lines.position[:count, 0])[:-1].mean(),
        "turnover": (np.abs(lines.trade[:count, 0]) * spot).sum(),
        "cost": lines.cost[:count].sum(),
        "funding": lines.carry[:count].sum(),
        "cvar": -hours.min(),
    }
    for name, value in numbers(found).items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-9, err_msg=name)


@pytest.mark.usefixtures("x64")
def test_length_of_the_blocks_changes_nothing_but_the_hours():
    ticks = ticks_of(walk(501))
    one, other = (
        numbers(score_one(cadence_threshold(**RULE), window_of(ticks, block=block), costs()))
        for block in (3600.0, 420.0)
    )
    del one["cvar"], other["cvar"]
    assert one == pytest.approx(other, rel=1e-12)


def test_many_sets_at_once_are_each_the_one():
    sets = FEW + 6
    rng = np.random.default_rng(3)
    window = window_of(ticks_of(walk(400)))
    rules = [
        cadence_threshold(cadence_seconds=float(rng.choice([60, 600])), delta_threshold=float(rng.uniform(0.005, 0.05)))
        for _ in range(sets)
    ]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *rules)
    found = score_many(stacked, window, costs())
    for index in (0, 17, sets - 1):
        alone = score_one(rules[index], window, costs())
        for name, value in vars(alone.tally).items():
            scale = 1e-3 * np.asarray(getattr(found.tally, name)).std() + 1e-4
            np.testing.assert_allclose(getattr(found.tally, name)[index], value, rtol=2e-3, atol=scale, err_msg=name)


@pytest.mark.usefixtures("x64")
def test_few_sets_are_walked_one_by_one_to_the_same():
    window = window_of(ticks_of(walk(300)))
    rules = [cadence_threshold(cadence_seconds=s) for s in (60.0, 600.0)]
    stacked: CadenceThreshold = jax.tree.map(lambda *leaves: jnp.stack(leaves), *rules)
    found = score_many(stacked, window, costs())
    np.testing.assert_allclose(found.tally.hedges, [300.0, 30.0])


@pytest.mark.usefixtures("x64")
def test_inverse_contracts_pay_in_coin():
    """q dollars held from S₀ to S_N pay q·(1/S₀ − 1/S_N) coins, worth that times S_N; the cost is q·c/S₀ coins."""
    spot = walk(120)
    book = Book(1e6, GivenGreeks(delta=-3.0, gamma=0.0), "inverse")
    ticks = ticks_of(spot)
    once = cadence_threshold(cadence_seconds=1e9, delta_threshold=1e9, max_hedge_per_interval=1e9)
    found = score_one(once, window_of(ticks, book), costs(1e-3))
    held = 3.0 * spot[0]
    coins = held * (1 / spot[0] - 1 / spot[-1]) - 1e-3 * held / spot[0]
    np.testing.assert_allclose(float(found.tally.wealth), coins * spot[-1] - 3.0 * (spot[-1] - spot[0]), rtol=1e-10)
    np.testing.assert_allclose(float(found.tally.cost), 1e-3 * held, rtol=1e-12)


@pytest.mark.usefixtures("x64")
def test_a_perfect_hedge_of_a_linear_book_leaves_nothing():
    book = Book(1e6, GivenGreeks(delta=-3.0, gamma=0.0))
    rule = cadence_threshold(cadence_seconds=60.0, max_hedge_per_interval=1e9)
    found = score_one(rule, window_of(ticks_of(walk(200)), book), costs(0.0))
    assert abs(float(found.tally.wealth)) < 1e-8
    assert float(found.tally.net_delta) < 1e-12


@pytest.mark.usefixtures("x64")
def test_nothing_trades_in_a_gap():
    gap = (np.arange(200) >= 50) & (np.arange(200) < 120)
    ticks = dataclasses.replace(ticks_of(walk(200)), tradable=~gap)
    window = window_of(ticks)
    lines = replay(cadence_threshold(cadence_seconds=60.0), window, costs())
    assert not lines.trade[:200, 0][gap].any()
    assert (lines.trade[:200, 0][~gap] != 0).all()


@pytest.mark.usefixtures("x64")
def test_rivals_do_what_their_names_say():
    window = window_of(ticks_of(walk(600)))
    nothing, band = score_rivals([no_hedge(), whalley_wilmott(1000.0, 6e-4, 1e6)], window, costs())
    assert float(nothing.tally.hedges) == 0
    np.testing.assert_allclose(float(nothing.tally.wealth), np.asarray(window.marks.book).ravel()[-1], rtol=1e-12)
    seen = window.known
    half = np.cbrt(1.5 * 6e-4 * np.asarray(seen.spot) * np.asarray(seen.gamma) ** 2 / 1e-3)
    lines = replay(whalley_wilmott(1000.0, 6e-4, 1e6).policy, window, costs(), _edges(seen, half))
    net = np.asarray(seen.delta).ravel() + lines.position[:, 0]
    assert np.max(np.abs(net) / half.ravel()) == pytest.approx(1.0, rel=1e-9)
    assert 0 < float(band.tally.hedges) < 600


def _edges(seen, half):
    return tuple((-np.asarray(seen.delta) + side * half)[..., None] for side in (-1.0, 1.0))


@pytest.mark.usefixtures("x64")
def test_sharpe_is_that_of_the_steps_annualised_from_their_length():
    windows = [window_of(ticks_of(walk(400, seed))) for seed in (1, 2)]
    rule = cadence_threshold(cadence_seconds=600.0)
    found = results([score_one(rule, w, costs()) for w in windows], [w.facts for w in windows])
    steps = []
    for window in windows:
        lines = replay(rule, window, costs())
        wealth = lines.cash[:400] + np.asarray(window.marks.book).ravel()[:400]
        steps.append(np.diff(wealth, prepend=0.0))
    # The first step of a window is its first cost, so that n intervals have n + 1 steps.
    pooled = np.concatenate(steps)
    count, years = 2 * 399, 2 * 399 * 60 / (365 * 86_400)
    mean = pooled.sum() / count
    deviation = np.sqrt((pooled**2).sum() / count - mean**2)
    ratio, error = sharpe(found)
    np.testing.assert_allclose(float(ratio[0]), mean / deviation * np.sqrt(count / years), rtol=1e-9)
    assert 0.5 < float(error[0]) / np.sqrt(1 / years) < 1.5
    np.testing.assert_allclose(float(moments(found)[1][0]), deviation**2, rtol=1e-9)


def test_book_is_revalued_and_expanded_and_both_are_told():
    window = window_of(ticks_of(walk(600)), Book(1e6, STRADDLE))
    shown = window_of(ticks_of(walk(600)), Book(1e6, STRADDLE), mark="expansion")
    ends = [float(np.asarray(w.marks.book).ravel()[-1]) for w in (window, shown)]
    assert ends[1] - ends[0] == pytest.approx(window.facts.error)
    assert abs(window.facts.error) < 0.05 * abs(ends[0])
